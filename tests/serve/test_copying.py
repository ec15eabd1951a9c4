"""Copies by answer: nothing overwritten, no name that a file system refuses or takes for another."""

import os
from pathlib import Path

import pytest

from helpers import packed
from menagerie.serve.answers import UNSURE, Answer
from menagerie.serve.copying import copy, folder_names, safe
from menagerie.serve.inputs import gather
from menagerie.serve.pictures import Picture


def answered(pictures, *names):
    return [
        Answer(one.name, "", name, (name,), (1.0,), "") for one, name in zip(pictures, names, strict=True)
    ]


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def written(folder, **files):
    for name, data in files.items():
        path = folder / name / "1.png"
        path.parent.mkdir(parents=True)
        path.write_bytes(data)
    return [Picture(name, folder / name / "1.png", len(data)) for name, data in files.items()]


def test_two_of_one_name_are_numbered_and_what_is_there_is_never_overwritten(tmp_path):
    pictures = written(tmp_path / "in", a=b"one", b=b"two")
    target = tmp_path / "out"
    (target / "cat").mkdir(parents=True)
    (target / "cat/1.png").write_bytes(b"mine")
    found = answered(pictures, "cat", "cat")
    assert copy(pictures, found, ["cat", "dog"], target) == {"cat": 2}
    assert tree(target) == {"cat/1.png": b"mine", "cat/1_2.png": b"one", "cat/1_3.png": b"two"}
    assert copy(pictures, found, ["cat", "dog"], target) == {}  # the same pictures again
    assert len(tree(target)) == 3


def test_members_of_an_archive_are_copied_and_what_is_unreadable_is_not(tmp_path):
    path = packed(tmp_path / "in.zip", {"x/1.png": b"one", "y/1.png": b"two", "z/2.png": b"three"})
    pictures = gather([str(path)], None, ()).pictures
    found = answered(pictures, "cat", UNSURE, "dog")
    found[2] = found[2]._replace(answer="", problem="broken")
    copy(pictures, found, ["cat", "dog"], tmp_path / "out")
    assert tree(tmp_path / "out") == {"cat/1.png": b"one", "unsure/1.png": b"two"}


def test_a_link_that_stands_where_a_copy_would_is_not_written_through(tmp_path):
    pictures = written(tmp_path / "in", a=b"one")
    (tmp_path / "out/cat").mkdir(parents=True)
    (tmp_path / "out/cat/1.png").symlink_to(tmp_path / "elsewhere")
    copy(pictures, answered(pictures, "cat"), ["cat"], tmp_path / "out")
    assert not (tmp_path / "elsewhere").exists()
    assert (tmp_path / "out/cat/1_2.png").read_bytes() == b"one"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cat", "cat"),
        ("a/b", "a_b"),
        ("..", "_"),
        (".hidden", "_.hidden"),
        ("what?", "what_"),
        ("end. ", "end"),
        ("two\nlines", "two_lines"),
        ("CON", "_CON"),
        ("nul.png", "_nul.png"),
        ("", "_"),
        ("手.png", "手.png"),
    ],
)
def test_a_name_is_one_that_any_file_system_takes(name, expected):
    assert safe(name) == expected


def test_a_long_name_keeps_its_suffix_and_breaks_no_letter():
    name = safe("手" * 100 + ".png")
    assert name == "手" * 66 + ".png"


def test_a_name_that_is_no_utf8_stays_and_can_be_written(tmp_path):
    name = safe(os.fsdecode(b"in\xff.png"))
    (tmp_path / name).write_bytes(b"")
    assert [os.fsencode(path.name) for path in tmp_path.iterdir()] == [b"in\xff.png"]


def test_classes_that_a_file_system_may_take_for_one_have_folders_of_their_own():
    assert folder_names(["Cat", "cat", "a/b", "a_b", "Unsure", UNSURE]) == {
        "Cat": "Cat", "cat": "cat_2", "a/b": "a_b", "a_b": "a_b_2", "Unsure": "Unsure", UNSURE: "unsure_2",
    }  # fmt: skip


def test_a_copy_that_fails_leaves_no_half_file(tmp_path, monkeypatch):
    pictures = written(tmp_path / "in", a=b"one")
    opened = Path.open

    def full(path, mode="r", **options):
        file = opened(path, mode, **options)
        if mode == "xb":
            file.close()  # as a disk that takes no byte more
        return file

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(ValueError, match="closed file"):
        copy(pictures, answered(pictures, "cat"), ["cat"], tmp_path / "out")
    assert tree(tmp_path / "out") == {}
