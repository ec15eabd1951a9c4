"""The report for people: parsed as a browser would, and its rows looked at."""

import base64
import dataclasses
import io
import re
import shlex

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from helpers import CLASSES, COUNT, Page, composed, data_report, picture, results, robustness, run_record
from menagerie.compare import published
from menagerie.evaluate import measures
from menagerie.report import page as page_module
from menagerie.report.page import DASH, page

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


def measured(found, name, part, **scores):
    """The same results, in which one model has other scores on one split."""
    metrics = found.metrics[name] | {part: found.metrics[name][part] | scores}
    return changed(found, metrics=found.metrics | {name: metrics})


# the verdict and the leaderboard


def test_the_verdict_is_of_the_model_that_val_chose_and_says_its_test_accuracy(study, found):
    """The second by test is the first by val: what is told of test is its own."""
    other = measured(found, "sign_cnn", "val", accuracy=0.1)
    other = measured(other, "sign_cnn_decay_low", "val", accuracy=0.2)
    text = Page(page(study, other)).text
    test = found.metrics["sign_cnn_decay_high"]["test"]
    right = round(test["accuracy"] * COUNT)
    assert right < found.metrics["sign_cnn"]["test"]["accuracy"] * COUNT
    assert "sign_cnn_decay_high is the best of 3 models by val accuracy" in text
    assert f"It gets {right} of {COUNT} test pictures right: {100 * test['accuracy']:.2f} %" in text
    assert f"interval {100 * test['accuracy_low']:.2f} to {100 * test['accuracy_high']:.2f} %" in text


@pytest.mark.parametrize(
    ("p", "said"),
    [
        ([0.01, 0.04], "All 2 others differ from it by more than chance."),
        ([0.01, 0.05], "1 of the 2 others differs from it by more than chance."),
        ([0.2, 1.0], "None of the 2 others differs from it by more than chance."),
    ],
)
def test_the_verdict_counts_the_models_that_are_told_apart(study, found, p, said):
    pairs = found.pairs.assign(p_holm=[*p, 0.9])
    assert said in Page(page(study, changed(found, pairs=pairs))).text


@pytest.mark.parametrize(("p", "said"), [(0.01, "differs"), (0.2, "does not differ")])
def test_the_verdict_of_two_models(params, p, said):
    two = results("cnn", "ann")
    shown = Page(page(params("model=[cnn,ann]"), changed(two, pairs=two.pairs.assign(p_holm=p))))
    assert f"The other model {said} from it by more than chance." in shown.text
    assert "All pairs of models" not in shown.tables  # there is but one


def test_a_leaderboard_row_has_the_numbers_of_its_model(whole, found):
    row = whole.rows("Leaderboard")[0]
    metrics, test = found.metrics["sign_cnn"], found.metrics["sign_cnn"]["test"]

    def percent(name, scores=test):
        low, high = (f"{100 * scores[f'{name}_{end}']:.2f}" for end in ("low", "high"))
        return f"{100 * scores[name]:.2f}; {low} to {high}"

    assert row == {
        "model": "sign_cnn",
        "test accuracy (%)": percent("accuracy"),
        "interval": "",
        "n": "60",
        "macro F1 (%)": percent("f1_macro"),
        "loss (nats)": f"{test['loss']:.4f}; {test['loss_low']:.4f} to {test['loss_high']:.4f}",
        "ECE (%)": percent("ece"),
        "val accuracy (%)": percent("accuracy", metrics["val"]),
        "train accuracy (%)": percent("accuracy", metrics["train"]),
        "gap (points)": f"{100 * metrics['gap']:+.2f}",
        "parameters": "1,204,650",
        "size (MB)": "14.50",
        "training": "25.0 s",
        "pictures/s": "1,983",
        "ms a picture": "0.851",
    }


def test_the_leaderboard_can_be_sorted_by_the_values_behind_its_texts(whole, found):
    models = [row["model"] for row in whole.rows("Leaderboard")]
    assert models == list(MODELS)  # the highest test accuracy first
    for column, key in (("test accuracy (%)", "accuracy"), ("loss (nats)", "loss"), ("n", "n")):
        values = [found.metrics[name]["test"][key] for name in models]
        assert [float(told) for told in whole.sort_keys("Leaderboard", column)] == values
    assert whole.sort_keys("Leaderboard", "model") == [None] * 3  # by its text


def test_a_model_whose_run_is_not_recorded_has_dashes_that_sort_last(study, found):
    runs = {"sign_cnn": found.runs["sign_cnn"], "sign_cnn_decay_low": run_record() | {"fit_seconds": None}}
    shown = Page(page(study, changed(found, runs=runs)))
    told = [(row["training"], row["ms a picture"]) for row in shown.rows("Leaderboard")]
    assert told == [("25.0 s", "0.851"), (DASH, DASH), (DASH, "0.851")]
    assert shown.sort_keys("Leaderboard", "training") == ["24.96", "", ""]
    assert "Machine not recorded" in shown.text


def test_each_kind_of_machine_is_told_once(study, found):
    runs = found.runs | {"sign_cnn": run_record() | {"devices": "gpu:0"}}
    text = Page(page(study, changed(found, runs=runs))).text
    versions = "with Keras 3.12.0 on tensorflow 2.20.0"
    assert f"Trained on gpu:0 {versions}; cpu:0 {versions}." in text
    assert "Nothing is recorded of the machine" in Page(page(study, changed(found, runs={}))).text


def test_intervals_are_drawn_on_one_scale(whole):
    drawn = [line for line in whole.of("line") if "class" not in line]
    ends = [float(line[end].rstrip("%")) for line in drawn for end in ("x1", "x2")]
    assert len(ends) == 6
    assert (min(ends), max(ends)) == (4, 96)
    middle = [float(circle["cx"].rstrip("%")) for circle in whole.of("circle")]
    assert middle == sorted(middle, reverse=True)


@pytest.mark.parametrize("part", ["train", "val"])
def test_test_pictures_that_were_seen_before_are_told(study, found, part):
    seen = changed(found, data=data_report(**{f"in_{part}": 12}))
    assert f"Careful: 12 of 60 test pictures are {part} pictures too." in Page(page(study, seen)).text


def test_there_is_no_such_note_when_test_is_apart(whole):
    assert "Careful" not in whole.text


# differences


def test_the_best_model_stands_against_each_other_and_all_pairs_are_there(whole, found):
    rows = whole.rows("The best model against each other one")
    assert [(row["best by val"], row["against"]) for row in rows] == [
        ("sign_cnn", "sign_cnn_decay_high"),
        ("sign_cnn", "sign_cnn_decay_low"),
    ]
    first = found.pairs.iloc[0]
    difference, low, high = (f"{100 * first[key]:+.2f}" for key in ("difference", "low", "high"))
    assert rows[0]["difference (points)"] == f"{difference}; {low} to {high}"
    assert rows[0]["only the first right"] == str(first["only_a_right"])
    every = whole.rows("All pairs of models")
    assert [(row["first"], row["second"]) for row in every] == list(
        zip(found.pairs["model_a"], found.pairs["model_b"], strict=True)
    )


def test_a_pair_is_turned_round_when_the_best_model_comes_second(study, found):
    best = measured(found, "sign_cnn_decay_low", "val", accuracy=1.0)
    rows = Page(page(study, best)).rows("The best model against each other one")
    first = found.pairs.iloc[1]
    assert rows[0]["against"] == "sign_cnn"
    difference, low, high = (f"{-100 * first[key]:+.2f}" for key in ("difference", "high", "low"))
    assert rows[0]["difference (points)"] == f"{difference}; {low} to {high}"
    assert rows[0]["only the first right"] == str(first["only_b_right"])


def test_a_kappa_that_cannot_be_had_and_a_tiny_p_are_told(study, found):
    pairs = found.pairs.assign(kappa=[np.nan, -0.001, 0.5], p_holm=[1e-9, 0.5, 1])
    rows = Page(page(study, changed(found, pairs=pairs))).rows("All pairs of models")
    assert [(row["kappa of errors"], row["p"]) for row in rows] == [
        (DASH, "< 0.0001"),
        ("0.00", "0.5000"),
        ("0.50", "1.0000"),
    ]


def test_one_model_has_a_report_without_differences(params):
    shown = Page(page(params("model=cnn"), results("cnn")))
    assert "cnn is the one model here." in shown.text
    assert "chance" not in shown.text
    assert [row["model"] for row in shown.rows("Leaderboard")] == ["cnn"]
    assert shown.headings == ["leaderboard", "cost", "data", "models", "repeat"]


# the notebook


def test_reported_and_reproduced_stand_side_by_side(whole, study, found):
    row = whole.rows("Reported and reproduced accuracy")[0]
    ours = found.metrics["sign_cnn"]["val"]
    assert row["reported (%)"] == "90.53"
    assert row["reproduced (%)"].startswith(f"{100 * ours['accuracy']:.2f}; ")
    assert row["reported value"] == "not comparable: of 412 other pictures"
    assert study.reported.title in whole.text
    assert f"sign_cnn: {study.reported.models['sign_cnn'].note}" in whole.text


def test_verdicts_are_marked_by_what_they_say(study, found):
    parts = {"n": 412, "accuracy_low": 0.8, "accuracy_high": 0.9}
    judged = found
    for name in MODELS:
        judged = measured(judged, name, "val", **parts)
    shown = Page(page(study, judged))
    told = [row["reported value"] for row in shown.rows("Reported and reproduced accuracy")]
    assert told == ["no: ours is lower, 0.53 points outside", "inside our interval", "inside our interval"]
    marks = [span["class"] for span in shown.of("span") if span["class"].startswith("verdict")]
    assert marks == ["verdict careful", "verdict good", "verdict good"]


def test_each_claim_stands_beside_what_the_numbers_say(whole, study, found):
    expected = published.claims(study.reported, found.metrics, found.pairs)
    rows = whole.rows("Claims of the notebook")
    assert len(rows) == len(study.reported.claims) > 0
    for row, claim in zip(rows, expected.to_dict("records"), strict=True):
        assert row["claimed"] == f"{claim['better']} over {claim['than']}; {claim['text']}"
        assert row["what the numbers say"] == claim["verdict"]
        pictures = f"{claim['reported_pictures']:+.0f} pictures"
        told = f"{100 * claim['reported_difference']:+.2f}; {pictures}"
        assert row["published difference (points)"] == told


def test_a_claim_about_a_model_that_was_not_run_has_no_numbers_of_ours(study, params):
    claim = study.reported.claims[0]
    rows = Page(page(params("study=sign_digits", f"model={claim.than}"), results(claim.than))).rows(
        "Claims of the notebook"
    )
    assert (rows[0]["ours, on test (points)"], rows[0]["p"]) == (DASH, DASH)
    assert "not run here" in rows[0]["what the numbers say"]


@pytest.mark.parametrize(
    "overrides",
    [("model=ann",), ("study=sign_digits", "model=ann")],
    ids=["no notebook", "no model of the notebook"],
)
def test_without_a_reported_number_there_is_no_such_section(params, overrides):
    assert {"reported", "claims"}.isdisjoint(Page(page(params(*overrides), results("ann"))).headings)


# robustness and replicates


def test_robustness_is_told_where_it_was_tested(study, found, whole):
    assert "robustness" not in whole.headings
    tables = found.tables | {
        "sign_cnn_decay_low": found.tables["sign_cnn_decay_low"] | {"robustness": robustness([0.5, 0.25])}
    }
    (row,) = Page(page(study, changed(found, tables=tables))).rows("Accuracy under corruptions")
    clean = f"{100 * found.metrics['sign_cnn_decay_low']['test']['accuracy']:.2f}"
    assert row == {"model": "sign_cnn_decay_low", "clean": clean, "noise": "37.50", "mean": "37.50"}


def test_replicates_are_told_when_they_were_asked_for(study, found, whole):
    assert "replicates" not in whole.headings
    columns = ["model", "changed", "n", "seeds", "accuracy_mean", "accuracy_std", "low", "high"]
    rows = [
        ("sign_cnn", "", 3, "1, 2, 3", 0.9, 0.0123, 0.87, 0.93, 0.88, 0.92),
        ("sign_cnn", "batch_size=8", 1, "1", 0.8, np.nan, np.nan, np.nan, 0.8, 0.8),
    ]
    table = pd.DataFrame(rows, columns=[*columns, "accuracy_min", "accuracy_max"])
    shown = Page(page(study, changed(found, replicates=table))).rows("Runs with other seeds")
    assert [row["what differs from these settings"] for row in shown] == ["nothing", "batch_size=8"]
    assert [row["n"] for row in shown] == ["3", "1"]
    assert [row["mean test accuracy (%)"] for row in shown] == ["90.00; 87.00 to 93.00", "80.00"]
    assert [row["standard deviation (points)"] for row in shown] == ["1.23", DASH]


# data


def test_the_data_section_says_where_the_pictures_are_from_and_how_they_were_split(whole, study):
    for told in (
        "Licence Apache-2.0",
        f"Cite as {study.dataset.citation}",
        "30d0ee3c" * 8,
        "keras , seed 1337, validation_split 0.2",
        "Leaks none",
    ):
        assert told in whole.text
    assert {"href": study.dataset.homepage, "rel": "noreferrer"} in whole.of("a")
    rows = whole.rows("Pictures by class and split")
    assert rows[0] == {"class": "cat", "train": "40", "val": "20", "test": "20"}
    assert rows[-1] == {"class": "all", "train": "120", "val": "60", "test": "60"}


def test_leaks_groups_and_unreadable_pictures_are_told(study, found):
    leak = {"split": "test", "path": "a/1.png", "class": "cat", "other_split": "train"}
    leak |= {"other_path": "b/2.png", "other_class": "dog", "kind": "near", "distance": 3}
    conflict = {key: value for key, value in leak.items() if "split" not in key}
    duplicates = {"leaks": [{"split": "test", "other_split": "train", "count": 72}], "leaked": [leak]}
    duplicates |= {"conflicts": 1, "conflicting": [conflict], "exact": 5, "exact_or_near": 9, "dropped": 4}
    data = data_report() | {
        "unreadable": {"a/3.png": "empty file"},
        "groups": {"groups": 207, "in_test": 185, "in_test_and_train": 183, "in_test_and_val": 182},
        "duplicates": duplicates,
    }
    shown = Page(page(study, changed(found, data=data)))
    assert shown.rows("Unreadable pictures") == [{"picture": "a/3.png", "why": "empty file"}]
    name = "Pictures of one split that have a copy in another"
    assert shown.rows(name) == [
        {"picture": "a/1.png; class cat, test", "its copy": "b/2.png; class dog, train", "kind": "near"}
    ]
    assert shown.rows("Copies of another class")[0]["picture"] == "a/1.png; class cat"
    assert f"{name}: 72, of which 1 are listed" in shown.summaries
    assert "5 exact, 9 exact or near, 1 of another class" in shown.text
    assert "207 (signers); in test: 185, in test and train: 183, in test and val: 182" in shown.text


# models


def test_a_model_has_its_scores_on_each_split(whole, found):
    rows = {row["measure"]: row for row in whole.rows("Scores of sign_cnn")}
    metrics = found.metrics["sign_cnn"]
    assert rows["Loss (nats)"]["val, n = 60"].startswith(f"{metrics['val']['loss']:.4f}; ")
    assert rows["Loss (nats)"]["train, n = 120"] == f"{metrics['train']['loss']:.4f}"
    assert rows["F1, weighted (%)"]["test, n = 60"] == f"{100 * metrics['test']['f1_weighted']:.2f}"
    assert rows["F1, weighted (%)"]["train, n = 120"] == DASH
    assert "Top-2 accuracy (%)" in rows
    assert "Top-5 accuracy (%)" not in rows  # of three classes
    known = {key for key in metrics["test"] if not key.endswith(("_low", "_high"))} - {"n"}
    assert len(rows) == len(known)


def test_a_model_has_a_row_for_each_class_and_its_confusions(whole, found):
    tables = found.tables["sign_cnn_decay_low"]
    rows = whole.rows("Classes of sign_cnn_decay_low")
    assert [row["class"] for row in rows] == CLASSES
    first, areas = tables["per_class"].iloc[0], tables["areas"].set_index(["kind", "class"])
    assert rows[0]["recall (%)"] == f"{100 * first['recall']:.2f}"
    assert rows[0]["area under ROC (%)"] == f"{100 * areas.loc[('class', 'cat'), 'auc']:.2f}"
    confused = measures.most_confused(tables["confusion"], 1).iloc[0]
    told = whole.rows("Classes that sign_cnn_decay_low confuses most")[0]
    assert (told["true class"], told["taken for"]) == (confused["actual"], confused["predicted"])
    assert told["test pictures"] == str(confused["pictures"])


def test_a_class_without_a_roc_curve_has_a_dash(study, found):
    tables = found.tables["sign_cnn"]
    areas = tables["areas"].assign(auc=np.nan)
    tables = found.tables | {"sign_cnn": tables | {"areas": areas}}
    rows = Page(page(study, changed(found, tables=tables))).rows("Classes of sign_cnn")
    assert {row["area under ROC (%)"] for row in rows} == {DASH}


def test_only_the_best_model_is_open(whole):
    opened = {one["id"]: "open" in one for one in whole.of("details") if one.get("class") == "model"}
    assert opened == {
        "model-sign_cnn": True,
        "model-sign_cnn_decay_high": False,
        "model-sign_cnn_decay_low": False,
    }


def test_the_settings_of_a_model_are_those_of_params_yaml(params):
    chosen = params("model=cnn_augmented")
    shown = page(chosen, results("cnn_augmented"))
    (block,) = re.findall(r"<pre tabindex=\"0\"><code>(.+?)</code></pre>", shown, flags=re.DOTALL)
    assert yaml.safe_load(block) == {
        "cnn_augmented": composed("model=cnn_augmented")["models"]["cnn_augmented"]
    }


@pytest.mark.parametrize("robustness", ["true", "false"])
@pytest.mark.parametrize("models", [["sign_cnn"], list(MODELS)])
def test_the_command_composes_the_very_settings(params, models, robustness):
    study = params("study=sign_digits", f"model=[{','.join(MODELS)}]", f"evaluation.robustness={robustness}")
    words = shlex.split(published.again(study, models))
    assert words[:3] == ["dvc", "exp", "run"]
    settings = composed(*[word for word in words[3:] if word != "-S"])
    expected = study.model_dump(mode="json")
    assert list(settings.pop("models")) == models
    assert settings == {key: expected[key] for key in settings}


# costs


def test_costs_are_those_of_the_run_and_unknown_without_one():
    found = results("a", "b")
    table = page_module.costs(found.metrics, {"a": run_record()})
    assert table["model"].tolist() == ["a", "b"]
    assert table["fit_seconds"].tolist()[0] == 24.96
    assert table.loc[1, ["fit_seconds", "pictures_per_second", "milliseconds_per_picture"]].isna().all()
    assert table["model_bytes"].tolist() == [14_500_000] * 2


# figures


def embedded(shown):
    """Each figure's alternative text, and the picture as a browser would decode it."""
    for image in shown.of("img"):
        kind, data = re.fullmatch(r"data:image/(png|webp);base64,(.+)", image["src"]).groups()
        yield image, kind, Image.open(io.BytesIO(base64.b64decode(data)))


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


def test_figures_keep_their_pixels_and_are_shown_at_96_an_inch(whole):
    kinds = set()
    for image, kind, decoded in embedded(whole):
        kinds.add(kind)
        assert decoded.size == (300, 150)
        assert (image["width"], image["height"]) == ("192", "96")
    assert kinds == {"png", "webp"}


def test_a_drawing_keeps_its_colours_and_a_photograph_gets_small(whole):
    drawn, photographs = {}, {}
    for number, (_, kind, decoded) in enumerate(embedded(whole)):
        (drawn if kind == "png" else photographs)[number] = decoded.convert("RGB")
    assert {decoded.getpixel((0, 0)) for decoded in drawn.values()} == {(255, 255, 255)}
    assert {decoded.getpixel((15, 15)) for decoded in drawn.values()} == {(68, 119, 170)}
    assert len(photographs) == 3
    sizes = [len(image["src"]) for image, kind, _ in embedded(whole) if kind == "webp"]
    assert max(sizes) < len(picture(photograph=True))


def test_figures_that_are_not_there_leave_no_gap(study, found):
    bare = changed(found, data_figures={}, comparison_figures={}, model_figures={name: {} for name in MODELS})
    shown = Page(page(study, bare))
    assert shown.of("img") == shown.of("figure") == []
    assert "cost" not in shown.headings


# the page as a page

HOSTILE = ["<script>alert(1)</script>", "\"' onload='alert(1)", "手語 & {{ 7 * 7 }}"]


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
    text = page(chosen.model_copy(update={"dataset": dataset}), found)
    shown = Page(text)
    assert len(shown.of("script")) == 1
    assert not [name for _, attributes in shown.tags for name in attributes if name.startswith("on")]
    assert [row["class"] for row in shown.rows("Classes of cnn")] == HOSTILE
    assert [row["why"] for row in shown.rows("Unreadable pictures")] == HOSTILE
    assert HOSTILE[0] in shown.text
    assert not [link for link in shown.of("a") if not link["href"].startswith("#")]


def test_nothing_is_fetched_from_anywhere(study, found, whole):
    for _, attributes in whole.tags:
        for name in ("src", "href"):
            target = attributes.get(name, "#")
            assert target.startswith(("data:", "#")) or target == study.dataset.homepage
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


def test_equal_results_give_an_equal_page(study, found):
    assert page(study, found) == page(study, found)


# how values are written


@pytest.mark.parametrize(
    ("form", "value", "written"),
    [
        ("percent", 0.91990291, "91.99"),
        ("percent", None, DASH),
        ("percent", np.nan, DASH),
        ("points", -0.00001, "+0.00"),
        ("count", 1204650, "1,204,650"),
        ("three", 1983.4, "1,983"),
        ("three", 0.8512, "0.851"),
        ("three", 99.644, "99.6"),
        ("three", 0, "0"),
        ("three", np.nan, DASH),
        ("duration", 24.956, "25.0 s"),
        ("duration", 59.99, "1 min 00 s"),
        ("duration", 191.7, "3 min 12 s"),
        ("duration", 3599.7, "1 h 00 min"),
        ("duration", 7384, "2 h 03 min"),
        ("duration", None, DASH),
        ("p_value", 0.00009, "< 0.0001"),
        ("p_value", 0.0039, "0.0039"),
        ("p_value", np.nan, DASH),
    ],
)
def test_values_are_written_for_people(form, value, written):
    assert page_module.FORMS[form](value) == written
