"""The report in Markdown: its tables hold the numbers, whatever classes and titles are called."""

import re
import socket
from pathlib import Path

import pytest

from helpers import ROOT, corrupted, entry, predictions
from menagerie.compare import leaderboard
from menagerie.params import Claim
from menagerie.report import markdown

SOURCE = {"content_sha256": "30d0ee3c" * 8}


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


def report(params, source, data, metrics):
    """The report of models whose pictures nobody compared and nobody corrupted."""
    alone = leaderboard.pairs({"one": predictions(range(9))})
    return markdown.report(params, source, data, metrics, alone, leaderboard.robustness({}))


def test_the_report_sets_the_selected_model_against_each_other(study):
    metrics = {"sign_cnn": entry(330, val_correct=400), "sign_cnn_decay_low": entry(350, val_correct=300)}
    tables = {"sign_cnn_decay_low": predictions(range(9)), "sign_cnn": predictions([9])}
    pairs, robustness = leaderboard.pairs(tables), leaderboard.robustness({})
    text = markdown.report(study, SOURCE, data_report(), metrics, pairs, robustness)
    (row,) = re.findall(r"\| sign_cnn_decay_low +\| ([^|]+?) +\| [^|]+\| (\d+) +\| (\d+) +\| (\S+)", text)
    assert row == ("-80.00", "1", "9", "0.0215")  # seen from sign_cnn, which val selects


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
            "train accuracy": "99.03",
            "gap": "+8.50",
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
    unnoted = study.reported.models["sign_cnn"].model_copy(update={"note": ""})
    models = study.reported.models | {"sign_cnn": unnoted}
    silent = study.model_copy(update={"reported": study.reported.model_copy(update={"models": models})})
    assert "- sign_cnn:" not in report(silent, SOURCE, data_report(), {"sign_cnn": entry(373)})


def test_claims_stand_beside_the_numbers_published_and_ours(params):
    """9 of 10 against 1 of 10; of three pairs with p = 0.0215 twice, Holm's is three times as much."""
    study = params("study=sign_digits")
    right = {"sign_cnn": range(9), "sign_cnn_decay_high": range(9), "sign_cnn_decay_low": [9]}
    pairs = leaderboard.pairs({name: predictions(rows) for name, rows in right.items()})
    metrics = dict.fromkeys(right, entry(373))
    text = markdown.report(study, SOURCE, data_report(), metrics, pairs, leaderboard.robustness({}))
    first, second = table_with(text, "claimed")
    assert first["claimed"] == "sign_cnn_decay_low over sign_cnn"
    assert (first["split"], first["published difference"]) == ("val", "-10.19")
    assert (first["ours, on test"], first["p"]) == ("-80.00", "0.0645")
    assert re.fullmatch(r"-\d+\.\d\d to -\d+\.\d\d", first["95 % interval"])
    assert first["what the numbers say"] == (
        "the published intervals do not overlap: the opposite, 42 pictures of 412 fewer; "
        "ours: not shown, on test pictures"
    )
    assert second["published difference"] == "-5.10"


def test_each_text_is_told_once_and_every_comparison_names_it_by_number(params):
    study = params("study=animals5", "model=xception_partial")
    text = report(study, SOURCE, data_report(), {"xception_partial": entry(1400, 1400, 1490, n=1497)})
    said = re.findall(r"^(\d)\. (.+)$", text, flags=re.MULTILINE)
    assert len(said) == 2
    for claim, row in zip(study.reported.claims, table_with(text, "claimed"), strict=True):
        assert (row["claim"], claim.text) in said
        assert row["claimed"] == f"{claim.better} over {claim.than}"


def test_of_a_claim_that_was_not_run_the_cells_of_ours_are_empty(study):
    text = report(study, SOURCE, data_report(), {"sign_cnn": entry(373)})
    for row in table_with(text, "claimed"):
        assert [row[name] for name in ("ours, on test", "95 % interval", "p")] == ["", "", ""]
        assert row["what the numbers say"].endswith("; ours: not run here")


def test_a_notebook_without_claims_has_no_such_section(params):
    chosen = params("study=cifar10_model_s")
    text = report(chosen, SOURCE, data_report(), {"model_s": entry(8000, n=10_000, train_correct=9500)})
    assert "Reported and reproduced" in text
    assert "What the notebook claims" not in text


def test_calibration_is_told_in_the_order_of_the_leaderboard(params):
    rows = table_with(
        report(params(), SOURCE, data_report(), {"ann": entry(300), "cnn": entry(373)}), "temperature"
    )
    scaled = {"temperature": "1.73", "calibration error": "2.13", "after scaling": "0.88"}
    assert rows == [{"model": "cnn"} | scaled, {"model": "ann"} | scaled]


def test_robustness_is_told_in_the_order_of_the_leaderboard_of_models_that_have_it(params):
    metrics = {"ann": entry(300), "cnn": entry(373), "cnn_augmented": entry(350)}
    tested = {"ann": corrupted(noise=[0.5, 0.3]), "cnn": corrupted(noise=[0.9, 0.7]), "other": corrupted()}
    alone = leaderboard.pairs({"one": predictions(range(9))})
    text = markdown.report(params(), SOURCE, data_report(), metrics, alone, leaderboard.robustness(tested))
    assert table_with(text, "clean") == [
        {"model": "cnn", "clean": "90.53", "noise": "80.00", "mean": "80.00"},
        {"model": "ann", "clean": "72.82", "noise": "40.00", "mean": "40.00"},
    ]


def test_without_corrupted_pictures_there_is_no_section_of_robustness(study):
    assert "Robustness" not in report(study, SOURCE, data_report(), {"sign_cnn": entry(373)})


def test_titles_and_claims_with_odd_letters_keep_to_their_line(study):
    claim = Claim(better="sign_cnn", than="sign_cnn_decay_low", text="a | b\n| c |")
    notebook = study.reported.model_copy(update={"title": "One\n# Two", "claims": (claim,)})
    dataset = study.dataset.model_copy(update={"title": "Signs\n| of | two |"})
    odd = study.model_copy(update={"reported": notebook, "dataset": dataset})
    text = report(odd, SOURCE, data_report(), {"sign_cnn": entry(373)})
    assert text.startswith("# Signs | of | two |\n\n## Data\n")
    assert "Reported by *One # Two*." in text
    assert "\n1. a | b | c |\n" in text
    assert len(table_with(text, "claimed")) == 1


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
    assert "What the notebook claims" not in text
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
