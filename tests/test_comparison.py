import json
import re
import socket
from pathlib import Path

import pandas as pd
import pytest

from menagerie import comparison
from menagerie.evaluation import wilson_interval
from menagerie.files import write_json

ROOT = Path(__file__).resolve().parents[1]

SOURCE = {"content_sha256": "30d0ee3c" * 8}
N = 412


def entry(correct, val_correct=300, n=N, loss=0.5, epochs=20):
    """What evaluate writes of a model that has `correct` of `n` test pictures right."""
    parts = {}
    for part, right in (("val", val_correct), ("test", correct)):
        low, high = wilson_interval(right, n)
        scores = {"accuracy": right / n, "accuracy_low": low, "accuracy_high": high, "n": n}
        parts[part] = scores | {"loss": loss, "f1_macro": right / n - 0.01}
    return parts | {"epochs": epochs, "params": 1_204_650}


def data_report(classes=("0", "1"), in_val=0, unreadable=(), groups=None, leaks=0):
    return {
        "pictures": 2062,
        "classes": {name: {"train": 825, "val": 206, "test": 206} for name in classes},
        "splits": {"train": 1650, "val": 412, "test": 412},
        "test_pictures_also_in": {"train": 0, "val": in_val},
        "unreadable": dict.fromkeys(unreadable, "empty file"),
        "groups": groups,
        "duplicates": {"leaks": [{"split": "test", "other_split": "train", "count": leaks}] if leaks else []},
    }


def tables(markdown):
    """Each table as a list of rows, each a list of cells."""
    found = re.findall(r"(?:^\|.*\|$\n?)+", markdown, flags=re.MULTILINE)
    split = [[re.split(r"(?<!\\)\|", row)[1:-1] for row in table.splitlines()] for table in found]
    return [[[cell.strip() for cell in row] for row in table] for table in split]


def table_with(markdown, column):
    """The one table that has a column of this name: its header and its rows."""
    (found,) = [table for table in tables(markdown) if column in table[0]]
    header, rule, *rows = found
    assert all(re.fullmatch(r":?-+:?", cell) for cell in rule)
    assert all(len(row) == len(header) for row in rows)
    return [dict(zip(header, row, strict=True)) for row in rows]


@pytest.fixture
def study(params):
    return params("study=sign_digits", "model=sign_cnn")


# leaderboard and summary


def test_the_leaderboard_has_the_highest_test_accuracy_first_and_ties_by_name():
    metrics = {"d": entry(300), "b": entry(350), "a": entry(300), "c": entry(400)}
    board = comparison.leaderboard(metrics)
    assert board["model"].tolist() == ["c", "b", "a", "d"]
    assert board.index.tolist() == [0, 1, 2, 3]


def test_the_leaderboard_takes_its_numbers_from_test_and_one_from_val():
    (row,) = comparison.leaderboard({"cnn": entry(373, val_correct=309)}).to_dict("records")
    low, high = wilson_interval(373, N)
    assert row == {
        "model": "cnn",
        "accuracy": 373 / N,
        "accuracy_low": low,
        "accuracy_high": high,
        "n": N,
        "f1_macro": 373 / N - 0.01,
        "loss": 0.5,
        "val_accuracy": 309 / N,
        "val_loss": 0.5,
        "epochs": 20,
        "params": 1_204_650,
    }


def test_the_best_model_is_chosen_by_val_and_not_by_test():
    board = comparison.leaderboard({"a": entry(400, val_correct=300), "b": entry(350, val_correct=301)})
    assert comparison.selected(board)["model"] == "b"


def test_test_scores_do_not_decide_between_models_that_val_cannot_tell_apart():
    one = comparison.leaderboard({"a": entry(400), "b": entry(350), "c": entry(375)})
    other = comparison.leaderboard({"a": entry(350), "b": entry(400), "c": entry(375)})
    third = comparison.leaderboard({"a": entry(350), "b": entry(375), "c": entry(400)})
    chosen = {comparison.selected(board)["model"] for board in (one, other, third)}
    assert len(chosen) == 1


def test_the_summary_holds_the_few_numbers_of_each_model_and_of_the_best(tmp_path):
    metrics = {"b": entry(400, val_correct=300), "a": entry(350, val_correct=301)}
    told = comparison.summary(comparison.leaderboard(metrics))
    assert told["best"] == {"model": "a", "accuracy": 350 / N, "val_accuracy": 301 / N}
    assert list(told["models"]) == ["a", "b"]
    low, high = wilson_interval(400, N)
    assert told["models"]["b"] == {
        "accuracy": 400 / N,
        "accuracy_low": low,
        "accuracy_high": high,
        "f1_macro": 400 / N - 0.01,
        "loss": 0.5,
        "val_accuracy": 300 / N,
        "epochs": 20,
    }
    write_json(tmp_path / "summary.json", told)
    assert json.loads((tmp_path / "summary.json").read_text(encoding="utf-8")) == told


def test_the_order_in_which_models_are_given_changes_nothing():
    metrics = {"c": entry(300), "a": entry(350), "b": entry(300)}
    turned = dict(reversed(metrics.items()))
    assert comparison.summary(comparison.leaderboard(metrics)) == comparison.summary(
        comparison.leaderboard(turned)
    )


def report(params, source, data, metrics):
    """The report of models whose pictures nobody compared."""
    return comparison.report(params, source, data, metrics, pd.DataFrame())


def predictions(right):
    """Ten pictures, of which those in `right` are predicted rightly."""
    return pd.DataFrame({"actual": ["a"] * 10, "predicted": ["ab"[n not in right] for n in range(10)]})


def test_pairs_are_tested_on_the_same_pictures():
    """9 against 1 of 10: p = 2 x (1 + 10) / 2^10 by the binomial distribution."""
    tables = {"one": predictions(range(9)), "two": predictions([9]), "three": predictions(range(9))}
    pairs = comparison.pairs(tables).set_index(["model_a", "model_b"])
    assert pairs.loc[("one", "two"), "p"] == pytest.approx(22 / 1024)
    assert pairs.loc[("one", "two"), "difference"] == pytest.approx(0.8)
    assert pairs.loc[("one", "three"), ["p", "difference", "kappa"]].tolist() == [1, 0, 1]


def test_one_model_makes_no_pair():
    assert len(comparison.pairs({"one": predictions(range(9))})) == 0


def test_the_report_sets_the_selected_model_against_each_other(study):
    metrics = {"sign_cnn": entry(330, val_correct=400), "sign_cnn_decay_low": entry(350, val_correct=300)}
    tables = {"sign_cnn_decay_low": predictions(range(9)), "sign_cnn": predictions([9])}
    text = comparison.report(study, SOURCE, data_report(), metrics, comparison.pairs(tables))
    (row,) = re.findall(r"\| sign_cnn_decay_low +\| ([^|]+?) +\| [^|]+\| (\d+) +\| (\d+) +\| (\S+)", text)
    assert row == ("-80.00", "1", "9", "0.0215")  # seen from sign_cnn, which val selects


# the verdict


@pytest.mark.parametrize("reported", [0.80, 0.85, 0.90])
def test_a_number_inside_our_interval_or_at_its_ends_is_reproduced(reported):
    assert comparison.verdict(reported, low=0.80, high=0.90) == comparison.REPRODUCED


@pytest.mark.parametrize(
    ("reported", "side", "points"),
    [
        (0.799, "higher", 0.1),
        (0.5, "higher", 30),
        (0.901, "lower", 0.1),
        (1.0, "lower", 10),
        (0.7999, "higher", 0.01),  # the least step of a published number: not "0.0 points outside"
        (0.9001, "lower", 0.01),
    ],
)
def test_a_number_outside_is_not_reproduced_and_told_by_how_much(reported, side, points):
    told = comparison.verdict(reported, low=0.80, high=0.90)
    found = re.fullmatch(rf"no: ours is {side}, (\d+\.\d+) points outside", told)
    assert float(found[1]) == pytest.approx(points)


def test_the_published_number_stands_beside_ours_on_the_split_it_was_published_for(study):
    notebook = study.reported.model_copy(update={"models": dict(study.reported.models)})
    notebook.models["sign_cnn_decay_low"] = notebook.models["sign_cnn_decay_low"].model_copy(
        update={"split": "test"}
    )
    metrics = {
        "sign_cnn_decay_low": entry(331, val_correct=100),
        "ann": entry(400),
        "sign_cnn": entry(100, val_correct=380),
    }
    rows = comparison.against_reported(metrics, notebook).to_dict("records")
    assert [(row["model"], row["split"], row["reported"]) for row in rows] == [
        ("sign_cnn", "val", 0.9053),
        ("sign_cnn_decay_low", "test", 0.8034),
    ]
    assert [row["reproduced"] for row in rows] == [380 / N, 331 / N]
    assert rows[0]["difference"] == pytest.approx(380 / N - 0.9053)
    assert [row["verdict"] for row in rows] == [comparison.REPRODUCED] * 2
    assert (rows[0]["low"], rows[0]["high"]) == wilson_interval(380, N)
    assert [row["n"] for row in rows] == [row["reported_n"] for row in rows] == [N, N]


def test_a_number_of_another_data_set_gets_no_verdict(params):
    """The JPEG copy of CIFAR-10 is not CIFAR-10."""
    notebook = params("study=cifar10_images").reported
    (row,) = comparison.against_reported({"leaky_cnn": entry(300)}, notebook).to_dict("records")
    assert row["verdict"] == "not comparable: of cifar10"


def test_accuracies_reported_of_the_models_of_this_run(params):
    assert comparison.reported_accuracies(params("study=sign_digits", "model=[sign_cnn,ann]")) == {
        "sign_cnn": 0.9053
    }


@pytest.mark.parametrize(
    "overrides",
    [("study=quickstart",), ("study=sign_digits", "model=sign_cnn", "dataset=digits")],
    ids=["no notebook", "another data set"],
)
def test_nothing_is_reported_of_another_data_set(params, overrides):
    assert comparison.reported_accuracies(params(*overrides)) == {}


# the report


def test_the_leaderboard_of_the_report_has_the_numbers(study):
    text = report(
        study, SOURCE, data_report(), {"sign_cnn": entry(373, val_correct=380, loss=0.33124, epochs=20)}
    )
    assert table_with(text, "test accuracy") == [
        {
            "model": "sign_cnn",
            "test accuracy": "90.53",
            "95 % interval": "87.32 to 93.00",
            "n": "412",
            "macro F1": "89.53",
            "loss": "0.3312",
            "val accuracy": "92.23",
            "epochs": "20",
            "parameters": "1,204,650",
        }
    ]
    assert "Chosen by val accuracy: **sign_cnn**, test accuracy 90.53 %" in text


def test_reported_and_reproduced_stand_side_by_side(study):
    text = report(study, SOURCE, data_report(), {"sign_cnn": entry(373, val_correct=340)})
    assert table_with(text, "reported") == [
        {
            "model": "sign_cnn",
            "split": "val",
            "reported": "90.53",
            "reproduced": "82.52",
            "95 % interval": "78.56 to 85.89",
            "n": "412",
            "difference": "-8.01",
            "reported value": "no: ours is lower, 4.64 points outside",
        }
    ]
    assert study.reported.title in text
    assert study.reported.note in text
    assert f"- sign_cnn: {study.reported.models['sign_cnn'].note}" in text


def test_an_empty_note_makes_no_line(params):
    study = params("study=sign_digits", "model=sign_cnn")
    models = {"sign_cnn": study.reported.models["sign_cnn"].model_copy(update={"note": ""})}
    silent = study.model_copy(update={"reported": study.reported.model_copy(update={"models": models})})
    assert "- sign_cnn:" not in report(silent, SOURCE, data_report(), {"sign_cnn": entry(373)})


@pytest.mark.parametrize(
    "overrides",
    [
        ("model=ann",),
        ("study=sign_digits", "model=ann"),
        ("study=sign_digits", "model=cnn", "dataset=digits"),
    ],
    ids=["no notebook", "no model of the notebook", "another data set"],
)
def test_without_a_reported_number_there_is_no_such_section(params, overrides):
    chosen = params(*overrides)
    text = report(chosen, SOURCE, data_report(), dict.fromkeys(chosen.models, entry(373)))
    assert "Reported and reproduced" not in text
    assert "## Leaderboard" in text


def test_the_data_section_says_where_the_pictures_are_from_and_how_they_were_split(study):
    text = report(study, SOURCE, data_report(unreadable=["a.png", "b.png"]), {"sign_cnn": entry(373)})
    assert text.startswith("# Sign Language Digits\n")
    for told in (
        "2062 pictures",
        study.dataset.homepage,
        study.dataset.licence,
        study.dataset.citation,
        SOURCE["content_sha256"],
        "policy `keras`, seed 1337",
        "2 pictures could not be read",
    ):
        assert told in text
    assert table_with(text, "train") == [
        {"class": "0", "train": "825", "val": "206", "test": "206"},
        {"class": "1", "train": "825", "val": "206", "test": "206"},
        {"class": "all", "train": "1650", "val": "412", "test": "412"},
    ]


@pytest.mark.parametrize("split", sorted(path.stem for path in ROOT.glob("conf/split/*.yaml")))
def test_every_split_has_a_report(params, split):
    chosen = params("dataset=cifar10_images", f"split={split}", "model=ann")
    text = report(chosen, SOURCE, data_report(), {"ann": entry(373)})
    assert f"Split policy `{chosen.dataset.split.policy}`" in text


def test_the_warning_stands_there_when_test_pictures_were_seen_in_selection(study):
    text = report(study, SOURCE, data_report(in_val=412), {"sign_cnn": entry(373)})
    assert "412 of 412 test pictures are val pictures too" in text


def test_there_is_no_warning_when_test_is_apart(study):
    text = report(study, SOURCE, data_report(in_val=0), {"sign_cnn": entry(373)})
    assert "val pictures too" not in text
    assert "Careful" not in text


@pytest.mark.parametrize(
    "overrides",
    [
        ("study=quickstart",),
        ("study=sign_digits", "model=[sign_cnn,ann]"),
        ("study=sign_digits", "model=cnn", "dataset=digits"),
        ("dataset=sign_digits", "model=cnn", "seed=7"),
    ],
    ids=" ".join,
)
def test_the_command_of_the_report_composes_what_the_report_is_about(params, overrides):
    chosen = params(*overrides)
    text = report(chosen, SOURCE, data_report(), dict.fromkeys(chosen.models, entry(373)))
    (command,) = re.findall(r"```\n(dvc exp run .*)\n```", text)
    assert params(*re.findall(r"-S '?([^'\s]+)", command)) == chosen


def test_equal_results_give_an_equal_report(study, params):
    first = report(study, SOURCE, data_report(in_val=412), {"sign_cnn": entry(373)})
    again = params("study=sign_digits", "model=sign_cnn")
    assert report(again, SOURCE, data_report(in_val=412), {"sign_cnn": entry(373)}) == first


def test_the_report_tells_no_date_host_or_folder(study):
    text = report(study, SOURCE, data_report(), {"sign_cnn": entry(373)})
    assert not re.search(r"\b20\d\d-\d\d-\d\d\b|\b\d\d:\d\d\b", text)
    for private in (str(Path.cwd()), str(Path.home()), socket.gethostname()):
        assert not re.search(rf"(?<!\w){re.escape(private)}(?!\w)", text)


@pytest.mark.parametrize(
    "names",
    [
        ("a|b", "c||d"),
        ("line\nbreak", "carriage\rreturn"),
        ("back\\slash|", "tail\\"),
        ("手語", "naïve café", "a b", "*stars*", "<b>", "`code`", "[x](y)"),
        ("007", "1e5", "nan", "1,000", "-3", "0x10"),
        ("all", "class", "none"),
    ],
    ids=["pipes", "breaks", "backslashes", "letters", "numbers", "words of the table"],
)
def test_odd_class_names_keep_their_row_and_their_numbers(study, names):
    data = data_report(names)
    for place, name in enumerate(names):
        data["classes"][name] = {"train": 10 + place, "val": 2, "test": 3}
    rows = table_with(report(study, SOURCE, data, {"sign_cnn": entry(373)}), "train")
    assert len(rows) == len(names) + 1
    assert [row["train"] for row in rows[:-1]] == [str(10 + place) for place in range(len(names))]
    assert rows[-1]["train"] == str(sum(10 + place for place in range(len(names))))


@pytest.mark.parametrize("name", ["007", "1e5", "nan", "手語", "a b"])
def test_a_class_name_is_printed_as_it_is(study, name):
    text = report(study, SOURCE, data_report((name, "other")), {"sign_cnn": entry(373)})
    assert table_with(text, "train")[0]["class"] == name


def test_twenty_models_have_twenty_rows(params):
    metrics = {f"model_{number:02d}": entry(300 + number) for number in range(20)}
    rows = table_with(report(params(), SOURCE, data_report(), metrics), "test accuracy")
    assert [row["model"] for row in rows] == sorted(metrics, reverse=True)


def test_groups_on_both_sides_are_told(study):
    groups = {"groups": 207, "in_test": 185, "in_test_and_train": 183, "in_test_and_val": 185}
    metrics = {"sign_cnn": entry(373)}
    assert "Of the 185 in test, 183 are in train too." in report(
        study, SOURCE, data_report(groups=groups), metrics
    )
    assert "groups" not in report(study, SOURCE, data_report(), metrics)


def test_duplicates_in_two_splits_are_told(study):
    metrics = {"sign_cnn": entry(373)}
    text = report(study, SOURCE, data_report(leaks=72), metrics)
    assert "72 pictures of one split are in another one too (`dataset.duplicates` is `report`)" in text
    assert "duplicates" not in report(study, SOURCE, data_report(), metrics)


def test_numbers_of_another_split_are_not_judged(study):
    metrics = {"sign_cnn": entry(373)}
    metrics["sign_cnn"]["val"] = metrics["sign_cnn"]["val"] | {"n": 306}
    (row,) = comparison.against_reported(metrics, study.reported).to_dict("records")
    assert row["verdict"] == "not comparable: of 412 other pictures"
