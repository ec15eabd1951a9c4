"""Which pictures the data report shows, and what stands below each."""

import numpy as np
import pandas as pd
import pytest

from menagerie.split import policies
from menagerie.split.duplicates import Duplicates, conflicts, leaks
from menagerie.split.shown import PAIRS, alone, pairs

COPIES, ALIKE = {8: 2, 3: 1, 9: 0}, {7: 4}  # row: an earlier one


@pytest.fixture
def found():
    same, groups = np.arange(10), np.arange(10)
    for row, first in COPIES.items():
        same[row] = groups[row] = first
    for row, first in ALIKE.items():
        groups[row] = first
    return Duplicates(same, groups, np.zeros(10, np.uint64))


@pytest.fixture
def table():
    """Rows 0 to 5 are of train, 6 and 7 of val, 8 and 9 of test; 1 and 2 are of class b."""
    splits = ["train"] * 6 + ["val"] * 2 + ["test"] * 2
    lines = pd.DataFrame({"index": np.arange(10), "split": splits, "class": list("abbaaaaaba")})
    return lines.assign(path="pictures/" + lines["class"] + "/" + lines["index"].astype(str) + ".png")


def shown(table, found, drop=False):
    before = leaks(table, found), conflicts(table, found)
    kept, dropped = policies.without_duplicates(table, found.groups) if drop else (table, table.iloc[:0])
    every = pairs(pd.concat([kept, dropped]), found, *before, dropped)
    return {kind: list(lines.itertuples(index=False, name=None)) for kind, lines in every.items()}


def test_leaks_and_conflicts_are_shown_with_their_splits_and_their_classes(table, found):
    assert shown(table, found) == {
        "leaks": [
            (9, 0, "in test: a/9.png\nin train: a/0.png\nexact copy"),
            (8, 2, "in test: b/8.png\nin train: b/2.png\nexact copy"),
            (7, 4, "in val: a/7.png\nin train: a/4.png\nlook alike"),
        ],
        "conflicts": [(1, 3, "of class b: b/1.png\nof class a: a/3.png\nexact copy")],
    }


def test_what_was_dropped_is_shown_beside_what_was_kept(table, found):
    assert shown(table, found, drop=True)["dropped"] == [
        (0, 9, "dropped from train: a/0.png\nkept: a/9.png\nexact copy"),
        (2, 8, "dropped from train: b/2.png\nkept: b/8.png\nexact copy"),
        (3, 1, "dropped from train: a/3.png\nkept: b/1.png\nexact copy"),
        (4, 7, "dropped from train: a/4.png\nkept: a/7.png\nlook alike"),
    ]


def test_copies_in_one_split_and_class_are_shown_apart(table):
    groups = np.arange(10)
    groups[4] = 3
    only = Duplicates(groups, groups, np.zeros(10, np.uint64))
    assert shown(table, only) == {"duplicates": [(4, 3, "a/4.png\na/3.png\nexact copy")]}


def test_nothing_is_shown_where_no_picture_is_there_twice(table):
    assert shown(table, Duplicates(np.arange(10), np.arange(10), np.zeros(10, np.uint64))) == {}


def test_of_many_pairs_exact_copies_are_shown_first(table):
    many = pd.concat(
        [table.assign(index=table["index"] + 10 * n, path=f"{n}/" + table["path"]) for n in range(40)]
    )
    many = many.reset_index(drop=True)
    groups = np.arange(400) % 10
    copies = np.where(np.arange(400) < 380, np.arange(400), groups)
    lines = shown(many, Duplicates(copies, groups, np.zeros(400, np.uint64)))["duplicates"]
    assert len(lines) == PAIRS
    assert all(caption.endswith("exact copy") for *_, caption in lines)


def test_a_few_of_each_flag_are_shown_with_what_was_measured():
    flagged = pd.DataFrame({"flag": ["dark"] * 6 + ["blurred"], "index": range(7)})
    flagged = flagged.assign(path="x/a/" + flagged["index"].astype(str) + ".png", said="sharpness 0.01")
    table = alone(flagged)
    assert table["index"].tolist() == [0, 1, 2, 3, 6]
    assert table["caption"].iloc[-1] == "blurred: sharpness 0.01\na/6.png"
    assert alone(flagged.iloc[:0]).empty
