"""The data report's numbers, against NumPy and pandas on the whole array at once."""

import json

import numpy as np
import pandas as pd
import pytest

from helpers import SIGN_DIGITS, SPLITS, keras_policy, manifest, rows, stratified
from menagerie.files import write_json
from menagerie.split.description import (
    describe,
    examples,
    groups_on_both_sides,
    pixel_histogram,
    pixel_statistics,
    sizes,
)
from menagerie.split.policies import split


def test_a_split_is_described_by_its_counts(tmp_path):
    listed = manifest({"ant": 20, "cow": 40}, unreadable=[0, 59])
    table = split(listed, stratified(val=0.25, test=0.25))
    told = describe(listed, table)
    assert told["pictures"] == 60
    assert told["splits"] == {name: len(rows(table, name)) for name in SPLITS}
    assert {name: sum(counts.values()) for name, counts in told["classes"].items()} == {"ant": 19, "cow": 39}
    assert all(list(counts) == SPLITS for counts in told["classes"].values())
    assert told["unreadable"] == {"ant/0000.png": "empty file", "cow/0039.png": "empty file"}
    assert told["test_pictures_also_in"] == {"train": 0, "val": 0}
    write_json(tmp_path / "report.json", told)
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8")) == told


def test_pictures_that_are_val_and_test_are_counted():
    listed = manifest(SIGN_DIGITS)
    told = describe(listed, split(listed, keras_policy()))
    assert told["test_pictures_also_in"] == {"train": 0, "val": 412}
    assert told["splits"] == {"train": 1650, "val": 412, "test": 412}
    assert told["unreadable"] == {}


def test_the_classes_of_a_description_are_in_the_order_of_their_labels():
    listed = manifest({"b": 20, "B": 20, "a10": 20, "a2": 20})
    assert list(describe(listed, split(listed, stratified()))["classes"]) == ["B", "a10", "a2", "b"]


@pytest.mark.parametrize("count", [1, 5, 10])
def test_examples_are_training_pictures_of_each_class_and_always_the_same(count):
    table = split(manifest([30, 40, 50]), stratified())
    shown = examples(table, count)
    assert shown.shape == (3, count)
    labels = table[table["split"] == "train"].set_index("index")["label"]
    for label, picked in enumerate(shown):
        assert set(picked) <= set(labels.index[labels == label])
        assert len(set(picked)) == count
    np.testing.assert_array_equal(examples(table, count), shown)


def test_examples_of_a_class_with_fewer_pictures_show_some_again():
    table = split(manifest([3, 40]), stratified(val=0.3, test=0.3))
    shown = examples(table, 10)
    assert shown.shape == (2, 10)
    assert set(shown[0]) == set(table.loc[(table["label"] == 0) & (table["split"] == "train"), "index"])


@pytest.fixture
def images(tmp_path):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "images.npy", rng.integers(3, 250, (700, 6, 5, 3), np.uint8))
    return np.load(tmp_path / "images.npy", mmap_mode="r")


def test_pixel_statistics_are_those_of_numpy(images):
    rows = np.arange(0, 700, 2)
    told = pixel_statistics(pixel_histogram(images, rows))
    chosen = np.asarray(images)[rows].reshape(-1, 3).astype(np.float64)
    assert told["range"] == [chosen.min(), chosen.max()]
    np.testing.assert_allclose(told["mean"], chosen.mean(axis=0), atol=5e-4)
    np.testing.assert_allclose(told["std"], chosen.std(axis=0), atol=5e-4)


def test_the_histogram_of_many_pictures_takes_an_even_sample(images):
    histogram = pixel_histogram(images, np.arange(700), most=100)
    assert histogram.sum() == 100 * 6 * 5 * 3
    sampled = np.asarray(images)[np.linspace(0, 699, 100).astype(int)]
    np.testing.assert_array_equal(histogram[2], np.bincount(sampled[..., 2].ravel(), minlength=256))


def test_sizes_are_told_of_readable_pictures_alone():
    listed = manifest([3, 2], unreadable=[0]).assign(
        width=[0, 100, 200, 300, 50], height=[0, 100, 100, 100, 100], mode=["", "RGB", "RGB", "L", "RGB"]
    )
    told = sizes(listed)
    assert told["width"] == {"min": 50, "median": 150, "max": 300}
    assert told["aspect"] == {"min": 0.5, "median": 1.5, "max": 3}
    assert told["modes"] == {"L": 1, "RGB": 3}


def test_groups_that_stand_in_test_and_in_train_are_counted():
    table = pd.DataFrame(
        {"group": [7, 8, 9, 7, 9, 9], "split": ["train", "train", "val", "test", "test", "val"]}
    )
    assert groups_on_both_sides(table) == {
        "groups": 3,
        "in_test": 2,
        "in_test_and_train": 1,
        "in_test_and_val": 1,
    }
    assert groups_on_both_sides(table.drop(columns="group")) is None
