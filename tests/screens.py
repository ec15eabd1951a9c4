"""What a browser says of a page for people: what does not fit, what overlaps, what is hard to read.

use: PYTHONPATH=src:tests python tests/screens.py FOLDER [STUDY...]
makes the studies of studies.py anew and writes their pages, and pictures of these, to a folder.
"""

import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
WIDTHS = {"desktop": 1400, "phone": 390}
SCHEMES = ("light", "dark")

# Elements that reach over the side of the page, unless they lie in a box that scrolls.
WIDE = """() => [...document.body.querySelectorAll("*")].filter((one) => {
  const inside = one.closest(".box, pre");
  if (!one.checkVisibility() || (inside && inside !== one)) return false;
  const box = one.getBoundingClientRect();
  return box.width && (box.right > innerWidth + 0.5 || box.left < -0.5);
}).map((one) => one.outerHTML.slice(0, 120))"""

# Lines of text that lie on other lines of text. What scrolls or is cut off is seen only within its box.
OVERLAPS = """() => {
  const lines = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, parent = node.parentElement;
    if (!node.textContent.trim() || parent.closest("script, style")) continue;
    if (!parent.checkVisibility()) continue;
    const clips = [];
    for (let above = parent; above !== document.body; above = above.parentElement) {
      if (getComputedStyle(above).overflowX !== "visible") clips.push(above.getBoundingClientRect());
    }
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const rect of range.getClientRects()) {
      const seen = clips.reduce((a, b) => ({
        left: Math.max(a.left, b.left), right: Math.min(a.right, b.right),
        top: Math.max(a.top, b.top), bottom: Math.min(a.bottom, b.bottom) }), rect.toJSON());
      const sticky = parent.closest("th:first-child, .long thead, nav") !== null;
      if (seen.right - seen.left < 1 || seen.bottom - seen.top < 1) continue;
      lines.push({ ...seen, sticky, text: node.textContent.trim().slice(0, 50), node });
    }
  }
  lines.sort((a, b) => a.top - b.top);
  const found = [];
  lines.forEach((one, place) => {
    for (let next = place + 1; next < lines.length && lines[next].top < one.bottom - 3; next += 1) {
      const other = lines[next];
      if (one.sticky || other.sticky || one.node === other.node) continue;
      if (Math.min(one.right, other.right) - Math.max(one.left, other.left) < 2) continue;
      if (Math.min(one.bottom, other.bottom) - other.top < 4) continue;
      found.push(`${one.text} / ${other.text}`);
    }
  });
  return found;
}"""

# Texts with less contrast to what lies behind them than WCAG AA asks for: 4.5, or 3 where they are large.
FAINT = """() => {
  const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const ground = (one) => getComputedStyle(one).backgroundColor;
  const behind = (one) => (one ? [...behind(one.parentElement), ground(one)] : ["white"]);
  const painted = (colours) => {
    for (const colour of colours) { context.fillStyle = colour; context.fillRect(0, 0, 1, 1); }
    return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (rgb) => rgb
    .map((value) => value / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
    .reduce((sum, value, channel) => sum + [0.2126, 0.7152, 0.0722][channel] * value, 0);
  const found = new Set();
  for (const one of document.body.querySelectorAll("*")) {
    if (one.matches("script, style, svg *") || !one.checkVisibility()) continue;
    if (![...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim())) continue;
    const style = getComputedStyle(one), under = behind(one);
    const [a, b] = [light(painted([...under, style.color])), light(painted(under))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    if (contrast < (large ? 3 : 4.5)) found.add(`${contrast.toFixed(2)} ${one.outerHTML.slice(0, 100)}`);
  }
  return [...found];
}"""


@contextmanager
def browsing():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def opened(browser, path, width=1400, scheme="light"):
    """The page in a window; at its end nothing was asked of any host and nothing was complained of."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    asked, complaints = [], []
    page.on("request", lambda request: asked.append(request.url[:80]))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(path.as_uri())
    yield page
    page.close()
    assert [url for url in asked if not url.startswith(("data:", path.as_uri()[:80]))] == []
    assert complaints == []


def everything_open(page):
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    page.wait_for_timeout(50)  # until what opened has told the observers of its size


def faults(page):
    """What is wrong with how the page looks, everything open: nothing, if it is well."""
    everything_open(page)
    checks = {"wide": WIDE, "overlapping": OVERLAPS, "faint": FAINT}
    found = {name: page.evaluate(script) for name, script in checks.items()}
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found["wide"].append("the page")
    return {name: texts for name, texts in found.items() if texts}


def main(folder, *wanted):
    from studies import STUDIES, made

    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    pages = {}
    with tempfile.TemporaryDirectory() as place:  # of all: the first's tracking store stays open
        for study in STUDIES:
            if not wanted or study.name in wanted:
                page = made(study, Path(place, study.name))
                pages[study.name] = Path(shutil.copy(page, target)).resolve()
    with browsing() as browser:
        for name, path in pages.items():
            for device, width in WIDTHS.items():
                for scheme in SCHEMES:
                    with opened(browser, path, width, scheme) as page:
                        page.screenshot(path=target / f"{name}, {device}, {scheme}.png", full_page=True)
                        print(f"{name}, {device}, {scheme}: {faults(page) or 'well'}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
