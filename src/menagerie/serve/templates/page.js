"use strict";

const limits = document.body.dataset;
const AT_ONCE = Math.min(16, Number(limits.pictures));
const TRIES = 5;
const results = document.getElementById("results");
const explain = document.getElementById("explain");
let begun = 0;
let done = 0;
let unreadable = 0;
let turn = Promise.resolve(); // requests go one after the other

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children); // text, whatever a name looks like
  return made;
}

function percent(share) {
  if (share > 0.9995 && share < 1) return "> 99.9 %"; // a network is never quite sure
  return share > 0 && share < 0.0005 ? "< 0.1 %" : `${(100 * share).toFixed(1)} %`;
}

function tell() {
  document.getElementById("bar").hidden = begun === 0;
  const broken = unreadable ? `, ${unreadable} of them unreadable` : "";
  const text = done < begun ? `${done} of ${begun} pictures …` : `${begun} ${begun === 1 ? "picture" : "pictures"}${broken}`;
  document.getElementById("status").textContent = text;
}

function alarm(text) {
  const place = document.getElementById("alert");
  place.textContent = text;
  place.hidden = !text;
}

async function ask(address, body) {
  for (let tried = 1; ; tried += 1) {
    const response = await fetch(address, { method: "POST", body });
    if (response.status === 503 && tried < TRIES) {
      const wait = 1000 * Number(response.headers.get("Retry-After") || 1);
      await new Promise((resolve) => { setTimeout(resolve, wait); });
      continue;
    }
    const said = await response.json().catch(() => ({ detail: `status ${response.status}` }));
    if (!response.ok) throw new Error(said.detail);
    return said;
  }
}

function card(file) {
  const preview = element("img", { src: URL.createObjectURL(file), alt: `Preview of ${file.name}` });
  const original = element("figure", {}, preview, element("figcaption", { textContent: "as sent" }));
  preview.onload = () => {
    preview.classList.toggle("small", preview.naturalWidth <= 64);
    URL.revokeObjectURL(preview.src);
  };
  preview.onerror = () => { original.hidden = true; }; // of a kind that only the service reads
  const views = element("div", { className: "views" }, original);
  const item = element("li", {}, element("h2", { textContent: file.name, title: file.name }), views);
  item.setAttribute("aria-busy", "true");
  results.append(item);
  return { file, item, views };
}

function show(shown, answer) {
  const { item, views, file } = shown;
  if (!item.isConnected) return; // cleared meanwhile
  item.setAttribute("aria-busy", "false");
  done += 1;
  if (answer.error) {
    unreadable += 1;
    views.remove();
    item.append(element("p", { className: "error", textContent: answer.error }));
    return;
  }
  const bars = element("dl", { className: "bars" });
  for (const guess of answer.top) {
    const bar = element("progress", { max: 1, value: guess.probability });
    bar.setAttribute("aria-label", `probability of ${guess.class}`);
    bars.append(
      element("dt", { textContent: guess.class }),
      element("dd", {}, bar, element("span", { textContent: percent(guess.probability) })),
    );
  }
  const sure = element("span", { textContent: percent(answer.probability) });
  item.append(element("p", { className: "answer" }, sure, answer.class), bars);
  if (limits.explains === "true") {
    shown.look = async () => {
      const said = await ask("/explain", file);
      const heat = element("img", { src: said.image, alt: `Where the network looked for ${said.class}` });
      const caption = element("figcaption", { textContent: `evidence for ${said.class}` });
      views.append(element("figure", { className: "heat", hidden: !explain.checked }, heat, caption));
    };
    item.look = shown;
  }
}

async function look() {
  for (const item of [...results.children]) {
    const shown = item.look;
    if (!explain || !explain.checked || !item.isConnected || !shown || !shown.look) continue;
    const run = shown.look;
    shown.look = null;
    try {
      await run();
    } catch (error) {
      alarm(error.message);
    }
  }
}

async function send(cards) {
  const form = new FormData();
  for (const { file } of cards) form.append("file", file, file.name);
  try {
    const said = await ask("/predict", form);
    said.pictures.forEach((answer, place) => show(cards[place], answer));
  } catch (error) {
    const reason = error instanceof TypeError ? "The service does not answer." : error.message;
    for (const one of cards) show(one, { error: reason });
  }
  tell();
}

/* A request holds so many pictures and bytes; a picture that is too large goes alone, to be told so. */
function parts(cards) {
  const found = [];
  let bytes = Infinity;
  for (const one of cards) {
    const last = found[found.length - 1];
    if (!last || last.length === AT_ONCE || bytes + one.file.size > 0.9 * Number(limits.bytes)) {
      found.push([one]);
      bytes = one.file.size;
    } else {
      last.push(one);
      bytes += one.file.size;
    }
  }
  return found;
}

function take(files) {
  if (!files.length) return;
  alarm("");
  const cards = [...files].map(card);
  begun += cards.length;
  tell();
  for (const part of parts(cards)) turn = turn.then(() => send(part));
  turn = turn.then(look);
}

const input = document.getElementById("files");
input.addEventListener("change", () => {
  take(input.files);
  input.value = ""; // the same picture may be chosen again
});
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("over");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("over");
  take(event.dataTransfer.files);
});
document.addEventListener("paste", (event) => take(event.clipboardData.files));
document.getElementById("clear").addEventListener("click", () => {
  results.replaceChildren();
  begun = done = unreadable = 0;
  alarm("");
  tell();
  input.focus();
});
if (explain) {
  explain.addEventListener("change", () => {
    for (const heat of document.querySelectorAll(".heat")) heat.hidden = !explain.checked;
    turn = turn.then(look);
  });
}
