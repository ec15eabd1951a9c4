"""The page of the service in a real browser."""

import re

import httpx
import pytest
from PIL import Image

from broken_pictures import encoded, good, noise
from serving import CLASSES, noisy, served, small_model

pytest.importorskip("keras")
pytest.importorskip("multipart")
pytest.importorskip("playwright", reason="playwright is not installed")
from playwright import sync_api as playwright

from menagerie.serve.predictor import Predictor

pytestmark = pytest.mark.tensorflow


@pytest.fixture(scope="module")
def predictor(tmp_path_factory):
    return Predictor(small_model(tmp_path_factory.mktemp("model") / "model.keras", temperature=1.7))


@pytest.fixture(scope="module")
def service(predictor):
    with served(predictor, pictures=4) as address:
        yield address


@pytest.fixture
def page(browser, service, no_proxy):
    """The page, open; at its end, nothing was asked of another host and nothing was complained of."""
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    asked, complaints = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
    page.goto(service)
    yield page
    page.close()
    assert all(url.startswith((service, "blob:", "data:")) for url in asked)
    assert complaints == []


def sent(name, data):
    return {"name": name, "mimeType": "application/octet-stream", "buffer": data}


def choose(page, *files):
    page.get_by_label("Choose pictures").set_input_files([sent(name, data) for name, data in files])
    playwright.expect(page.locator("#results > li[aria-busy=false]")).to_have_count(len(files))


def test_a_chosen_picture_gets_its_class_its_probability_and_where_the_network_looked(page, predictor):
    (data,), pixels = noisy(1)
    values = predictor.probabilities(pixels)[0]
    choose(page, ("a photo.png", data))
    item = page.get_by_role("listitem")
    assert item.get_by_role("heading").inner_text() == "a photo.png"
    told = item.locator(".answer").inner_text()
    assert CLASSES[values.argmax()] in told
    assert f"{100 * values.max():.1f} %" in told
    bars = {
        bar.get_attribute("aria-label"): bar.evaluate("bar => bar.value")
        for bar in item.locator("progress").all()
    }
    expected = {
        f"probability of {name}": pytest.approx(value) for name, value in zip(CLASSES, values, strict=True)
    }
    assert bars == expected
    heat = item.get_by_alt_text("Where the network looked")
    heat.wait_for()
    assert heat.evaluate("image => image.decode().then(() => image.naturalWidth)") >= 224


def test_a_dropped_picture_is_answered(page):
    (data,), _ = noisy(1)
    transfer = page.evaluate_handle(
        """bytes => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], "dropped.png"));
            return transfer;
        }""",
        list(data),
    )
    page.dispatch_event("main", "drop", {"dataTransfer": transfer})
    playwright.expect(page.locator(".answer")).to_have_count(1)
    assert page.get_by_role("heading", name="dropped.png").is_visible()


def test_names_are_shown_as_they_are_and_do_nothing(page):
    name = "<script>alert(1)</script><img src=x onerror=alert(2)>.png"
    choose(page, (name, good()["picture.png"]), (f"broken {name}", b"\x89PNG\r\n\x1a\n"))
    headings = page.locator("#results h2")
    assert headings.all_inner_texts() == [name, f"broken {name}"]
    assert headings.locator("*").count() == 0
    assert page.locator("#results .error").count() == 1


def test_more_pictures_than_a_request_may_hold_are_all_answered(page):
    files, _ = noisy(9)
    choose(page, *[(f"{number}.png", data) for number, data in enumerate(files)], ("words.txt", b"words"))
    playwright.expect(page.get_by_role("status")).to_have_text("10 pictures, 1 of them unreadable")
    assert page.locator(".answer").count() == 9
    page.get_by_role("button", name="Clear").click()
    assert page.locator("#results > li").count() == 0
    assert page.get_by_label("Choose pictures").evaluate("input => input === document.activeElement")


def test_the_page_can_be_used_by_keyboard(page):
    # Listened for from the start: asked for only at the key, the browser may open its own window first.
    page.on("filechooser", lambda chooser: chooser.set_files([sent("a.png", good()["picture.png"])]))
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # opens the list of classes
    assert page.get_by_text("hen", exact=True).is_visible()
    page.keyboard.press("Tab")
    playwright.expect(page.get_by_label("Choose pictures")).to_be_focused()
    page.keyboard.press("Space")
    page.locator(".heat").wait_for()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")  # no heat, please
    assert page.locator(".heat").is_hidden()


def test_a_phone_shows_the_page_without_scrolling_sideways(page):
    page.set_viewport_size({"width": 390, "height": 844})
    wide = encoded(Image.fromarray(noise((40, 900))), "PNG")
    choose(page, ("a_very_long_name_without_a_single_space_" * 5, wide))
    page.locator(".heat").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_names_of_classes_and_data_sets_are_text(tmp_path, browser, no_proxy):
    classes = ("<script>alert(1)</script>", "a & b")
    with served(Predictor(small_model(tmp_path / "model.keras", classes=classes))) as address:
        page = browser.new_page()
        said = []
        page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
        page.goto(address)
        choose(page, ("a.png", good()["picture.png"]))
        names = page.locator(".bars dt").all_inner_texts()
        page.close()
    assert sorted(names) == sorted(classes)
    assert said == []


def test_the_page_runs_and_loads_nothing_but_itself(service, no_proxy):
    reply = httpx.get(service)
    policy = dict(part.split(" ", 1) for part in reply.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert re.fullmatch(r"'sha256-\S+'", policy["script-src"])
    assert re.fullmatch(r"'sha256-\S+'", policy["style-src"])
    assert not re.search(r"(src|href)=\"(https?:)?//", reply.text)
