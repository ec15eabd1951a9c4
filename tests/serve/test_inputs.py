"""What inputs mean, hostile ones too: every picture in its order, nothing lost without a word."""

import io
import os
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from broken_pictures import encoded
from helpers import packed, picture
from menagerie.errors import DataError
from menagerie.serve.inputs import gather, told

CLASSES = ("cat", "dog")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(*names, data=None):
    for name in names:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture() if data is None else data)


def gathered(*inputs, names=b""):
    return gather(inputs, io.BytesIO(names), CLASSES)


def names_of(found):
    return [one.name for one in found.pictures]


def problems(found):
    return {one.name: one.problem for one in found.pictures if one.problem}


def test_inputs_keep_their_order_and_a_folder_is_walked_by_name():
    put("z.png", "in/b/2.png", "in/a.png", "in/b/1.png")
    assert names_of(gathered("z.png", "in", "z.png")) == [
        "z.png", "in/a.png", "in/b/1.png", "in/b/2.png", "z.png",
    ]  # fmt: skip


def test_a_picture_is_known_by_content_and_what_is_none_is_counted_by_suffix():
    put("in/picture.data", "in/.hidden.png")
    put("in/notes.txt", "in/more.txt", "in/code.py", data=b"words")
    found = gathered("in")
    assert names_of(found) == ["in/picture.data"]
    assert told(found.passed_over) == "1 hidden, 1 no picture (.py), 2 no picture (.txt)"


def test_a_file_named_by_itself_is_taken_for_a_picture_whatever_it_is():
    put("notes.pdf", data=b"words")
    assert names_of(gathered("notes.pdf")) == ["notes.pdf"]


def test_a_glob_matches_pictures_and_counts_the_rest():
    put("in/1.png", "in/deep/2.png")
    put("in/notes.txt", data=b"words")
    found = gathered("in/**/*.*")
    assert (names_of(found), told(found.passed_over)) == (
        ["in/1.png", "in/deep/2.png"],
        "1 no picture (.txt)",
    )
    with pytest.raises(DataError, match=r"no file matches 'none/\*'"):
        gathered("none/*")


def test_a_file_whose_name_looks_like_a_glob_is_that_file():
    put("a[1].png", "a1.png")
    assert names_of(gathered("a[1].png")) == ["a[1].png"]


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz"])
def test_an_archive_is_read_as_it_lies(suffix):
    files = {"pets/dog/2.png": picture(), "pets/cat/1.png": picture(), "pets/READ.me": b"words"}
    packed(Path(f"pets{suffix}"), files)
    found = gathered(f"pets{suffix}")
    assert names_of(found) == [f"pets{suffix}/pets/dog/2.png", f"pets{suffix}/pets/cat/1.png"]
    assert [one.label for one in found.pictures] == ["dog", "cat"]
    assert told(found.passed_over) == "1 no picture (.me)"


def test_a_folder_of_archives_alone_gives_their_pictures_and_beside_pictures_they_are_counted():
    Path("in").mkdir()
    packed(Path("in/a.zip"), {"1.png": picture()})
    assert names_of(gathered("in")) == ["in/a.zip/1.png"]
    put("in/b.png")
    found = gathered("in")
    assert (names_of(found), told(found.passed_over)) == (["in/b.png"], "1 archive beside pictures")


def test_a_zip_with_a_name_that_points_out_of_it_is_refused_and_the_rest_goes_on():
    with zipfile.ZipFile("bad.zip", "w") as archive:
        archive.writestr("../1.png", picture())
    put("good.png")
    found = gathered("bad.zip", "good.png")
    assert names_of(found) == ["bad.zip", "good.png"]
    assert "has a `..` part" in problems(found)["bad.zip"]


def test_a_list_names_files_of_the_working_folder_or_beside_it_and_missing_ones_are_told():
    put("1.png", "lists/2.png")
    put("lists/all.txt", data=b"\xef\xbb\xbf1.png\r\n\n2.png\ngone.png\n")
    found = gathered("lists/all.txt")
    assert names_of(found) == ["1.png", "lists/2.png", "lists/gone.png"]
    assert problems(found) == {"lists/gone.png": "not there"}


def test_a_picture_called_as_a_list_is_a_picture():
    put("picture.txt")
    assert names_of(gathered("picture.txt")) == ["picture.txt"]


def test_standard_input_gives_names_with_newlines_where_nul_ends_them():
    put("1.png", "two\nlines.png")
    assert names_of(gathered("-", names=b"1.png\n")) == ["1.png"]
    assert names_of(gathered("-", names=b"1.png\0two\nlines.png\0")) == ["1.png", "two\nlines.png"]


def test_names_that_are_no_utf8_are_shown_by_their_escapes_and_read():
    with open(os.fsencode("in") + b"\xff.png", "wb") as file:  # noqa: PTH123 - a Path is text
        file.write(picture())
    (found,) = gathered("in\udcff.png").pictures
    assert found.name == "in\\xff.png"
    assert found.path.read_bytes() == picture()


def test_a_loop_of_links_ends_and_a_link_to_nowhere_is_a_problem_only_if_called_a_picture():
    put("in/cat/1.png")
    Path("in/cat/up").symlink_to(Path("in").resolve())
    Path("in/cat/self").symlink_to("self")
    Path("in/gone.png").symlink_to("nowhere")
    found = gathered("in")
    assert names_of(found) == ["in/cat/1.png", "in/gone.png"]
    assert problems(found) == {"in/gone.png": "link that leads nowhere, or no file"}
    assert told(found.passed_over) == "1 link that leads nowhere, or no file"


def test_a_folder_called_as_a_picture_is_a_folder_and_a_pipe_is_not_waited_for():
    put("in/x.jpg/1.png")
    os.mkfifo("in/pipe.png")
    found = gathered("in")
    assert names_of(found) == ["in/pipe.png", "in/x.jpg/1.png"]
    assert list(problems(found)) == ["in/pipe.png"]


def test_an_empty_folder_and_a_name_that_is_not_there_are_errors():
    Path("empty").mkdir()
    with pytest.raises(DataError, match=r"'empty': no picture, by content or by a suffix .* but no file"):
        gathered("empty")
    with pytest.raises(DataError, match="'gone' is not there; name a picture, folder"):
        gathered("gone")


def test_folders_called_as_classes_label_what_is_below_them_and_others_do_not():
    put("in/train/cat/1.png", "in/dog/deep/2.png", "in/cow/3.png", "in/4.png", "in/cat/dog/5.png")
    labels = {one.name: one.label for one in gathered("in").pictures}
    assert labels == {
        "in/train/cat/1.png": "cat",
        "in/dog/deep/2.png": "dog",
        "in/cow/3.png": "",
        "in/4.png": "",
        "in/cat/dog/5.png": "",  # two classes say two things
    }


def test_the_working_folder_labels_as_any_other_and_a_decomposed_name_is_its_class():
    put("cafe\u0301/1.png")
    (found,) = gather(["."], io.BytesIO(), ["caf\u00e9", "tea"]).pictures
    assert (found.name, found.label) == ("cafe\u0301/1.png", "caf\u00e9")


def test_a_picture_named_by_itself_has_no_label():
    put("cat/1.png")
    assert gathered("cat/1.png").pictures[0].label == ""


def test_a_jpeg_in_an_archive_without_suffix_is_known_by_its_first_bytes():
    jpeg = encoded(Image.new("RGB", (8, 8)), "JPEG")
    packed(Path("a.zip"), {"one": jpeg, "two": b"words"})
    found = gathered("a.zip")
    assert (names_of(found), told(found.passed_over)) == (["a.zip/one"], "1 no picture (no suffix)")
