import json
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from menagerie.errors import DataError
from menagerie.files import write_json
from menagerie.images import find_pictures
from menagerie.params import KerasSplit, StratifiedSplit
from menagerie.splitting import describe, examples, split

LETTERS = "aBcDeFgHiJkLmNoPqRsTuVwXyZ"
SPLITS = ["train", "val", "test"]
SIGN_DIGITS = [205, 206, 206, 206, 207, 207, 207, 206, 208, 204]  # pictures of 0..9


def manifest(sizes, unreadable=()):
    """As `prepare` writes it: sorted by class and path; `unreadable` are rows."""
    names = sizes if isinstance(sizes, dict) else {f"c{number}": size for number, size in enumerate(sizes)}
    table = pd.DataFrame(
        [(f"{name}/{place:04d}.png", name) for name in sorted(names) for place in range(names[name])],
        columns=["path", "class"],
    )
    table.insert(0, "index", np.arange(len(table)))
    return table.assign(status=["empty file" if row in unreadable else "ok" for row in table["index"]])


def stratified(seed=42, val=0.15, test=0.2):
    return StratifiedSplit(policy="stratified", seed=seed, val=val, test=test)


def keras_policy(seed=1337, validation_split=0.2):
    return KerasSplit(policy="keras", seed=seed, validation_split=validation_split)


def rows(table, name):
    return table.loc[table["split"] == name, "index"].tolist()


# what every policy gives


@pytest.mark.parametrize("policy", [stratified(), keras_policy()], ids=lambda policy: policy.policy)
def test_a_split_is_a_table_in_the_order_of_the_manifest(policy):
    listed = manifest({"owl": 30, "ant": 20, "cow": 25}, unreadable=[3])
    table = split(listed, policy)
    assert list(table.columns) == ["index", "split", "label", "class", "path"]
    assert list(table.index) == list(range(len(table)))
    assert list(dict.fromkeys(table["split"])) == SPLITS
    for name in SPLITS:
        assert rows(table, name) == sorted(rows(table, name))
    known = listed.set_index("index")
    assert table["path"].tolist() == known.loc[table["index"], "path"].tolist()
    assert table["class"].tolist() == known.loc[table["index"], "class"].tolist()


@pytest.mark.parametrize("policy", [stratified(), keras_policy()], ids=lambda policy: policy.policy)
def test_labels_are_the_places_of_the_sorted_class_names(policy):
    table = split(manifest({"b": 20, "B": 20, "a10": 20, "a2": 20, "é": 20, "a b": 20}), policy)
    labels = table[["class", "label"]].drop_duplicates().set_index("class")["label"].to_dict()
    assert labels == {"B": 0, "a b": 1, "a10": 2, "a2": 3, "b": 4, "é": 5}


@pytest.mark.parametrize("policy", [stratified(), keras_policy()], ids=lambda policy: policy.policy)
def test_what_cannot_be_read_is_in_no_split(policy):
    bad = [0, 7, 31, 59]
    table = split(manifest([20, 20, 20], unreadable=bad), policy)
    assert set(table["index"]) == set(range(60)) - set(bad)


@pytest.mark.parametrize("policy", [stratified(), keras_policy()], ids=lambda policy: policy.policy)
def test_the_seed_alone_decides(policy):
    listed = manifest([40, 50, 60])
    pd.testing.assert_frame_equal(split(listed, policy), split(listed, policy))
    other = policy.model_copy(update={"seed": policy.seed + 1})
    assert rows(split(listed, other), "test") != rows(split(listed, policy), "test")


@pytest.mark.parametrize("policy", [stratified(), keras_policy()], ids=lambda policy: policy.policy)
def test_a_class_of_which_nothing_can_be_read_is_refused_by_name(policy):
    listed = manifest({"ant": 20, "cow": 5, "owl": 20}, unreadable=range(20, 25))
    with pytest.raises(DataError, match="cow"):
        split(listed, policy)


# stratified


def test_each_picture_is_in_one_split_and_each_split_has_its_share_of_every_class():
    table = split(manifest([100, 200, 60]), stratified(val=0.15, test=0.2))
    assert sorted(table["index"]) == list(range(360))
    counts = pd.crosstab(table["class"], table["split"])[SPLITS].to_numpy().tolist()
    assert counts == [[65, 15, 20], [130, 30, 40], [39, 9, 12]]


@given(
    sizes=st.lists(st.integers(1, 30), min_size=2, max_size=6),
    val=st.floats(0.02, 0.9),
    test=st.floats(0.02, 0.9),
    seed=st.integers(0, 2**32 - 1),
)
@settings(deadline=None)
def test_small_classes_and_odd_shares_are_split_right_or_refused(sizes, val, test, seed):
    try:
        table = split(manifest(sizes), stratified(seed, val, test))
    except DataError:
        return
    assert sorted(table["index"]) == list(range(sum(sizes)))
    counts = pd.crosstab(table["class"], table["split"])[SPLITS].to_numpy()
    assert counts.min() >= 1
    shares = np.array([1 - val - test, val, test])
    assert (np.abs(counts - np.outer(sizes, shares)) <= 2).all()  # whole pictures, rounded twice


@given(
    sizes=st.lists(st.integers(30, 60), min_size=2, max_size=6),
    val=st.floats(0.1, 0.4),
    test=st.floats(0.1, 0.4),
    seed=st.integers(0, 2**32 - 1),
)
@settings(deadline=None)
def test_ordinary_classes_and_shares_are_never_refused(sizes, val, test, seed):
    assert len(split(manifest(sizes), stratified(seed, val, test))) == sum(sizes)


@pytest.mark.parametrize("size", [1, 2])
def test_a_class_too_small_for_three_splits_is_refused_by_name_with_its_size(size):
    with pytest.raises(DataError) as error:
        split(manifest({"ant": 50, "cow": size, "owl": 50}), stratified())
    assert "cow" in str(error.value)
    assert str(size) in str(error.value)


@pytest.mark.parametrize(("val", "test"), [(0.5, 0.5), (0.6, 0.6), (0.99, 0.02)])
def test_shares_that_leave_nothing_to_train_on_are_refused(val, test):
    with pytest.raises(DataError, match=rf"val {val:g}, test {test:g}"):
        split(manifest([50, 50]), stratified(val=val, test=test))


@pytest.mark.parametrize(
    ("sizes", "val", "test"),
    [
        ([3, 3, 3], 0.15, 0.1),  # fewer test pictures than classes
        ([3, 40], 0.15, 0.6),  # one of the three left for train and val
        ([10, 10], 0.02, 0.2),  # fewer val pictures than classes
        ([4, 4], 0.45, 0.5),  # nothing left to train on
        ([3, 200], 0.1, 0.1),  # a share of three that rounds to nothing
    ],
)
def test_a_split_that_would_miss_a_class_is_refused_with_a_way_out(sizes, val, test):
    with pytest.raises(DataError, match="add pictures"):
        split(manifest(sizes), stratified(val=val, test=test))


# as Keras


def test_the_keras_policy_tests_on_what_it_validates_on():
    table = split(manifest([30, 30]), keras_policy())
    assert rows(table, "val") == rows(table, "test")
    assert len(rows(table, "val")) == 12
    assert sorted(rows(table, "train") + rows(table, "val")) == list(range(60))


def test_the_sign_digits_split_has_the_published_sizes():
    """Seed 004 prints: Using 1650 files for training. Using 412 files for validation."""
    table = split(manifest(SIGN_DIGITS), keras_policy(1337, 0.2))
    assert [len(rows(table, name)) for name in SPLITS] == [1650, 412, 412]


def test_the_keras_policy_gives_the_split_that_keras_gave():
    """`image_dataset_from_directory(validation_split=0.25, seed=123)` of Keras 3.15, two classes of ten."""
    table = split(manifest({"a": 10, "b": 10}), keras_policy(123, 0.25))
    assert rows(table, "val") == [1, 2, 6, 13, 18]


def test_a_tail_that_holds_no_picture_is_refused():
    with pytest.raises(DataError, match="has no picture in val"):
        split(manifest([2, 2]), keras_policy(validation_split=0.2))


def test_a_class_that_the_keras_policy_leaves_out_of_val_is_refused_by_name():
    listed = manifest({"ant": 1, "cow": 100})
    with pytest.raises(DataError, match=r"class ant has no picture in (train|val)"):
        split(listed, keras_policy())


def picture_folders(root):
    """Class folders and files whose order is not that of their full paths, as archives list them."""
    files = [f"cat/{number}.png" for number in range(30)] + [f"cat-big/{name}.PNG" for name in LETTERS]
    files += [f"a b/IMG_{10**number}.png" for number in range(20)] + [f"é/{name} ä.png" for name in LETTERS]
    for number, name in enumerate(files):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (2, 2), (number, 0, 0)).save(path)


def keras_files(root, seed, validation_split):
    from keras.utils import image_dataset_from_directory

    both = image_dataset_from_directory(
        root,
        image_size=(2, 2),
        seed=seed,
        validation_split=validation_split,
        subset="both",
        verbose=False,
    )
    return [{Path(path).relative_to(root).as_posix() for path in part.file_paths} for part in both]


def our_files(archive, folders, policy):
    pictures = find_pictures([archive], folders)
    table = pd.DataFrame(
        [(picture.path, picture.class_name) for picture in pictures], columns=["path", "class"]
    )
    table = split(table.assign(index=np.arange(len(table)), status="ok"), policy)
    return [set(table.loc[table["split"] == name, "path"]) for name in ("train", "val")]


@pytest.mark.tensorflow
def test_the_keras_policy_is_that_of_keras_file_for_file(tmp_path):
    picture_folders(tmp_path / "pictures")
    archive = tmp_path / "pictures.zip"
    with ZipFile(archive, "w") as file:
        for path in (tmp_path / "pictures").rglob("*.*"):
            file.write(path, path.relative_to(tmp_path / "pictures").as_posix())
    for seed in (0, 42, 1337, 2**32 - 1):
        for share in (0.1764, 0.3, 0.5):
            ours = our_files(archive, "{class}", keras_policy(seed, share))
            assert ours == keras_files(tmp_path / "pictures", seed, share)


@pytest.mark.tensorflow
def test_the_sign_digits_split_is_that_of_the_notebook_picture_for_picture(mirror, tmp_path):
    """Keras lists the files without opening them, so their names are enough."""
    (archive,) = mirror.glob("Sign-Language-Digits-Dataset-*.zip")
    pictures = find_pictures([archive], "Dataset/{class}")
    for picture in pictures:
        path = tmp_path / picture.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (folder,) = tmp_path.rglob("Dataset")
    theirs = keras_files(folder, 1337, 0.2)
    above = folder.relative_to(tmp_path).as_posix()
    ours = our_files(archive, "Dataset/{class}", keras_policy(1337, 0.2))
    assert ours == [{f"{above}/{path}" for path in part} for part in theirs]
    assert [len(part) for part in ours] == [1650, 412]


# what the data report says


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
def test_examples_are_training_pictures_of_each_class_spread_over_it(count):
    table = split(manifest([30, 40, 50]), stratified())
    shown = examples(table, count)
    assert shown.shape == (3, count)
    labels = table[table["split"] == "train"].set_index("index")["label"]
    for label, picked in enumerate(shown):
        mine = labels.index[labels == label]
        assert set(picked) <= set(mine)
        assert len(set(picked)) == count
        assert picked[0] == mine[0]
        assert count == 1 or picked[-1] == mine[-1]


def test_examples_of_a_class_with_fewer_pictures_show_some_again():
    table = split(manifest([3, 40]), stratified(val=0.3, test=0.3))
    shown = examples(table, 10)
    assert shown.shape == (2, 10)
    assert set(shown[0]) == set(table.loc[(table["label"] == 0) & (table["split"] == "train"), "index"])
