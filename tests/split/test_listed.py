"""A split that a person wrote down: policy `file`."""

import pytest

from helpers import SPLITS, manifest, rows
from menagerie.errors import DataError
from menagerie.params.dataset import FileSplit
from menagerie.split.policies import split

LISTED = manifest({"ant": 4, "bär, groß": 4}, unreadable=[3])
SAID = ["train", "val", "test", "none"] * 2


@pytest.fixture
def splits(tmp_path):
    """Writes a CSV; `splits(text)` or, without text, one line for each picture."""

    def write(text=None, encoding="utf-8"):
        if text is None:
            text = "path,split\n" + "".join(map('"{}",{}\n'.format, LISTED["path"], SAID))
        path = tmp_path / "splits.csv"
        path.write_text(text, encoding=encoding)
        return FileSplit(policy="file", path=str(path))

    return write


def changed(old, new):
    text = "path,split\n" + "".join(map('"{}",{}\n'.format, LISTED["path"], SAID))
    assert text.count(old) == 1
    return text.replace(old, new)


def test_each_picture_is_where_its_line_says(splits):
    table = split(LISTED, splits())
    assert [rows(table, name) for name in SPLITS] == [[0, 4], [1, 5], [2, 6]]


def test_columns_may_be_more_and_in_any_order_as_excel_saves_them(splits):
    lines = [f'{said},7,"{path}"' for path, said in zip(LISTED["path"], SAID, strict=True)]
    table = split(LISTED, splits("split,width,path\r\n" + "\r\n".join(reversed(lines)), "utf-8-sig"))
    assert [rows(table, name) for name in SPLITS] == [[0, 4], [1, 5], [2, 6]]


@pytest.mark.parametrize("said", ["", " none", " "])
def test_a_picture_without_a_split_is_left_out(splits, said):
    table = split(LISTED, splits(changed('"bär, groß/0003.png",none', f'"bär, groß/0003.png",{said}')))
    assert 7 not in set(table["index"])
    assert len(table) == 6


def test_an_unreadable_picture_needs_no_line_and_is_in_no_split(splits):
    without = split(LISTED, splits(changed('"ant/0003.png",none\n', "")))
    trained = split(LISTED, splits(changed('"ant/0003.png",none', '"ant/0003.png",train')))
    assert without["index"].tolist() == trained["index"].tolist() == [0, 4, 1, 5, 2, 6]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            changed('"ant/0001.png",val', '"ant/1.png",val'),
            r"splits.csv, line 3: 'ant/1.png' is no picture of the data set; .* such as 'ant/0000.png'",
        ),
        (
            changed('"ant/0001.png",val', '"ant/0001.png",vall'),
            r"splits.csv, line 3: the split of 'ant/0001.png' is 'vall'; expected train, val, test or",
        ),
        (
            changed('"ant/0002.png",test', '"ant/0002.png",test\n"ant/0000.png",test'),
            r"splits.csv, line 5: 'ant/0000.png' stands in line 2 already",
        ),
        (
            "path,split\nant/0000.png,train\nant/0001.png,val\n",
            r"splits.csv: 5 of 8 pictures have no line, such as 'ant/0002.png'; .* with split none",
        ),
        ("path;split\nant/0000.png;train\n", r"line 1: the columns are path;split; expected path and split"),
        ("", r"line 1: the columns are none; expected path and split"),
        (
            "path,split\n" + "".join(map('"{}",val\n'.format, LISTED["path"])),
            r"class ant, bär, groß has no picture in train",
        ),
    ],
    ids=["no picture", "no split", "twice", "no line", "semicolons", "empty", "an empty split"],
)
def test_a_wrong_line_is_told_by_its_number_with_what_was_expected(splits, text, why):
    with pytest.raises(DataError, match=why):
        split(LISTED, splits(text))


def test_a_line_that_is_cut_off_leaves_its_picture_out(splits):
    table = split(LISTED, splits(changed('"bär, groß/0003.png",none', '"bär, groß/0003.png"')))
    assert len(table) == 6


def test_a_file_that_is_not_there_or_no_text_is_told(splits, tmp_path):
    with pytest.raises(DataError, match=r"dataset.split.path is no/such.csv, which is not in "):
        split(LISTED, FileSplit(policy="file", path="no/such.csv"))
    with pytest.raises(DataError, match=r"splits.csv is no CSV in UTF-8 .*; save it as one"):
        split(LISTED, splits(encoding="utf-16"))


def test_the_file_is_asked_for_by_its_key_and_watched(compose):
    assert compose("split=file")["dataset"]["split"]["path"] == "???"
    assert compose("split=file", "dataset.split.path=lists/my.csv")["watch_split"] == "lists/my.csv"
    assert compose("split=stable")["watch_split"] == compose()["watch"]
