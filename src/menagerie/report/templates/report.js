"use strict";

/* A number to sort by, or the text of a cell; null where there is no value. */
function key(cell) {
  const given = cell.dataset.sort;
  if (given === undefined) return cell.textContent.trim();
  return given === "" ? null : Number(given);
}

/* Rows by one column: up is 1 or -1; what has no value comes last either way. */
function sorted(rows, column, up) {
  return rows
    .map((row) => ({ row, value: key(row.cells[column]) }))
    .sort((a, b) => {
      if (a.value === null || b.value === null) return (a.value === null) - (b.value === null);
      if (typeof a.value === "number") return up * (a.value - b.value);
      return up * a.value.localeCompare(b.value, undefined, { numeric: true });
    })
    .map((pair) => pair.row);
}

for (const button of document.querySelectorAll("button.sort")) {
  button.disabled = false;
  button.addEventListener("click", () => {
    const head = button.closest("th");
    const body = button.closest("table").tBodies[0];
    const before = head.getAttribute("aria-sort");
    const first = head.classList.contains("number") ? "descending" : "ascending";
    const other = first === "ascending" ? "descending" : "ascending";
    for (const cell of head.parentNode.cells) cell.removeAttribute("aria-sort");
    const order = before === first ? other : first;
    head.setAttribute("aria-sort", order);
    body.append(...sorted([...body.rows], head.cellIndex, order === "ascending" ? 1 : -1));
  });
}

/* A link to a model opens its section. */
function openTarget() {
  const target = document.getElementById(location.hash.slice(1));
  if (target?.tagName === "DETAILS") target.open = true;
}
addEventListener("hashchange", openTarget);
openTarget();

addEventListener("beforeprint", () => {
  for (const box of document.querySelectorAll("details")) box.open = true;
});
