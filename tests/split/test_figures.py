"""The figures of the data report: which there are, and that they show the rows that were chosen."""

import numpy as np
import pandas as pd

from menagerie.split.figures import of_content, of_faults

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), np.uint8)
NONE = pd.DataFrame({"index": [], "caption": []})


def test_each_kind_of_fault_has_a_figure_of_its_pictures():
    pairs = {
        "leaks": pd.DataFrame({"index": [4], "other_index": [1], "caption": ["in test: a\nin train: b"]})
    }
    alone = pd.DataFrame({"index": [3, 2], "caption": ["dark: a/3.png", "blurred: a/2.png"]})
    found = of_faults("Animals", IMAGES, pairs, alone)
    assert list(found) == ["leaks", "flags"]
    (pair,) = found["leaks"].axes
    shown = np.asarray(pair.images[0].get_array())
    np.testing.assert_array_equal(shown[:, :8], IMAGES[4])
    np.testing.assert_array_equal(shown[:, -8:], IMAGES[1])
    assert pair.get_xlabel() == "in test: a\nin train: b"
    for axes, row in zip(found["flags"].axes, (3, 2), strict=True):
        np.testing.assert_array_equal(axes.images[0].get_array(), IMAGES[row])


def test_where_nothing_is_wrong_nothing_is_drawn():
    assert of_faults("Animals", IMAGES, {}, NONE) == {}


def test_what_a_split_holds_is_drawn_of_any_number_of_classes():
    names = [f"class {number}" for number in range(40)]
    table = pd.DataFrame({"index": np.arange(40) % 6, "split": "train", "class": names, "label": range(40)})
    table["path"] = [f"{name}.png" for name in names]
    counts = pd.DataFrame({"train": 1, "val": 1, "test": 1}, index=names)
    found = of_content("Animals", IMAGES, table, counts, np.ones((3, 256), np.int64))
    assert list(found) == ["classes", "pixels", "examples"]
    blocks = [[label.get_text() for label in axes.get_yticklabels()] for axes in found["examples"].axes]
    assert sum(map(len, blocks)) == 40
    assert {name for block in blocks for name in block} == set(names)


def test_the_examples_carry_the_names_of_their_files():
    table = pd.DataFrame({"index": [4, 2], "split": "train", "class": ["cat", "dog"], "label": [0, 1]})
    table = table.assign(path=["cat/4.png", "dog/2.png"])
    counts = pd.DataFrame({"train": 1, "val": 1, "test": 1}, index=["cat", "dog"])
    drawn = of_content("Animals", IMAGES, table, counts, np.ones((3, 256), np.int64))["examples"].axes[0]
    assert [text.get_text() for text in drawn.texts] == ["4.png"] * 10 + ["2.png"] * 10
