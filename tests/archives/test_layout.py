"""Which members of an archive are pictures, of which class, and one hash of them all."""

import hashlib
import zipfile

import pandas as pd
import pytest

from helpers import SIGN_DIGITS_ARCHIVE, of_mirror, packed
from menagerie.archives.layout import content_sha256, find_pictures
from menagerie.errors import DataError, ParamsError

TREE = (
    "README.md",
    "stray.png",
    "set/Dataset/dog/a.WebP",
    "set/Dataset/cat/2.jpg",
    "set/Dataset/cat/10.JPG",
    "set/Dataset/cat/notes.txt",
    "set/Dataset/cat/._2.jpg",
    "set/Dataset/.hidden/1.jpg",
    "__MACOSX/set/Dataset/cat/2.jpg",
    "images/train/cat/1.bmp",
    "images/test/cat/1.tiff",
    "images/test/ant/1.tif",
    "images/test/ant/0.gif",
    "images/test/ant/0.jpeg",
)


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        ("Dataset/{class}", [(" cat", "10.JPG 2.jpg"), (" dog", "a.WebP")]),
        (
            "images/{folder}/{class}",
            [("test ant", "0.gif 0.jpeg 1.tif"), ("test cat", "1.tiff"), ("train cat", "1.bmp")],
        ),
        (
            "images/{class}/{folder}",
            [("ant test", "0.gif 0.jpeg 1.tif"), ("cat test", "1.tiff"), ("cat train", "1.bmp")],
        ),
        (
            "{class}",
            [(" ant", "0.gif 0.jpeg 1.tif"), (" cat", "1.tiff 1.bmp 10.JPG 2.jpg"), (" dog", "a.WebP")],
        ),
    ],
)
def test_a_template_is_matched_with_the_folders_right_above_a_picture(tmp_path, folders, expected):
    found = find_pictures([packed(tmp_path / "a.zip", dict.fromkeys(TREE, b""))], folders)
    assert [(f"{picture.folder} {picture.class_name}", picture.path.split("/")[-1]) for picture in found] == [
        (where, name) for where, names in expected for name in names.split()
    ]


def test_a_template_may_end_in_a_folder_that_is_no_class(tmp_path):
    names = ["a/cat/photos/1.png", "a/dog/photos/2.png", "a/dog/drawings/3.png", "a/dog/photos/old/4.png"]
    found = find_pictures([packed(tmp_path / "a.tar", dict.fromkeys(names, b""))], "{class}/photos")
    assert [(picture.class_name, picture.path) for picture in found] == [("cat", names[0]), ("dog", names[1])]


def test_a_template_s_other_parts_stand_for_themselves(tmp_path):
    names = ["v1.0 (new)/cat/1.png", "v1.0 (new)/dog/1.png", "v1x0 new/cat/2.png", "V1.0 (NEW)/cat/3.png"]
    found = find_pictures([packed(tmp_path / "a.zip", dict.fromkeys(names, b""))], "v1.0 (new)/{class}")
    assert [picture.path for picture in found] == names[:2]


NO_TEMPLATES = ["", "Dataset", "{folder}", "{class}/{class}", "{folder}/{folder}/{class}", "/{class}"]
NO_TEMPLATES += ["{class}/", "a{class}", "{Class}", "{split}/{class}"]


@pytest.mark.parametrize("folders", NO_TEMPLATES)
def test_a_template_that_cannot_be_used_is_refused(tmp_path, folders):
    with pytest.raises(ParamsError, match=r"layout\.folders") as caught:
        find_pictures([packed(tmp_path / "a.zip", dict.fromkeys(TREE, b""))], folders)
    assert repr(folders) in str(caught.value)


def test_no_picture_is_an_error_that_shows_the_template_and_what_there_is(tmp_path):
    path = packed(tmp_path / "a.zip", dict.fromkeys(TREE, b""))
    with pytest.raises(DataError) as caught:
        find_pictures([path], "photos/{class}")
    message = str(caught.value)
    assert str(path) in message
    assert "'photos/{class}'" in message
    assert "'images/test/ant/0.gif'" in message
    assert "README" not in message  # five names are shown, those of pictures first


def test_one_class_is_an_error_that_names_it(tmp_path):
    path = packed(tmp_path / "a.zip", dict.fromkeys(["set/cat/1.png", "set/cat/2.png"], b""))
    with pytest.raises(DataError, match="every picture is of class 'cat'"):
        find_pictures([path], "{class}")


def test_one_path_in_two_archives_is_an_error_that_names_both(tmp_path):
    paths = [
        packed(tmp_path / name, dict.fromkeys(["cat/1.png", "dog/1.png"], b"")) for name in ("a.zip", "b.tar")
    ]
    with pytest.raises(DataError, match=r"a\.zip and .*b\.tar both hold 'cat/1.png'"):
        find_pictures(paths, "{class}")


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz"])
def test_the_content_hash_is_that_of_the_sorted_lines(tmp_path, suffix):
    files = {"top/b/2.png": b"two", "top/a/10.png": b"ten", "top/a/9.png": b"nine", "top/README": b"?"}
    lines = "".join(
        f"{hashlib.sha256(files[f'top/{name}']).hexdigest()}  {name}\n"
        for name in ("a/10.png", "a/9.png", "b/2.png")
    )
    pictures = find_pictures([packed(tmp_path / f"a{suffix}", files)], "{class}")
    assert content_sha256(pictures) == hashlib.sha256(lines.encode()).hexdigest()


def test_the_content_hash_tells_folders_apart(tmp_path):
    here = packed(tmp_path / "a.zip", {"train/a/1.png": b"1", "test/b/1.png": b"2"})
    there = packed(tmp_path / "b.zip", {"test/a/1.png": b"1", "train/b/1.png": b"2"})
    template = "{folder}/{class}"
    assert content_sha256(find_pictures([here], template)) != content_sha256(find_pictures([there], template))


def test_sign_digits_are_what_their_authors_published(mirror):
    pictures = of_mirror(mirror, SIGN_DIGITS_ARCHIVE, "Dataset/{class}")
    counts = pd.Series([picture.class_name for picture in pictures]).value_counts().sort_index()
    assert counts.index.tolist() == list("0123456789")
    assert counts.tolist() == [205, 206, 206, 206, 207, 207, 207, 206, 208, 204]
    assert content_sha256(pictures) == "30d0ee3c8599928f6f98281a33826ca56fa9382069785bea8716221a344b606f"


def test_classes_are_renamed_and_sorted_by_their_new_names(tmp_path):
    with zipfile.ZipFile(tmp_path / "own.zip", "w") as archive:
        for name in ("cane/1.png", "ragno/1.png", "mucca/1.png"):
            archive.writestr(name, b"")
    pictures = find_pictures([tmp_path / "own.zip"], "{class}", {"cane": "dog", "mucca": "cow"})
    assert [picture.class_name for picture in pictures] == ["cow", "dog", "ragno"]
