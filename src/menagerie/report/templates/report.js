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

/* Rows of a long table that hold what is searched for. */
function matches(marked, search) {
  const text = marked.replace(/[\u2068\u2069]/g, "");
  return search.toLowerCase().split(/\s+/).every((word) => text.toLowerCase().includes(word));
}

for (const search of document.querySelectorAll(".search.rows")) {
  search.hidden = false;
  const rows = [...search.nextElementSibling.querySelector("tbody").rows];
  const named = (row) => [...row.cells].map((cell) => (cell.matches(".number") ? "" : cell.textContent)).join(" ");
  search.querySelector("input").addEventListener("input", (event) => {
    for (const row of rows) row.hidden = !matches(named(row), event.target.value);
    const found = rows.filter((row) => !row.hidden).length;
    search.querySelector("output").textContent = event.target.value ? `${found} of ${rows.length}` : "";
  });
}

/* The mistakes of a model: those of a cell of its confusion matrix, or those that are searched for. */
const gallery = JSON.parse(document.getElementById("gallery").textContent);
const AT_ONCE = 12;

function element(tag, text, kind) {
  const made = document.createElement(tag);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

/* Between marks, a name that runs from right to left does not turn the words and numbers beside it. */
function isolated(name) {
  return `\u2068${name}\u2069`;
}

function pair(actual, predicted) {
  return `${isolated(gallery.classes[actual])}, taken for ${isolated(gallery.classes[predicted])}`;
}

function mistake([path, actual, predicted, probability, picture]) {
  const item = document.createElement("li");
  const told = pair(actual, predicted);
  if (picture >= 0) {
    const image = new Image();
    image.src = gallery.pictures[picture];
    image.alt = told;
    item.append(image);
  } else {
    item.append(element("div", "not in this page", "absent quiet"));
  }
  const file = element("p", path.split("/").pop(), "quiet");
  file.title = path;
  item.append(element("p", `${told} (${(100 * probability).toFixed(0)}\u00a0%)`), file);
  return item;
}

for (const part of document.querySelectorAll(".mistakes")) {
  const listed = gallery.models[part.dataset.model].listed;
  for (const hidden of part.querySelectorAll(".scripted")) hidden.hidden = false;
  if (!listed.length) continue;
  const [list, more, search, said] = ["ul", ".more", "input", "output"].map((name) => part.querySelector(name));
  const cells = [...part.querySelectorAll("td button")];
  let chosen = null, shown = AT_ONCE;

  function found() {
    if (chosen) return listed.filter((one) => chosen.dataset.pair === `${one[1]} ${one[2]}`);
    return listed.filter((one) => matches(`${one[0]} ${pair(one[1], one[2])}`, search.value));
  }

  function show() {
    const all = found();
    const wanted = chosen ? Number(chosen.textContent) : all.length;
    list.replaceChildren(...all.slice(0, shown).map(mistake));
    more.hidden = all.length <= shown;
    said.textContent = `${wanted} ${wanted === 1 ? "mistake" : "mistakes"}`
      + (chosen ? `: ${pair(...chosen.dataset.pair.split(" "))}` : "")
      + (wanted > all.length ? `, of which ${all.length} ${all.length === 1 ? "is" : "are"} listed` : "");
    for (const cell of cells) cell.setAttribute("aria-pressed", cell === chosen);
  }

  function choose(cell) {
    chosen = cell;
    shown = AT_ONCE;
    show();
  }

  for (const cell of cells) {
    cell.disabled = false;
    cell.ariaLabel = `${cell.textContent}: ${pair(...cell.dataset.pair.split(" "))}`;
    cell.addEventListener("click", () => { search.value = ""; choose(cell); });
  }
  search.addEventListener("input", () => choose(null));
  part.querySelector(".all").addEventListener("click", () => { search.value = ""; choose(null); });
  more.addEventListener("click", () => { shown += 4 * AT_ONCE; show(); });
  const model = part.closest("details");
  if (model.open) show();
  else model.addEventListener("toggle", show, { once: true });
}

/* Where a box holds more than it shows, it says so; figures fit, and can be made as large as drawn. */
function hint(box) {
  const sideways = box.scrollWidth > box.clientWidth + 1;
  const down = box.scrollHeight > box.clientHeight + 1;
  const what = box.querySelector(":scope > img") ? "figure" : "table";
  box.hint.hidden = !sideways && !down;
  box.hint.textContent = `This ${what} scrolls ${sideways ? "sideways \u2194" : ""} ${down ? "down \u2195" : ""}`;
}

const wide = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const image = target.querySelector(":scope > img");
    hint(target);
    if (image) target.larger.hidden = !target.classList.contains("full") && image.clientWidth > 0.8 * image.getAttribute("width");
  }
});

for (const box of document.querySelectorAll(".box")) {
  const image = box.querySelector(":scope > img");
  box.hint = element("p", "", "hint quiet");
  box.before(box.hint);
  if (image) {
    box.larger = element("button", "Enlarge", "plain larger");
    box.larger.type = "button";
    box.larger.addEventListener("click", () => {
      box.larger.textContent = box.classList.toggle("full") ? "Fit to the page" : "Enlarge";
      hint(box);
    });
    box.after(box.larger);
  }
  wide.observe(box);
}
