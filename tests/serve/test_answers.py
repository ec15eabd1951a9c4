"""What is said of pictures: the table in its forms, the promise of val, the score by folders."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers import model_facts
from menagerie.serve.answers import UNSURE, answers, scores_told, short, threshold_told
from menagerie.serve.pictures import Picture
from menagerie.serve.tables import text_of, write

NAMES = ["a.png", 'two\nlines, and "quotes".png', "broken.png", "手.png"]
PICTURES = [
    Picture(name, Path(name), label=label)
    for name, label in zip(NAMES, ["cat", "dog", "cat", ""], strict=True)
]
PROBLEMS = ["", "", "truncated", ""]
ROWS = np.array([[0.9, 0.0625, 0.0375], [0.5, 0.3, 0.2], [0.25, 0.5, 0.25]])


def found(threshold=None, top=2):
    told = answers(PICTURES, PROBLEMS, ROWS, ["cat", "dog", "hen"])
    return [short(one, top, threshold) for one in told]


def test_classes_are_sorted_by_probability_and_equals_stay_in_order():
    assert [one.classes for one in found(top=3)] == [
        ("cat", "dog", "hen"), ("cat", "dog", "hen"), (), ("dog", "cat", "hen"),
    ]  # fmt: skip


def test_below_the_threshold_an_answer_is_unsure_and_at_it_it_is_not():
    assert [one.answer for one in found(0.9)] == ["cat", UNSURE, "", UNSURE]
    assert found(0.9)[1].classes == ("cat", "dog")


def test_csv_is_read_back_as_it_was():
    rows = list(csv.DictReader(io.StringIO(text_of(found(), 2, "csv"), newline="")))
    assert [row["picture"] for row in rows] == NAMES
    assert rows[0] == {
        "picture": "a.png", "label": "cat", "answer": "cat", "class_1": "cat", "probability_1": "0.900000",
        "class_2": "dog", "probability_2": "0.062500", "problem": "",
    }  # fmt: skip
    assert (rows[2]["answer"], rows[2]["class_1"], rows[2]["problem"]) == ("", "", "truncated")


def test_json_has_nulls_for_what_there_is_not():
    values = json.loads(text_of(found(), 2, "json"))
    assert values[3] == {
        "picture": "手.png",
        "label": None,
        "answer": "dog",
        "classes": [{"class": "dog", "probability": 0.5}, {"class": "cat", "probability": 0.25}],
        "problem": None,
    }
    assert (values[2]["answer"], values[2]["classes"], values[2]["problem"]) == (None, [], "truncated")


def test_parquet_holds_the_columns_of_the_csv(tmp_path):
    write(found(), 2, "parquet", tmp_path / "answers.parquet")
    table = pd.read_parquet(tmp_path / "answers.parquet")
    assert list(table) == text_of(found(), 2, "csv").splitlines()[0].split(",")
    assert table["picture"].tolist() == NAMES
    assert table["probability_1"].dropna().tolist() == [0.9, 0.5, 0.5]
    assert table["problem"].isna().tolist() == [True, True, False, True]


def test_a_table_shows_a_line_for_each_picture_and_no_control_characters():
    lines = text_of(found(), 2, "table").splitlines()
    assert len(lines) == 2 + len(PICTURES)
    assert "two\\x0alines" in lines[3]
    assert "cannot be read: truncated" in lines[4]
    assert "dog 50.0%" in lines[5]


def test_the_promise_of_val_has_its_numbers_and_wilsons_intervals():
    # 3 of 4: 30.1 to 95.4; 2 of 3: 20.8 to 93.9, by statsmodels' proportion_confint(method="wilson")
    val = model_facts().val
    promised = threshold_told(found(0.6), 600, val)
    assert promised == (
        "2 of 3 are unsure (below 0.6); of val's 4 pictures 75.0 % (30.1 to 95.4) are answered at this "
        "threshold, and 100.0 % (43.9 to 100.0) of these 3 right"
    )


def test_a_threshold_that_no_picture_of_val_reaches_promises_no_accuracy():
    val = model_facts().val
    assert threshold_told(found(0.95), 950, val).endswith(
        "0.0 % (0.0 to 49.0) are answered at this threshold"
    )


def test_the_score_is_of_pictures_in_folders_of_classes_alone():
    first, *more = scores_told(found())
    assert first == "by these pictures' folders 50.0 % (9.5 to 90.5) of 2 are right"
    assert more == ["wrong: dog taken for cat: 1"]
    assert "; of the 1 that are not unsure 100.0 % (20.7 to 100.0)" in scores_told(found(0.9))[0]


def test_without_a_folder_of_a_class_there_is_no_score():
    assert scores_told([found()[3]]) == []


@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
def test_a_file_is_whole_or_not_there(tmp_path, form):
    target = tmp_path / "answers"
    with pytest.raises((AttributeError, TypeError)):
        write([*found(), None], 2, form, target)
    assert list(tmp_path.iterdir()) == []
