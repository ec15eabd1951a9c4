"""The report for people: parsed as a browser would, and its rows looked at."""

import base64
import dataclasses
import io
import json
import re
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from PIL import Image

from helpers import CLASSES, Page, data_report, entry, picture, results, run_record
from menagerie.evaluate.measures import confusion, confusion_table
from menagerie.plots import comparison as comparison_plots
from menagerie.plots import style
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


def test_one_model_is_not_compared_with_itself(params, whole):
    shown = Page(page(params("model=cnn"), results("cnn")))
    told = [image["alt"].partition(": ")[2] for image in shown.of("img")]
    assert told == [
        "Pictures of each class in each split, and its share of that split.",
        "The surest mistakes on the test pictures.",
    ]
    assert "to sort by it" in whole.text
    assert "to sort by it" not in shown.text


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


def test_a_model_has_the_colour_of_the_figures_beside_its_name(study, found):
    _, dots = comparison_plots.accuracy_dots(found.board, {}, "Accuracy").axes[0].collections
    drawn = dict(zip(found.board["model"], map(to_hex, dots.get_facecolors()), strict=True))
    swatch = r'<i class="swatch" style="--colour: (#\w+)" aria-hidden="true"></i>'
    text = page(study, found).replace("<wbr>", "")
    beside = Counter(
        (name, colour) for colour, name in re.findall(swatch + r"(?:<a [^>]+>|<h3>)?([^<]+)", text)
    )
    assert set(beside) == set(drawn.items())
    assert min(beside.values()) >= 6  # leaderboard, cost, calibration, differences, reported, its own part


def test_a_reported_model_that_was_not_trained_has_no_colour(params):
    some = MODELS[:2]
    text = page(params("study=sign_digits", f"model=[{','.join(some)}]"), results(*some))
    assert set(re.findall(r'--colour: (#\w+)"', text)) == set(
        map(to_hex, style.colours_of(list(some)).values())
    )


def test_long_tables_are_folded_away(study, found):
    data = data_report() | {"unreadable": {"a/3.png": "empty file"}}
    shown = Page(page(study, changed(found, data=data)))
    assert {"All 3 pairs", "Pictures that could not be read: 1"} <= set(shown.summaries)


# tables


def test_a_row_has_intervals_below_its_numbers(whole, found):
    row, test = whole.rows("Leaderboard")[0], found.metrics["sign_cnn"]["test"]
    accuracy, low, high = (100 * test[f"accuracy{end}"] for end in ("", "_low", "_high"))
    assert row["test accuracy (%)"] == f"{accuracy:.2f}; {low:.2f} to {high:.2f}"
    cost = whole.rows("Cost of each model")[0]
    assert (cost["training"], cost["size (MB)"]) == ("25.0 s", "14.50")


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
    assert [row["training"] for row in shown.rows("Cost of each model")] == ["25.0 s", DASH, DASH]
    assert shown.sort_keys("Cost of each model", "training") == ["24.96", "", ""]


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
    (row,) = re.findall(r'<tr class="chosen">\n<th scope="row"><i [^>]+></i><a href="#model-(\w+)">', text)
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
    assert [name for name, _, _ in of_models] == list(MODELS)
    assert of_models[0][2] == "The surest mistakes on the test pictures."
    assert {(image["width"], image["height"]) for image in whole.of("img")} == {("192", "96")}


def test_figures_that_are_not_there_leave_no_gap(study, found):
    bare = changed(found, data_figures={}, comparison_figures={}, model_figures={name: {} for name in MODELS})
    shown = Page(page(study, bare))
    assert shown.of("img") == shown.of("figure") == []


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
    assert shown.of("script") == [{"type": "application/json", "id": "gallery"}, {}]
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
    assert shown.of("script") == [{"type": "application/json", "id": "gallery"}, {}]
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
    assert all(box["tabindex"] == "0" for box in whole.of("div") if box.get("class", "").startswith("box"))
    assert {button["type"] for button in whole.of("button")} == {"button"}
    falling = [head for head in whole.of("th") if "aria-sort" in head]
    assert [head["aria-sort"] for head in falling] == ["descending"]


# the mistakes


@pytest.fixture
def seen(study, found):
    """The page where the pictures are at hand, and what its script is told."""
    text = page(study, changed(found, test_picture=lambda path: np.full((8, 8, 3), int(path[:-4]), np.uint8)))
    (told,) = re.findall(r'<script type="application/json" id="gallery">(.+?)</script>', text)
    return Page(text), json.loads(told)


def test_each_wrong_answer_is_told_with_its_picture_which_is_there_once(seen, found):
    _, told = seen
    paths = set()
    for name in MODELS:
        table = found.tables["predictions"][name]
        wrong = table[table["actual"] != table["predicted"]].set_index("path")
        listed = told["models"][name]["listed"]
        assert told["models"][name]["of"] == len(listed) == len(wrong)
        for path, actual, predicted, probability, _ in listed:
            row = wrong.loc[path]
            assert [told["classes"][actual], told["classes"][predicted]] == [row["actual"], row["predicted"]]
            assert probability == pytest.approx(row["probability"], abs=5e-4)
        pixels = {path: shown(told["pictures"][place]) for path, _, _, _, place in listed}
        assert {path: int(path[:-4]) for path in pixels} == pytest.approx(pixels, abs=2)
        paths |= set(pixels)
    assert len(told["pictures"]) == len(paths)


def shown(uri):
    """The value of a picture of one colour."""
    data = base64.b64decode(uri.removeprefix("data:image/webp;base64,"))
    return int(np.asarray(Image.open(io.BytesIO(data)))[4, 4, 0])


def test_the_confusion_matrix_has_a_button_for_each_kind_of_mistake(seen, found):
    whole, _ = seen
    table = found.tables["confusion"][MODELS[2]]
    rows = {row.pop("true class"): row for row in whole.rows(f"Confusion matrix of {MODELS[2]}")}
    for cell in table.to_dict("records"):
        assert rows[cell["actual"]].pop(cell["predicted"]) == str(cell["pictures"])
    assert {text for row in rows.values() for text in row.values()} <= {""}
    buttons = [one for one in whole.of("button") if "data-pair" in one]
    wrong = sum(len(one[one["actual"] != one["predicted"]]) for one in found.tables["confusion"].values())
    assert len(buttons) == wrong


@pytest.mark.parametrize(
    "pattern", ["species {:02d} of a genus", "{:02d} in the beginning of a name", "the end of a name, {:02d}"]
)
def test_long_names_beside_the_matrix_differ_wherever_they_differ(params, pattern):
    classes = [pattern.format(number) for number in range(12)]
    text = page(params("model=cnn"), results("cnn", classes=classes))
    rows = Page(text).rows("Confusion matrix of cnn")
    assert len(rows) == 12
    assert len({row["true class"] for row in rows}) == 12
    assert len(rows[0]) == 13  # columns are told apart, too
    assert max(len(row["true class"]) for row in rows) <= 18


def test_figures_of_what_can_be_chosen_are_not_shown_twice(seen, whole):
    assert seen[0].of("figure") != whole.of("figure")
    assert not [image for image in seen[0].of("img") if "mistakes" in image["alt"]]


def test_examples_which_are_the_same_for_each_model_are_shown_once(study, found):
    figures = {name: {"examples": picture(), "mistakes": picture()} for name in MODELS}
    told = [image["alt"] for image in Page(page(study, changed(found, model_figures=figures))).of("img")]
    assert [alt.partition(":")[0] for alt in told if "chosen at random: true class" in alt] == ["sign_cnn"]
    assert len([alt for alt in told if "surest mistakes" in alt]) == len(MODELS)


def test_a_class_that_ends_the_script_is_text_in_it(params):
    text = page(params("model=cnn"), results("cnn", classes=["</script><b>", "<!--"]))
    assert text.count("</script>") == 2


def test_figures_beyond_what_a_page_may_hold_are_counted_and_left_out(study, found, monkeypatch):
    monkeypatch.setattr("menagerie.report.page.FIGURES", 12_000)
    few = Page(page(study, found))
    assert 0 < len(few.of("img")) < 6
    assert "1 of the figures is not in this page" in few.text
    assert f"see plots/sign_digits/models/{MODELS[2]}" in few.text


def test_the_size_of_a_page_is_bounded(params):
    """Ten models that err as often as not among as many classes as a matrix shows, and figures of noise."""
    models, rng = [f"{kind}_{n}" for kind in ("a", "b") for n in range(5)], np.random.default_rng(0)
    names = [f"one of the kinds, number {number}" for number in range(24)]
    found = results(*models, classes=names)
    predictions = {name: guessed(rng, names) for name in models}
    confusions = {name: confusion_of(table, names) for name, table in predictions.items()}
    noise = picture(1200, 900, photograph=True)
    figures = {name: dict.fromkeys(["reliability", "grad_cam"], noise) for name in models}
    found = changed(
        found,
        tables=found.tables | {"predictions": predictions, "confusion": confusions},
        model_figures=figures,
        test_picture=lambda _: rng.integers(0, 256, (96, 96, 3), np.uint8),
    )
    one = params("model=cnn")
    study = one.model_copy(update={"models": dict.fromkeys(models, one.models["cnn"])})
    text = page(study, found)
    assert 3e6 < len(text.encode()) < 5e6
    assert "not in this page, which is kept small" in text


def guessed(rng, names):
    """2,000 predictions by chance, of pictures with long paths."""
    paths = [f"{'a folder with a long name/' * 3}{number}.jpeg" for number in range(2000)]
    sides = {side: rng.choice(names, 2000) for side in ("actual", "predicted")}
    return pd.DataFrame({"path": paths, **sides, "probability": rng.random(2000)})


def confusion_of(table, names):
    label = {name: number for number, name in enumerate(names)}
    sides = (table[side].map(label).to_numpy() for side in ("actual", "predicted"))
    return confusion_table(confusion(*sides, len(names)), names)


# many and few


def test_a_table_with_many_rows_can_be_searched(params, whole):
    many = [f"kind {number}" for number in range(20)]
    shown = Page(page(params("model=cnn"), results("cnn", classes=many)))
    searches = [field["aria-label"] for field in shown.of("input") if "aria-label" in field]
    assert searches == ["Search: Pictures by class and split", "Search: Classes of cnn"]
    assert not [field for field in whole.of("input") if "aria-label" in field]


def test_one_is_said_of_one(params):
    found = results("cnn")
    data = found.data | {"pictures": 1, "splits": {"train": 1, "val": 1, "test": 1}}
    shown = Page(page(params("model=cnn"), changed(found, data=data)))
    assert "1 picture of 3 classes." in shown.text
    assert "1 train, 1 val and 1 test picture." in shown.text
    assert "This runs the model of this report:" in shown.text
