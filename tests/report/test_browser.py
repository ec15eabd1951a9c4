"""The page for people in a real browser: what fits, what can be read, and what a click does."""

import dataclasses
import re

import numpy as np
import pytest

import screens
from helpers import results
from menagerie.report.page import page
from studies import STUDIES, made

pytest.importorskip("playwright", reason="playwright is not installed")

LONG = tuple(
    f"{base}_transfer{kind}"
    for base in ("mobilenet_v2", "resnet50v2", "xception")
    for kind in ("", "_native")
)
LONG += ("inception_v3_two_stage", "mobilenet_v2_finetune_fixed", "resnet50v2_finetune_fixed", "vgg19_block3")
# Where on the screen the last of these characters of an element's text begins.
LEFT_OF = """(element, character) => {
  const range = document.createRange(), node = element.firstChild;
  const place = node.textContent.lastIndexOf(character);
  range.setStart(node, place);
  range.setEnd(node, place + 1);
  return range.getBoundingClientRect().left;
}"""
CLASSES = [f"a species with a rather long name, number {number}" for number in range(30)]


@pytest.fixture(scope="module")
def many(tmp_path_factory, params):
    """A page of ten models with long names and thirty classes."""
    found = results(*LONG, classes=CLASSES)
    rng = np.random.default_rng(0)
    found = dataclasses.replace(found, test_picture=lambda _: rng.integers(0, 256, (32, 32, 3), np.uint8))
    path = tmp_path_factory.mktemp("page") / "many.html"
    path.write_text(page(params(f"model=[{','.join(LONG)}]"), found), encoding="utf-8")
    return path


@pytest.fixture
def shown(browser, many):
    with screens.opened(browser, many) as page:
        yield page


# what it looks like


@pytest.mark.parametrize("scheme", screens.SCHEMES)
@pytest.mark.parametrize("width", screens.WIDTHS.values(), ids=screens.WIDTHS)
def test_everything_fits_and_can_be_read(browser, many, width, scheme):
    with screens.opened(browser, many, width, scheme) as page:
        assert screens.faults(page) == {}


@pytest.mark.parametrize(
    ("fault", "style"),
    [
        ("wide", "h1 { width: 200vw }"),
        ("overlapping", "header p { margin-top: -2rem }"),
        ("faint", "figcaption { color: #999 }"),
    ],
)
def test_what_does_not_fit_or_cannot_be_read_is_found(shown, fault, style):
    shown.add_style_tag(content=style)
    assert fault in screens.faults(shown)


def test_a_desktop_shows_the_whole_leaderboard(shown):
    shown.set_viewport_size({"width": 1385, "height": 900})  # 1,400 less a scroll bar
    box = shown.get_by_role("region", name="Leaderboard")
    assert box.locator("thead th").count() == 13
    assert box.evaluate("box => box.scrollWidth <= box.clientWidth")
    assert box.locator("xpath=preceding-sibling::*[1][@class='hint quiet']").is_hidden()


def test_a_phone_says_which_tables_scroll_and_fits_the_figures(browser, many):
    with screens.opened(browser, many, 390) as page:
        screens.everything_open(page)
        for box in page.locator(".box").all():
            hint = box.locator("xpath=preceding-sibling::*[1]")
            scrolls = box.evaluate(
                "box => box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1"
            )
            assert (hint.get_attribute("class"), hint.is_visible()) == ("hint quiet", scrolls)
        leaderboard = page.get_by_role("region", name="Leaderboard")
        said = leaderboard.locator("xpath=preceding-sibling::*[1]").inner_text()
        assert said == "This table scrolls sideways \N{LEFT RIGHT ARROW}"
        images = page.locator("figure img").all()
        assert all(image.bounding_box()["width"] <= 350 for image in images)


def test_a_figure_that_was_made_smaller_can_be_enlarged(browser, many):
    with screens.opened(browser, many, 190) as page:
        image = page.locator("figure img").first
        small = image.bounding_box()["width"]
        page.get_by_role("button", name="Enlarge").first.click()
        assert image.bounding_box()["width"] > 1.2 * small
        page.get_by_role("button", name="Fit to the page").click()
        assert image.bounding_box()["width"] == small


def test_it_prints_on_a_few_sheets(shown):
    assert sheets(shown) <= 12


def test_what_is_printed_is_no_wider_than_the_sheet(shown):
    shown.emulate_media(media="print")
    shown.set_viewport_size({"width": 703, "height": 1032})  # A4 at 96 pixels an inch, less its margins
    assert shown.evaluate("document.documentElement.scrollWidth") == 703
    assert shown.get_by_role("region", name="Leaderboard").is_visible()


def sheets(page):
    return len(re.findall(rb"/Type /Page\b", page.pdf(format="A4")))


# what can be done with it


def test_a_cell_of_the_confusion_matrix_shows_its_pictures(shown):
    part = shown.locator("details[open] .mistakes")
    cell = part.locator("td button").first
    cell.click()
    told = re.fullmatch(r"(\d+): (.+, taken for .+)", cell.get_attribute("aria-label"))
    items = part.get_by_role("listitem")
    assert items.count() == int(cell.inner_text()) == int(told[1])
    assert all(text.startswith(told[2]) for text in items.all_inner_texts())
    assert (
        items.first.get_by_role("img").evaluate("image => image.decode().then(() => image.naturalWidth)")
        == 32
    )
    assert cell.get_attribute("aria-pressed") == "true"
    part.get_by_role("button", name="Show all").click()
    assert cell.get_attribute("aria-pressed") == "false"
    assert items.count() > int(cell.inner_text())


def test_a_name_from_right_to_left_does_not_turn_the_number_beside_it(browser, tmp_path, params):
    path, classes = tmp_path / "page.html", [f"رقم {letter}" for letter in "ابتثجح"]
    path.write_text(page(params("model=cnn"), results("cnn", classes=classes)), encoding="utf-8")
    with screens.opened(browser, path) as shown:
        shown.add_style_tag(content=".gallery p { white-space: nowrap }")
        text = shown.locator(".mistakes li p").first
        name, number = (text.evaluate(LEFT_OF, mark) for mark in ("ر", "("))
    assert number > name


def test_long_names_beside_the_matrix_are_told_apart(shown):
    region = shown.locator("details[open] .mistakes table.confusion")
    told = region.locator("tbody th").all_inner_texts()
    assert len(told) > 5
    assert len(set(told)) == len(told)
    assert region.locator("tbody th").evaluate_all(
        "all => all.every((one) => one.scrollWidth <= one.clientWidth)"
    )
    assert region.locator("thead span").evaluate_all(
        "all => all.every((one) => one.scrollHeight <= one.clientHeight)"
    )
    assert region.locator("tbody th").first.get_attribute("title") in CLASSES


def test_the_matrix_can_be_used_by_keyboard(shown):
    part = shown.locator("details[open] .mistakes")
    part.locator("td button").first.focus()
    shown.keyboard.press("Tab")
    second = part.locator("td button").nth(1)
    assert second.evaluate("cell => cell === document.activeElement")
    shown.keyboard.press("Enter")
    assert second.get_attribute("aria-pressed") == "true"
    assert part.get_by_role("listitem").count() == int(second.inner_text())


def test_mistakes_are_found_by_class_and_file(shown):
    shown.locator("details.model > summary").last.click()
    part = shown.locator("details.model").last.locator(".mistakes")
    search = part.get_by_label("Search mistakes")
    part.get_by_role("button", name="Show more").click()
    items = part.get_by_role("listitem")
    assert items.count() > 12
    file = items.nth(12).locator(".quiet").inner_text()
    search.fill(file.upper())
    assert file in items.locator(".quiet").all_inner_texts()
    assert all(file in text for text in items.locator(".quiet").all_inner_texts())
    search.fill("no such picture")
    assert part.get_by_role("listitem").count() == 0
    assert part.locator("output").last.inner_text() == "0 mistakes"


def test_classes_are_searched_for_in_a_long_table(shown):
    region = shown.get_by_role("region", name="Pictures by class and split")
    shown.get_by_label("Search: Pictures by class and split").fill("NUMBER 29")
    assert region.locator("tbody tr:visible th").all_inner_texts() == [CLASSES[29]]
    assert shown.get_by_text("1 of 30", exact=True).is_visible()


# whole studies


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)
def test_a_study_has_a_page_of_bounded_size_that_looks_well(browser, tmp_path, study, no_proxy):
    path = made(study, tmp_path)
    assert path.stat().st_size < 5e6
    for width in screens.WIDTHS.values():
        for scheme in screens.SCHEMES:
            with screens.opened(browser, path, width, scheme) as page:
                assert screens.faults(page) == {}
    with screens.opened(browser, path) as page:
        assert sheets(page) <= 12
