"""What is wrong with the data is said: lines of the terminal and of report.json."""

import numpy as np
import pandas as pd
import pytest

from menagerie.split import description, policies
from menagerie.split.corrections import changes
from menagerie.split.duplicates import Duplicates, conflicts, leaks
from menagerie.split.notices import notices


def told(lines, copies=None, near=None, drop=False, fixed=None, flags=()):
    """The notices of a split table of (index, split, class[, group]).

    `copies` and `near` say of a row which earlier one it is an exact copy of, or like; `fixed`
    is the class of pictures by their paths.
    """
    columns = ["index", "split", "class", "group"][: len(lines[0])]
    table = pd.DataFrame(lines, columns=columns)
    table["path"] = table["class"] + "/" + table["index"].astype(str) + ".png"
    count = table["index"].max() + 1
    same, alike = np.arange(count), np.arange(count)
    for row, first in (copies or {}).items():
        same[row] = alike[row] = first
    for row, first in (near or {}).items():
        alike[row] = first
    found = Duplicates(same, alike, np.zeros(count, np.uint64))
    leaked, differing, dropped = leaks(table, found), conflicts(table, found), table.iloc[:0]
    if drop:
        table, dropped = policies.without_duplicates(table, found.groups)
    bad = table.assign(status="ok")
    report = description.describe(bad, table) | {
        "groups": description.groups_on_both_sides(table),
        "duplicates": description.duplicates(table, found, leaked, differing, dropped),
        "flags": dict(flags),
        "labels_fixed": description.labels_fixed(fixed or {}, changes(bad, fixed or {})),
    }
    return notices(report)


TRAIN = [(row, "train", "ab"[row % 2]) for row in range(6)]
VAL = [(6, "val", "a"), (7, "val", "b")]
TEST = [(8, "test", "a"), (9, "test", "b"), (10, "test", "a")]


def test_nothing_is_said_of_a_clean_split():
    assert told(TRAIN + VAL + TEST) == []


def test_a_leak_is_told_with_its_pictures():
    assert told(TRAIN + VAL + TEST, copies={8: 2}, near={7: 1}) == [
        "in test, exact copies of pictures in train: 1 (a/8.png: a/2.png)",
        "in val, pictures that look like some in train: 1 (b/7.png: b/1.png)",
    ]


@pytest.mark.parametrize("how", [{"copies": {8: 2, 9: 3}}, {"copies": {8: 2}, "near": {9: 3}}])
def test_a_test_set_that_lies_in_train_is_warned_of(how):
    first, *others = told(TRAIN + VAL + TEST, **how)
    assert first.startswith("warning: the test set lies in train: 2 of 3 test pictures are there too")
    assert not any(line.startswith("warning") for line in others)


def test_what_drop_took_out_of_train_is_told_and_no_longer_warned_of():
    assert told(TRAIN + VAL + TEST, copies={8: 2, 9: 3}, drop=True) == [
        "in test, exact copies of pictures in train: 2 (a/8.png: a/2.png)",
        "dropped as copies of others or like them, since dataset.duplicates is drop: 2 (a/2.png)",
    ]


def test_a_picture_in_two_classes_is_told():
    (exact,) = told(TRAIN + VAL + TEST, copies={3: 2})
    assert exact == (
        "pairs of exact copies with different classes: 1 (a/2.png of class a, b/3.png of class b); "
        "one label of each is wrong"
    )
    (near,) = told(TRAIN + VAL + TEST, near={3: 2})
    assert near.startswith("pairs of pictures that look alike with different classes: 1 (a/2.png of class a,")


def test_a_test_set_that_selects_is_told():
    both = [(row, name, "ab"[row % 2]) for name in ("val", "test") for row in (6, 7)]
    assert told(TRAIN + both) == ["2 of 2 test pictures are in val, too: what selects a model also tests it"]


def test_groups_on_both_sides_are_told():
    grouped = [(*line, line[0] % 5) for line in TRAIN + VAL + TEST]
    assert told(grouped) == [
        "3 of 3 groups in test stand in train, too; -S split=stable keeps each in one split",
    ]


def test_a_wrong_label_is_told_though_one_of_the_two_pictures_was_dropped():
    lines = told(TRAIN + VAL + TEST, copies={3: 2}, drop=True)
    assert [line[:50] for line in lines] == [
        "pairs of exact copies with different classes: 1 (a",
        "dropped as copies of others or like them, since da",
    ]


def test_pictures_that_stand_out_are_told_in_a_line_for_each_flag():
    dark = {"count": 1200, "pictures": [{"path": "raw/a/2.png", "class": "a", "said": "brightness 4 of 255"}]}
    flags = {"dark": dark, "bright": {"count": 0, "pictures": []}}
    assert told(TRAIN + VAL + TEST, flags=flags) == [
        "dark pictures, to be looked at: 1,200 (a/2.png: brightness 4 of 255)"
    ]


def test_labels_that_a_person_put_right_are_counted():
    """A line may say what the picture's label is already."""
    assert told(TRAIN + VAL + TEST, fixed={"a/0.png": "b", "b/1.png": "b", "b/7.png": "a"}) == [
        "labels that dataset.labels_fixed changes: 2 of 3 lines (a/0.png: a to b)"
    ]
    assert told(TRAIN + VAL + TEST, fixed={"a/0.png": "a"}) == [
        "labels that dataset.labels_fixed changes: 0 of 1 lines"
    ]
