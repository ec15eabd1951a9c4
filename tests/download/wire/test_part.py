"""What one run leaves for the next, and what the disk has to say."""

import os
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from lying_server import (
    BODY,
    ETAG,
    HALF,
    OTHER,
    assert_nothing_appeared,
    fail_half_way,
    kept,
    pinned,
    posix,
    say,
    serve,
)
from menagerie.download.wire.fetching import fetch
from menagerie.download.wire.remote import Remote
from menagerie.errors import DownloadError


def test_next_run_goes_on_where_the_first_one_was_given_up(server, get, raw, tmp_path):
    remote = pinned(server.url("/a"))
    fail_half_way(server, get, remote)
    assert_nothing_appeared(raw)
    assert kept(tmp_path) == [BODY[:HALF]]
    server.on("/a", serve(BODY, ETAG))
    get(remote)
    assert (raw / "a.bin").read_bytes() == BODY
    assert server.ranges() == [f"bytes={HALF}-"]
    assert server.sent == len(BODY) - HALF


@pytest.mark.parametrize("headers", [ETAG, {"Last-Modified": "Wed, 21 Oct 2015 07:00:00 GMT"}])
def test_next_run_goes_on_without_a_hash_when_the_server_told_the_version(server, get, raw, headers):
    remote = Remote(server.url("/a"), "a.bin")
    fail_half_way(server, get, remote, headers)
    server.on("/a", serve(BODY, headers))
    get(remote)
    assert (raw / "a.bin").read_bytes() == BODY
    assert server.ranges() == [f"bytes={HALF}-"]


def test_next_run_starts_over_when_nothing_would_tell_another_version(server, get, raw):
    remote = Remote(server.url("/a"), "a.bin", size=len(BODY))
    fail_half_way(server, get, remote, {})
    server.on("/a", serve(OTHER))
    get(remote)
    assert (raw / "a.bin").read_bytes() == OTHER
    assert server.ranges() == [None]


def test_next_run_starts_over_when_the_notes_are_damaged(server, get, raw, tmp_path):
    remote = Remote(server.url("/a"), "a.bin")
    fail_half_way(server, get, remote)
    (notes,) = (tmp_path / "work").glob("*.json")
    notes.write_bytes(notes.read_bytes()[:-20])
    server.on("/a", serve(BODY, ETAG))
    get(remote)
    assert (raw / "a.bin").read_bytes() == BODY
    assert server.ranges() == [None]


@pytest.mark.parametrize("longer_by", [0, 5])
def test_part_file_that_reaches_the_end_or_beyond(server, get, raw, tmp_path, longer_by):
    remote = Remote(server.url("/a"), "a.bin")
    fail_half_way(server, get, remote)
    (part,) = (tmp_path / "work").glob("*.part")
    part.write_bytes(BODY + b"x" * longer_by)
    server.on("/a", serve(BODY, ETAG))
    get(remote)
    assert (raw / "a.bin").read_bytes() == BODY
    assert server.ranges() == [f"bytes={len(BODY) + longer_by}-"] + [None] * bool(longer_by)


@posix
def test_disk_that_fills_up_is_named_with_the_bytes_needed_and_the_part_stays(
    server, get, raw, tmp_path, file_size_limit
):
    remote = Remote(server.on("/a", serve(BODY, ETAG)), "a.bin")
    file_size_limit(HALF)
    with pytest.raises(DownloadError, match=f"needs {len(BODY)} bytes") as caught:
        get(remote)
    file_size_limit(1 << 30)
    assert str(tmp_path / "work") in str(caught.value)
    assert_nothing_appeared(raw)
    get(remote)
    assert (raw / "a.bin").read_bytes() == BODY


def test_read_only_folder_is_named_and_the_bytes_are_kept(server, get, raw, tmp_path):
    raw.mkdir(mode=0o500)
    if os.access(raw, os.W_OK):
        pytest.skip("this user may write everywhere")
    with pytest.raises(DownloadError, match=r"raw.*right to read and write"):
        get(pinned(server.on("/a", serve(BODY))))
    assert_nothing_appeared(raw)
    assert kept(tmp_path) == [BODY]


def test_folder_in_the_place_of_the_file_is_named_and_the_bytes_are_kept(server, get, raw, tmp_path):
    (raw / "a.bin" / "mine").mkdir(parents=True)
    with pytest.raises(DownloadError, match=r"a\.bin"):
        get(pinned(server.on("/a", serve(BODY))))
    assert (raw / "a.bin" / "mine").is_dir()
    assert kept(tmp_path) == [BODY]


@pytest.fixture
def other_file_system(tmp_path):
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system at hand")
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


def test_work_and_folder_may_lie_on_two_file_systems(server, tmp_path, other_file_system):
    (found,) = fetch([pinned(server.on("/a", serve(BODY)))], tmp_path, other_file_system, None)
    assert found.path.read_bytes() == BODY
    assert list(other_file_system.glob("*.part")) == []


def test_bytes_that_are_kept_count_as_room_for_the_file_that_starts_over(
    server, get, raw, tmp_path, monkeypatch
):
    fail_half_way(server, get, remote := pinned(server.url("/a")))

    def disk_usage(folder):  # a disk that has room for this file and not a byte more
        free = len(BODY) - sum(map(len, kept(tmp_path)))
        return SimpleNamespace(free=free)

    monkeypatch.setattr(shutil, "disk_usage", disk_usage)
    server.on("/a", say(200, ETAG, BODY))
    get(remote)
    assert server.ranges() == [f"bytes={HALF}-"]
    assert (raw / "a.bin").read_bytes() == BODY


@pytest.fixture
def synced_when_renamed(monkeypatch):
    """For each name that a file was given by renaming: whether its bytes had been forced to the disk."""
    synced, renamed = set(), {}
    fsync, replace = os.fsync, os.replace

    def noted_fsync(descriptor):
        fsync(descriptor)
        synced.add(os.fstat(descriptor).st_ino)

    def noted_replace(source, target):
        if Path(source).stat().st_dev == Path(target).parent.stat().st_dev:
            renamed[Path(target).name] = Path(source).stat().st_ino in synced
        replace(source, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)
    return renamed


@posix
def test_a_file_is_on_the_disk_before_it_has_its_name(server, get, synced_when_renamed):
    get(pinned(server.on("/a", serve(BODY))))
    assert synced_when_renamed["a.bin"]


@posix
def test_a_file_of_another_file_system_is_on_the_disk_before_it_has_its_name(
    server, tmp_path, synced_when_renamed, other_file_system
):
    fetch([pinned(server.on("/a", serve(BODY)))], tmp_path, other_file_system, None)
    assert synced_when_renamed["a.bin"]


@posix
def test_a_file_of_the_mirror_is_on_the_disk_before_it_has_its_name(get, folder_mirror, synced_when_renamed):
    folder, mirror = folder_mirror
    (folder / "a.bin").write_bytes(BODY)
    get(pinned("https://example.invalid/a"), mirror=mirror)
    assert synced_when_renamed["a.bin"]
