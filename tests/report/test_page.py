"""The report for people: parsed as a browser would, and its rows looked at."""

import dataclasses
import re

import pytest

from helpers import CLASSES, Page, data_report, entry, results, run_record
from menagerie.report.findings.values import DASH
from menagerie.report.page import inline, page

MODELS = ("sign_cnn", "sign_cnn_decay_high", "sign_cnn_decay_low")


@pytest.fixture(scope="module")
def found():
    return results(*MODELS)


@pytest.fixture(scope="module")
def study(params):
    return params("study=sign_digits", f"model=[{','.join(MODELS)}]")


@pytest.fixture(scope="module")
def whole(study, found):
    return Page(page(study, found))


def changed(found, **parts):
    return dataclasses.replace(found, **parts)


# sections


def test_the_page_has_costs_and_models_beside_the_findings(whole):
    assert whole.headings == [
        "leaderboard",
        "tests",
        "reported",
        "claims",
        "cost",
        "calibration",
        "data",
        "models",
        "repeat",
    ]
    assert "Trained on cpu:0 with Keras 3.12.0" in whole.text
    assert "`menagerie report`" not in whole.text
    assert "menagerie report writes this page." in whole.text


def test_one_model_has_a_page(params):
    shown = Page(page(params("model=cnn"), results("cnn")))
    assert shown.headings == ["leaderboard", "cost", "calibration", "data", "models", "repeat"]
    assert [row["model"] for row in shown.rows("Leaderboard")] == ["cnn"]


def test_only_the_best_model_is_open(whole):
    opened = {one["id"]: "open" in one for one in whole.of("details") if one.get("class") == "model"}
    assert opened == {
        "model-sign_cnn": True,
        "model-sign_cnn_decay_high": False,
        "model-sign_cnn_decay_low": False,
    }


def test_each_model_has_its_own_tables_settings_and_command(study, found, whole):
    text = page(study, found)
    for name in MODELS:
        assert [row["class"] for row in whole.rows(f"Classes of {name}")] == CLASSES
        assert f'<summary>{name} in params.yaml</summary>\n<pre tabindex="0"><code>{name}:\n' in text
        assert f"-S model={name} " in whole.text


def test_long_tables_are_folded_away(study, found):
    data = data_report() | {"unreadable": {"a/3.png": "empty file"}}
    shown = Page(page(study, changed(found, data=data)))
    assert {"All 3 pairs", "Pictures that could not be read: 1"} <= set(shown.summaries)


# tables


def test_a_row_has_intervals_below_its_numbers(whole, found):
    row, test = whole.rows("Leaderboard")[0], found.metrics["sign_cnn"]["test"]
    accuracy, low, high = (100 * test[f"accuracy{end}"] for end in ("", "_low", "_high"))
    assert row["test accuracy (%)"] == f"{accuracy:.2f}; {low:.2f} to {high:.2f}"
    assert (row["training"], row["size (MB)"]) == ("25.0 s", "14.50")


def test_the_leaderboard_can_be_sorted_by_the_values_behind_its_texts(whole, found):
    models = [row["model"] for row in whole.rows("Leaderboard")]
    assert models == list(MODELS)  # the highest test accuracy first
    columns = {"test accuracy (%)": "accuracy", "interval": "accuracy_low", "loss (nats)": "loss", "n": "n"}
    for column, key in columns.items():
        values = [found.metrics[name]["test"][key] for name in models]
        assert [float(told) for told in whole.sort_keys("Leaderboard", column)] == values
    assert whole.sort_keys("Leaderboard", "model") == [None] * 3  # by its text


def test_values_that_are_not_known_are_dashes_that_sort_last(study, found):
    shown = Page(page(study, changed(found, runs={"sign_cnn": run_record()})))
    assert [row["training"] for row in shown.rows("Leaderboard")] == ["25.0 s", DASH, DASH]
    assert shown.sort_keys("Leaderboard", "training") == ["24.96", "", ""]


def test_intervals_are_drawn_on_one_scale(whole):
    drawn = [line for line in whole.of("line") if "class" not in line]
    ends = [float(line[end].rstrip("%")) for line in drawn for end in ("x1", "x2")]
    assert len(ends) == 6
    assert (min(ends), max(ends)) == (4, 96)
    middle = [float(circle["cx"].rstrip("%")) for circle in whole.of("circle")]
    assert middle == sorted(middle, reverse=True)


def test_the_chosen_row_and_the_verdicts_are_marked(params):
    metrics = {"sign_cnn": entry(400, val_correct=340), "sign_cnn_decay_low": entry(300, val_correct=341)}
    found = results(*metrics)
    judged = {name: found.metrics[name] | own for name, own in metrics.items()}
    chosen = params("study=sign_digits", f"model=[{','.join(metrics)}]")
    text = page(chosen, changed(found, metrics=judged))
    (row,) = re.findall(r'<tr class="chosen">\n<th scope="row"><a href="#model-(\w+)">', text)
    assert row == "sign_cnn_decay_low"
    marks = re.findall(r'<span class="(verdict \w+)">(\w+)', text)
    assert marks == [("verdict careful", "no"), ("verdict good", "reproduced")]


# figures


def test_figures_are_inside_in_a_fixed_order_with_what_they_show(whole):
    told = [image["alt"].partition(": ")[2] for image in whole.of("img")]
    assert told[:3] == [
        "Test accuracy of each model with its 95 % interval, and what was reported where something was.",
        "Test accuracy with its 95 % interval against each cost. The stepped line joins the models that no "
        "other beats in both.",
        "Pictures of each class in each split, and its share of that split.",
    ]
    of_models = [image["alt"].partition(": ") for image in whole.of("img")[3:]]
    assert [name for name, _, _ in of_models] == [name for name in MODELS for _ in range(2)]
    assert of_models[0][2] == "Test pictures by true class (down) and predicted class (across)."
    assert of_models[1][2] == "The surest mistakes on the test pictures."
    assert {(image["width"], image["height"]) for image in whole.of("img")} == {("192", "96")}


def test_figures_that_are_not_there_leave_no_gap(study, found):
    bare = changed(found, data_figures={}, comparison_figures={}, model_figures={name: {} for name in MODELS})
    shown = Page(page(study, bare))
    assert shown.of("img") == shown.of("figure") == []
    assert "cost" not in shown.headings


# text and marks


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("`dataset.duplicates` is **bold**", "<code>dataset.duplicates</code> is <strong>bold</strong>"),
        ("from <https://a.org/x?a=1&b=2>", 'from <a href="https://a.org/x?a=1&amp;b=2" rel="noreferrer">'),
        ("97.78 % of 5 %s", "97.78&nbsp;% of 5&nbsp;%s"),
        ("2 * 3 * 4 and a_b_c", "2 * 3 * 4 and a_b_c"),
        ("<javascript:alert(1)>", "&lt;javascript:alert(1)&gt;"),
        ("`<b>` & **<i>**", "<code>&lt;b&gt;</code> &amp; <strong>&lt;i&gt;</strong>"),
        ('<https://a.org/"onclick="x">', 'href="https://a.org/&#34;onclick=&#34;x&#34;" rel="noreferrer">'),
        ("**a `b** c`", "<strong>a `b</strong> c`"),
    ],
)
def test_marks_become_tags_and_all_else_is_text(text, html):
    assert html in inline(text)
    Page(str(inline(text)))  # which refuses tags that overlap


HOSTILE = ["<script>alert(1)</script>", "\"' onload='alert(1)", "手語 & {{ 7 * 7 }}", "`<img src=x>`"]


def test_names_of_the_user_are_text_and_nothing_else(params):
    chosen = params("model=cnn")
    dataset = chosen.dataset.model_copy(
        update={
            "title": HOSTILE[0],
            "citation": HOSTILE[1],
            "licence": HOSTILE[2],
            "homepage": "javascript:alert(1)",
        }
    )
    found = results("cnn", classes=HOSTILE)
    found = changed(found, data=found.data | {"unreadable": {name: name for name in HOSTILE}})
    shown = Page(page(chosen.model_copy(update={"dataset": dataset}), found))
    assert len(shown.of("script")) == 1
    assert not [name for _, attributes in shown.tags for name in attributes if name.startswith("on")]
    assert all(image["src"].startswith("data:") for image in shown.of("img"))
    assert [row["class"] for row in shown.rows("Classes of cnn")] == HOSTILE
    assert [row["why"] for row in shown.rows("Unreadable pictures")] == HOSTILE
    assert HOSTILE[0] in shown.text
    assert not [link for link in shown.of("a") if not link["href"].startswith("#")]


def test_what_a_notebook_says_is_text_too(params):
    chosen = params("study=sign_digits", "model=sign_cnn")
    claims = tuple(claim.model_copy(update={"told": HOSTILE[0]}) for claim in chosen.reported.claims)
    notebook = chosen.reported.model_copy(update={"title": HOSTILE[0], "note": HOSTILE[1], "claims": claims})
    shown = Page(page(chosen.model_copy(update={"reported": notebook}), results("sign_cnn")))
    assert len(shown.of("script")) == 1
    assert shown.text.count(HOSTILE[0]) == 2 + 2 * 2  # told, and given again by either command


# the page as a page


def test_nothing_is_fetched_from_anywhere(study, found, whole):
    for _, attributes in whole.tags:
        for name in ("src", "href"):
            target = attributes.get(name, "#")
            assert target.startswith(("data:", "#")) or target == study.dataset.homepage
    assert {"href": study.dataset.homepage, "rel": "noreferrer"} in whole.of("a")
    style = "".join(re.findall(r"<style>(.+?)</style>", page(study, found), flags=re.DOTALL))
    assert "--page" in style
    assert not re.search(r"url\(|@import|http", style)
    (policy,) = [meta["content"] for meta in whole.of("meta") if "http-equiv" in meta]
    assert policy.startswith("default-src 'none'; img-src data:;")


def test_every_link_of_the_page_leads_to_something(whole):
    targets = {attributes["id"] for _, attributes in whole.tags if "id" in attributes}
    links = [link["href"][1:] for link in whole.of("a") if link["href"].startswith("#")]
    assert len(links) > len(MODELS)
    assert set(links) <= targets
    assert whole.headings == [link for link in links if not link.startswith("model-")]


def test_the_page_can_be_read_aloud_and_used_by_keyboard(whole):
    assert whole.of("html") == [{"lang": "en"}]
    assert {head.get("scope") for head in whole.of("th")} == {"col", "row"}
    assert all(image["alt"] for image in whole.of("img"))
    assert all(box["tabindex"] == "0" for box in whole.of("div") if box.get("class") == "box")
    assert {button["type"] for button in whole.of("button")} == {"button"}
    falling = [head for head in whole.of("th") if "aria-sort" in head]
    assert [head["aria-sort"] for head in falling] == ["descending"]
