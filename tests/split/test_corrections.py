"""Labels that a person put right: `dataset.labels_fixed`."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import SPLITS, keras_policy, manifest, rows, stratified
from menagerie.errors import DataError
from menagerie.params.dataset import KFoldSplit, StableSplit
from menagerie.split.corrections import changes, corrected, read_corrections
from menagerie.split.policies import split

CLASSES = ["ant", "bär, groß", "cat"]
LISTED = manifest(dict.fromkeys(CLASSES, 20), unreadable=[3]).assign(folder="")
FIXED = {"ant/0000.png": "cat", "bär, groß/0001.png": "ant", "ant/0003.png": "cat", "cat/0000.png": "cat"}


@pytest.fixture
def written(tmp_path):
    """Writes a CSV and gives its path as the setting has it."""

    def write(text, encoding="utf-8"):
        path = tmp_path / "fixed.csv"
        path.write_text(text, encoding=encoding)
        return str(path)

    return write


def as_csv(said):
    return "path,class\n" + "".join(map('"{}","{}"\n'.format, said, said.values()))


def test_the_pictures_listed_get_the_class_said_and_no_others(written):
    said = read_corrections(written(as_csv(FIXED)), LISTED)
    assert said == FIXED
    before = split(LISTED, stratified())
    after = corrected(before, said, CLASSES)
    known = dict(zip(after["path"], zip(after["class"], after["label"], strict=True), strict=True))
    assert known["ant/0000.png"] == ("cat", 2)
    assert known["bär, groß/0001.png"] == ("ant", 0)
    others = ~before["path"].isin(FIXED)
    pd.testing.assert_frame_equal(after[others], before[others])


def test_what_changed_is_told_with_the_label_as_it_came():
    """A line may say what the label is already; an unreadable picture has a label, too."""
    assert changes(LISTED, FIXED).to_dict("records") == [
        {"path": "ant/0000.png", "class": "ant", "corrected": "cat"},
        {"path": "ant/0003.png", "class": "ant", "corrected": "cat"},
        {"path": "bär, groß/0001.png", "class": "bär, groß", "corrected": "ant"},
    ]
    assert changes(LISTED, {}).empty


@pytest.mark.parametrize(
    "policy",
    [
        stratified(),
        keras_policy(),
        KFoldSplit(policy="kfold", seed=42, folds=4, fold=1, val=0.2),
        StableSplit(policy="stable", seed=42, val=0.2, test=0.2),
    ],
    ids=lambda policy: policy.policy,
)
@given(said=st.dictionaries(st.sampled_from(sorted(LISTED["path"])), st.sampled_from(CLASSES)))
@settings(deadline=None)
def test_whatever_is_put_right_no_picture_changes_its_split(policy, said):
    before = split(LISTED, policy)
    after = corrected(before, said, CLASSES)
    assert [rows(after, part) for part in SPLITS] == [rows(before, part) for part in SPLITS]
    assert [CLASSES[label] for label in after["label"]] == after["class"].tolist()
    assert after["label"].dtype == before["label"].dtype


def test_without_a_file_nothing_is_said():
    assert read_corrections(None, LISTED) == {}


def test_an_edited_list_of_the_audit_is_read_as_excel_saves_it(written):
    text = "suggested,path,class,score\r\ncat,ant/0001.png, cat ,-0.9\r\n"
    assert read_corrections(written(text, "utf-8-sig"), LISTED) == {"ant/0001.png": "cat"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("path,class\nant/1.png,cat\n", r"fixed.csv, line 2: 'ant/1.png' is no picture of the data set"),
        (
            "path,class\nant/0001.png,cat\nant/0002.png,bat\n",
            r"fixed.csv, line 3: of 'ant/0002.png': unknown class 'bat'; did you mean 'cat'\? known: ant",
        ),
        ("path,class\nant/0001.png\n", r"fixed.csv, line 2: of 'ant/0001.png': unknown class ''; known: ant"),
        (
            "path,class\nant/0001.png,cat\nant/0001.png,ant\n",
            r"fixed.csv, line 3: 'ant/0001.png' stands in line 2 already",
        ),
        ("path,label\nant/0001.png,cat\n", r"line 1: the columns are path, label; expected path and class"),
    ],
    ids=["no picture", "no class", "cut off", "twice", "columns"],
)
def test_a_wrong_line_is_told_by_its_number_with_what_was_expected(written, text, why):
    with pytest.raises(DataError, match=why):
        read_corrections(written(text), LISTED)


def test_a_file_that_is_not_there_is_told_with_its_key():
    with pytest.raises(
        DataError, match=r"dataset.labels_fixed is no/such.csv, which is not in .*; give a path"
    ):
        read_corrections("no/such.csv", LISTED)


def test_the_file_is_watched_by_dvc_and_without_one_a_file_that_does_not_change(compose):
    for path in ("fixed.csv", "/home/me/my labels [1].csv", "../ü/fixed.v2.csv"):
        assert compose(f"dataset.labels_fixed='{path}'")["watch_labels"] == path
    assert compose()["watch_labels"] == "src/stages/__init__.py"
