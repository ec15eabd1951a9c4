"""Every file of a folder, and the fingerprint by which a change is seen."""

import os
import sys

import pytest

from menagerie.archives.scanning import fingerprint, scan
from menagerie.errors import DataError

posix = pytest.mark.skipif(sys.platform == "win32", reason="links")


@pytest.fixture
def own(tmp_path):
    for name in ("own/cat/1.jpg", "own/dog/1", "own/notes.txt", "store/2.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"\xff\xd8\xff" + name.encode())
    return tmp_path / "own"


CHANGES = {
    "added": lambda own: (own / "cat/2.jpg").write_bytes(b"x"),
    "removed": lambda own: (own / "dog/1").unlink(),
    "renamed": lambda own: (own / "dog/1").rename(own / "dog/2"),
    "longer": lambda own: (own / "cat/1.jpg").write_bytes(b"another"),
    "touched": lambda own: os.utime(own / "cat/1.jpg", (1, 1)),
    "a folder more": lambda own: (own / "owl").mkdir(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_every_change_changes_the_fingerprint_and_nothing_else_does(own, change):
    before = fingerprint(str(own))
    assert fingerprint(str(own)) == before
    change(own)
    assert fingerprint(str(own))["sha256"] != before["sha256"]


def test_files_and_bytes_are_counted(own):
    sizes = [path.stat().st_size for path in own.rglob("*") if path.is_file()]
    found = fingerprint(str(own))
    assert (found["files"], found["bytes"]) == (3, sum(sizes))


@posix
def test_what_changes_behind_a_link_to_a_folder_is_seen(own):
    (own / "owl").symlink_to(own.parent / "store", target_is_directory=True)
    before = fingerprint(str(own))
    assert "owl/2.jpg" in [file.name for file in scan(str(own))]
    (own.parent / "store/3.jpg").write_bytes(b"x")
    assert fingerprint(str(own))["files"] == before["files"] + 1


def test_a_folder_that_is_gone_is_named(tmp_path):
    with pytest.raises(DataError, match="but there is no such folder"):
        fingerprint(str(tmp_path / "gone"))
