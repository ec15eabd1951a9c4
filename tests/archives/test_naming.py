"""What names of folders and classes say."""

import pytest

from menagerie.archives.naming import check_twins, doubtful, hidden, split_of
from menagerie.errors import DataError


@pytest.mark.parametrize(
    ("split", "names"),
    [
        (
            "train",
            ["seg_train", "images_train", "1_train", "Train", "TRAINING", "training_set", "TrainImages"],
        ),
        ("val", ["valid", "val", "Validation", "dev", "val-set", "imagesVal"]),
        ("test", ["test-set", "Test", "testing", "holdout", "hold-out", "evaluation", "test1", "3 test"]),
        (None, ["cat", "strain", "contest", "trainer", "devil", "train_val", "interval", "seg_pred", ""]),
    ],
)
def test_a_folder_is_a_split_by_one_word_of_its_name(split, names):
    assert {name: split_of(name) for name in names} == dict.fromkeys(names, split)


TWINS = [
    ("Cat", "cat", "U+0043 U+0061 U+0074", "U+0063 U+0061 U+0074"),
    ("Mu\u0308ller", "M\u00fcller", "U+0075 U+0308", "U+00FC"),
    ("red fox", "red  fox", "U+0020 U+0066", "U+0020 U+0020"),
    ("red fox", "red\u00a0fox", "U+0064 U+0020", "U+00A0"),
    ("cat", "cat\u200b", "U+0074)", "U+200B"),
    ("stra\u00dfe", "STRASSE", "U+00DF", "U+0053 U+0053"),
]


@pytest.mark.parametrize(("one", "other", "first", "second"), TWINS)
def test_classes_that_look_alike_are_named_with_code_points_and_the_line_that_joins_them(
    one, other, first, second
):
    with pytest.raises(DataError) as caught:
        check_twins([one, "owl", other])
    message = str(caught.value)
    assert repr(one) in message
    assert repr(other) in message
    assert first in message
    assert second in message
    assert "    class_names: {" in message


def test_the_line_that_joins_two_classes_is_yaml_with_their_very_letters():
    with pytest.raises(DataError) as caught:
        check_twins(["Mu\u0308ller", "M\u00fcller"])
    line = str(caught.value).splitlines()[-1]
    assert line.strip() == 'class_names: {"Mu\\u0308ller": "M\\u00fcller"}'


def test_classes_that_differ_in_more_are_no_twins():
    check_twins(["cat", "cats", "c_at", "caf\u00e9", "cafe", "0", "00", "\u732b", "\u72ac"])


@pytest.mark.parametrize("name", [".git/x.jpg", "a/.x.jpg", "__MACOSX/a/1.jpg", "a/Thumbs.db", "desktop.ini"])
def test_what_systems_make_for_themselves_is_hidden(name):
    assert hidden(name)
    assert not hidden("a/thumbs/1.jpg")


def test_names_that_may_be_no_class_are_told_with_why():
    found = doubtful({"cat": 9, "images": 9, "seg_pred": 9, " dog": 9, "owl": 2, "toy_train": 9})
    assert [line.split(":")[0] for line in found] == [
        "'images'",
        "'seg_pred'",
        "' dog'",
        "'owl'",
        "'toy_train'",
    ]
