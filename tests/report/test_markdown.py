"""The report in Markdown: its tables hold the numbers, whatever classes and titles are called."""

import dataclasses
import re
import socket
from pathlib import Path

import pytest

from helpers import data_report, entry, results, results_of
from menagerie.params.notebook import Claim, Pair
from menagerie.report.findings.values import DASH
from menagerie.report.markdown import markdown


def tables(text):
    """Each table as a list of rows, each a list of cells."""
    found = re.findall(r"(?:^\|.*\|$\n?)+", text, flags=re.MULTILINE)
    split = [[re.split(r"(?<!\\)\|", row)[1:-1] for row in table.splitlines()] for table in found]
    return [[[cell.strip() for cell in row] for row in table] for table in split]


def table_with(text, column):
    """The one table that has a column of this name: its rows, each by the columns' names."""
    (found,) = [table for table in tables(text) if column in table[0]]
    header, rule, *rows = found
    assert all(re.fullmatch(r":?-+:?", cell) for cell in rule)
    return [dict(zip(header, row, strict=True)) for row in rows]


@pytest.fixture
def study(params):
    return params("study=sign_digits", "model=sign_cnn")


def written(params, **parts):
    return markdown(params, results_of({"sign_cnn": entry(373, val_correct=340)}, **parts))


def test_intervals_stand_in_brackets_and_the_chosen_model_is_bold(study):
    text = written(study)
    (row,) = table_with(text, "test accuracy (%)")
    assert (row["model"], row["test accuracy (%)"]) == ("**sign_cnn**", "90.53 (87.32 to 93.00)")
    (row,) = table_with(text, "reported (%)")
    assert (row["model"], row["reproduced (%)"]) == ("sign_cnn", "82.52 (78.56 to 85.89)")


def test_numbers_stand_to_the_right_and_names_to_the_left(study):
    (table,) = [table for table in tables(written(study)) if "train" in table[0]]
    assert [(cell[0], cell[-1]) for cell in table[1]] == [(":", "-"), *[("-", ":")] * 3]


def test_what_is_long_is_folded_away(study):
    data = data_report() | {"unreadable": {"a.png": "empty file"}}
    assert re.search(
        r"<details>\n<summary>Pictures that could not be read: 1</summary>\n\n\| picture .+\n\n</details>\n",
        written(study, data=data),
        flags=re.DOTALL,
    )


def test_blocks_are_apart_by_one_blank_line(study):
    text = written(study)
    assert "\n\n\n" not in text
    assert re.search(r"\n\n## Data\n\n- Pictures: .+\n- Licence: .+\n", text)
    assert re.search(r"\n\n```\ndvc exp run .+\n```\n\n", text)
    assert text.startswith("# Sign Language Digits\n\n**sign_cnn** is")
    assert text.endswith(".\n")


def test_titles_and_claims_with_odd_letters_keep_to_their_line(study):
    pairs = (Pair(better="sign_cnn", than="sign_cnn_decay_low"),)
    claim = Claim(quote="", told="a | b\n| c |", section="", split="val", pairs=pairs, earlier={})
    notebook = study.reported.model_copy(update={"title": "One\n# Two", "claims": (claim,)})
    dataset = study.dataset.model_copy(update={"title": "Signs\n| of | two |"})
    text = written(study.model_copy(update={"reported": notebook, "dataset": dataset}))
    assert text.startswith("# Signs | of | two |\n\n**sign_cnn** is")
    assert 'Reported by "One # Two".' in text
    assert "\n1. a | b | c |\n" in text
    assert len(table_with(text, "claimed")) == 1


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
    rows = table_with(written(study, data=data), "train")
    assert [row["train"] for row in rows] == [*(str(10 + place) for place in range(len(names))), "120"]


@pytest.mark.parametrize("name", ["007", "1e5", "nan", "手語", "a b"])
def test_a_class_name_is_printed_as_it_is(study, name):
    text = written(study, data=data_report((name, "other")))
    assert table_with(text, "train")[0]["class"] == name


def test_it_tells_nothing_of_machines_times_and_figures(params):
    chosen, found = params("model=[cnn,ann]"), results("cnn", "ann")
    bare = dataclasses.replace(found, runs={}, data_figures={}, comparison_figures={}, model_figures={})
    assert markdown(chosen, found) == markdown(chosen, bare)
    assert found.runs["cnn"]["keras"] not in markdown(chosen, found)


def test_the_report_tells_no_date_host_or_folder(study):
    text = written(study)
    assert not re.search(r"\b20\d\d-\d\d-\d\d\b|\b\d\d:\d\d\b", text)
    for private in (str(Path.cwd()), str(Path.home()), socket.gethostname()):
        assert not re.search(rf"(?<!\w){re.escape(private)}(?!\w)", text)


def test_names_hold_neither_tags_nor_marks_of_markdown(study):
    data = data_report(("<b>bold</b>", "*star* `code` [x](y)"))
    data["notices"] = ["<b>bold</b> has 3 pictures, see `<b>` and <https://example.org>"]
    text = written(study, data=data)
    assert [row["class"] for row in table_with(text, "train")[:2]] == [
        "&lt;b>bold&lt;/b>",
        r"\*star\* \`code\` \[x\](y)",
    ]
    assert "&lt;b>bold&lt;/b> has 3 pictures, see `<b>` and <https://example.org>" in text


def test_a_class_that_was_never_predicted_has_no_precision(study):
    found = results("sign_cnn")
    table = found.tables["per_class"]["sign_cnn"]
    table.loc[1, ["precision", "precision_low", "precision_high"]] = [0.0, float("nan"), float("nan")]
    rows = table_with(markdown(study, found), "precision (%)")
    assert rows[1]["precision (%)"] == DASH
    assert rows[0]["precision (%)"] != DASH
