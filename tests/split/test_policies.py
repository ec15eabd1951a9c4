from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from helpers import SIGN_DIGITS, SPLITS, keras_policy, manifest, rows, stratified
from menagerie.archives.layout import find_pictures
from menagerie.errors import DataError
from menagerie.split import policies
from menagerie.split.policies import split

LETTERS = "aBcDeFgHiJkLmNoPqRsTuVwXyZ"


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


@pytest.mark.parametrize("bad", [0, 700, 2061])
def test_an_unreadable_picture_moves_no_other_one_to_another_split(bad):
    """The notebook lists and shuffles it with the others: nothing had been read by then."""
    whole = split(manifest(SIGN_DIGITS), keras_policy())
    left = split(manifest(SIGN_DIGITS, unreadable=[bad]), keras_policy())
    for name in SPLITS:
        assert rows(left, name) == [row for row in rows(whole, name) if row != bad]
    assert len(rows(left, "val")) in (411, 412)


def test_what_keras_does_not_list_moves_no_other_picture_and_is_in_no_split():
    listed = manifest([30, 30])
    with_tiff = pd.concat([listed, listed.tail(2).assign(index=[60, 61], path=["c1/1.tif", "c1/2.webp"])])
    pd.testing.assert_frame_equal(split(with_tiff, keras_policy()), split(listed, keras_policy()))


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
    table = split(table.assign(index=np.arange(len(table)), status="ok", folder=""), policy)
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


# the policies of the notebooks and of a person's own folders


def in_folders(**sizes):
    """A manifest of pictures in folders, sorted by folder and class: in_folders(train={"a": 3}, test=...)."""
    listed = pd.concat([manifest(classes).assign(folder=folder) for folder, classes in sorted(sizes.items())])
    return listed.assign(index=range(len(listed)), path=listed["folder"] + "/" + listed["path"]).reset_index(
        drop=True
    )


def chosen(params, name, *overrides):
    """The policy of conf/split/<name>.yaml."""
    return params(f"split={name}", *overrides).dataset.split


def folders_of(listed, table, name):
    return set(listed.set_index("index").loc[rows(table, name), "folder"])


ANIMALS10 = {  # seed 000's files by class
    "train": {"butterfly": 1795, "cat": 1418, "chicken": 2633, "cow": 1586, "dog": 4134, "elephant": 1229,
              "horse": 2230, "sheep": 1547, "spider": 4098, "squirrel": 1583},
    "test": {"butterfly": 317, "cat": 250, "chicken": 465, "cow": 280, "dog": 729, "elephant": 217,
             "horse": 393, "sheep": 273, "spider": 730, "squirrel": 279},
}  # fmt: skip


def test_animals10_has_the_published_sizes(params):
    listed = in_folders(**ANIMALS10)
    table = split(listed, chosen(params, "animals10_published"))
    assert [len(rows(table, name)) for name in SPLITS] == [18_328, 3_925, 3_933]
    assert folders_of(listed, table, "train") == folders_of(listed, table, "val") == {"train"}
    assert folders_of(listed, table, "test") == {"test"}


def test_animals5_has_the_published_sizes(params):
    classes = ["cat", "dog", "elephant", "horse", "lion"]
    listed = in_folders(
        train=dict(zip(classes, [2737, 2627, 2718, 2717, 2675], strict=True)),  # 13,474 in all
        val=dict(zip(classes, [299, 300, 299, 299, 300], strict=True)),  # 1,497
        inf={"cat": 3},
    )
    table = split(listed, chosen(params, "animals5_published"))
    assert [len(rows(table, name)) for name in SPLITS] == [11_453, 2_021, 1_497]
    assert folders_of(listed, table, "test") == {"val"}


def test_batches_of_cifar10_are_taken_as_seed_002_takes_them(params):
    batch = {f"c{number}": 10 for number in range(10)}
    listed = in_folders(**{f"train{number}": batch for number in range(1, 6)}, test=batch)
    table = split(listed, chosen(params, "cifar10_batches"))
    assert folders_of(listed, table, "train") == {"train1", "train3", "train4", "train5"}
    assert folders_of(listed, table, "val") == {"train2"}
    assert folders_of(listed, table, "test") == {"test"}
    assert len(table) == len(listed)


def test_the_last_pictures_of_the_last_batch_select_as_in_seed_003(params):
    listed = in_folders(
        **{f"train{number}": {"a": 10, "b": 10} for number in range(1, 6)}, test={"a": 5, "b": 5}
    )
    # The manifest has each batch sorted by class; the number in the file's name is the official order.
    listed["path"] = [
        f"{folder}/{name}/{2 * row % 20 + (name == 'b'):05d}.png"
        for row, (folder, name) in enumerate(zip(listed["folder"], listed["class"], strict=True))
    ]
    table = split(listed, chosen(params, "cifar10_last5000", "dataset.split.val_last=12"))
    official = listed.assign(name=listed["path"].str[-9:]).sort_values(["folder", "name"])
    last = set(official[official["folder"] != "test"]["index"].tail(12))
    assert set(rows(table, "val")) == last
    assert len(rows(table, "train")) == 88

    first = min(last)  # by its row, whatever its place in the batch
    unreadable = listed.assign(status=["cut off" if row == first else "ok" for row in listed["index"]])
    left = split(unreadable, chosen(params, "cifar10_last5000", "dataset.split.val_last=12"))
    assert set(rows(left, "val")) == last - {first}
    assert rows(left, "train") == rows(table, "train")


@pytest.mark.parametrize("policy", ["animals10_published", "cifar10_batches"])
def test_a_folder_that_is_not_there_is_named_with_those_that_are(params, policy):
    with pytest.raises(DataError, match=r"no picture in folder train.*folders there: here, there"):
        split(in_folders(here={"a": 20, "b": 20}, there={"a": 20, "b": 20}), chosen(params, policy))


def test_own_folders_are_taken_as_they_are(params):
    listed = in_folders(train={"a": 30, "b": 30}, val={"a": 5, "b": 5}, test={"a": 8, "b": 8})
    table = split(listed, chosen(params, "stable"))
    for name in SPLITS:
        assert folders_of(listed, table, name) == {name}
    assert len(table) == len(listed)


def test_a_missing_val_is_dealt_out_of_train(params):
    listed = in_folders(Training={"a": 400, "b": 600}, Testing={"a": 8, "b": 8})
    table = split(listed, chosen(params, "stable"))
    assert folders_of(listed, table, "val") == {"Training"}
    assert folders_of(listed, table, "test") == {"Testing"}
    assert sorted(table["index"]) == list(range(1016))
    assert len(rows(table, "test")) == 16
    assert len(rows(table, "val")) == pytest.approx(150, abs=34)  # three standard deviations


def test_a_missing_test_is_dealt_out_of_train(params):
    listed = in_folders(train={"a": 400, "b": 600}, valid={"a": 8, "b": 8})
    table = split(listed, chosen(params, "stable"))
    assert folders_of(listed, table, "test") == {"train"}
    assert rows(table, "val") == listed.loc[listed["folder"] == "valid", "index"].tolist()
    assert len(rows(table, "test")) == pytest.approx(200, abs=38)


def test_folders_that_are_no_split_are_named(params):
    listed = in_folders(train={"a": 9, "b": 9}, test={"a": 9, "b": 9}, extra={"a": 9})
    with pytest.raises(DataError, match=r"extra, test, train are no split"):
        split(listed, chosen(params, "stable"))


def test_each_fold_tests_on_pictures_of_its_own(params):
    listed = manifest([50, 30])
    tests = [
        rows(split(listed, chosen(params, "kfold", f"dataset.split.fold={k}")), "test") for k in range(5)
    ]
    assert sorted(row for fold in tests for row in fold) == list(range(80))
    table = split(listed, chosen(params, "kfold"))
    assert sorted(table["index"]) == list(range(80))
    assert table[table["split"] == "test"]["class"].value_counts().to_dict() == {"c0": 10, "c1": 6}


def test_another_seed_deals_other_folds(params):
    listed, policy = manifest([50, 30]), chosen(params, "kfold")
    test, again, other = (
        rows(split(listed, policy.model_copy(update={"seed": seed})), "test") for seed in (42, 42, 43)
    )
    assert test == again
    assert test != other


def test_a_fold_that_does_not_exist_and_a_class_too_small_for_the_folds_are_named(params):
    with pytest.raises(DataError, match=r"fold is 5; with 5 folds it goes to 4"):
        split(manifest([50, 30]), chosen(params, "kfold", "dataset.split.fold=5"))
    with pytest.raises(DataError, match=r"class c1 has 4 pictures, fewer than dataset.split.folds 5"):
        split(manifest([50, 4]), chosen(params, "kfold"))


@pytest.mark.parametrize("policy", ["stable", "stratified"])
def test_pictures_that_must_stay_together_do(params, policy):
    listed = manifest([60, 60])
    together = np.arange(120)
    together[:20] = 0
    together[70:90] = 70
    table = split(listed, chosen(params, policy), duplicates=together)
    for group in (range(20), range(70, 90)):
        assert sum(bool(set(group) & set(rows(table, name))) for name in SPLITS) == 1
    assert sorted(table["index"]) == list(range(120))


def test_a_policy_that_deals_itself_cannot_keep_pictures_together():
    with pytest.raises(DataError, match=r"keep_together needs split.policy stratified or stable: keras"):
        split(manifest([60, 60]), keras_policy(), duplicates=np.zeros(120, int))


def test_of_duplicates_one_in_test_stays_else_one_in_val_else_the_first_in_train():
    lines = [
        *((0, "train"), (1, "val"), (2, "test")),  # one of each: test stays, though it comes last
        *((3, "train"), (4, "val")),
        *((5, "train"), (6, "train")),
        *((7, "val"), (8, "val"), (8, "test")),  # in val and in test: both lines stay
        (9, "train"),
    ]
    table = pd.DataFrame(lines, columns=["index", "split"])
    kept, dropped = policies.without_duplicates(table, np.array([0, 0, 0, 3, 3, 5, 5, 7, 7, 9]))
    assert list(kept.itertuples(index=False, name=None)) == [
        *((2, "test"), (4, "val"), (5, "train"), (8, "val"), (8, "test"), (9, "train")),
    ]
    assert dropped["index"].tolist() == [0, 1, 3, 6, 7]
