"""Chunks of pictures decoded by one process or several."""

import hashlib
import tarfile

import numpy as np
import pytest

import broken_pictures
from broken_pictures import HEIGHT, WIDTH, by_pillow
from helpers import hashes, numbered, packed, prepared
from menagerie.archives.layout import find_pictures
from menagerie.archives.reading import MAX_READ_BYTES
from menagerie.prepare import workers


@pytest.mark.parametrize("processes", [1, 2])
def test_two_hundred_damaged_pictures_are_told_from_the_good_ones(tmp_path, monkeypatch, processes):
    monkeypatch.setattr(workers, "POOL_BYTES", 0)
    good, bad = broken_pictures.good(), broken_pictures.bad()
    assert len(bad) > 180
    files = {f"good/{name}": data for name, data in good.items()} | {
        f"bad/{name}": data for name, data in bad.items()
    }
    pictures = find_pictures([packed(tmp_path / "a.tar", files)], "{class}")
    array, manifest = prepared(pictures, tmp_path, max_unreadable=1.0, workers=processes)
    assert manifest["path"].tolist() == sorted(files)
    for row in manifest.itertuples():
        expected = by_pillow(files[row.path])
        assert (row.status == "ok") == (expected is not None), (row.path, row.status)
        assert row.sha256 == hashlib.sha256(files[row.path]).hexdigest()
        if expected is None:
            assert (row.width, row.height, row.mode) == (0, 0, "")
            assert not array[row.Index].any()
        elif expected[1] == (WIDTH, HEIGHT):
            assert (row.width, row.height) == (WIDTH, HEIGHT)
            assert np.array_equal(array[row.Index], expected[0]), row.path
    statuses = manifest.set_index("path")["status"]
    assert (statuses[[f"good/{name}" for name in good]] == "ok").all()
    assert (statuses != "ok").sum() > 120
    assert not statuses.str.contains("0x|\n|/").any()  # no address, no path: the same in every run


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz"])
def test_every_archive_and_number_of_workers_gives_the_same_bytes(tmp_path, monkeypatch, suffix):
    monkeypatch.setattr(workers, "CHUNK_PICTURES", 7)
    files = numbered(100)
    shuffled = dict(sorted(files.items(), key=lambda item: item[0][::-1]))
    pictures = find_pictures([packed(tmp_path / f"a{suffix}", shuffled)], "{class}")
    array, manifest = prepared(pictures, tmp_path / "one", (4, 6))
    monkeypatch.setattr(workers, "POOL_BYTES", 0)
    prepared(pictures, tmp_path / "three", (4, 6), workers=3)
    assert hashes(tmp_path / "one") == hashes(tmp_path / "three")
    assert array.shape == (100, 4, 6, 3)
    assert array.dtype == np.uint8
    assert manifest["path"].tolist() == sorted(files)
    for index, path in enumerate(sorted(files)):
        assert (array[index, :, :, 0] == int(path[-9:-4])).all()
    assert not list((tmp_path / "one" / "work").glob("build*"))


def test_pictures_of_several_archives_are_one_array(tmp_path):
    files = numbered(40)
    halves = [{name: data for name, data in files.items() if name[6] in classes} for classes in ("02", "13")]
    paths = [packed(tmp_path / name, half) for name, half in zip(("b.zip", "a.tar.gz"), halves, strict=True)]
    array, manifest = prepared(find_pictures(paths, "{class}"), tmp_path, (8, 8))
    assert manifest["path"].tolist() == sorted(files)
    assert array[:, 0, 0, 0].tolist() == [int(path[-9:-4]) for path in sorted(files)]


def test_a_member_too_large_for_memory_is_an_unreadable_picture(tmp_path):
    with tarfile.open(packed(tmp_path / "a.tar", numbered(4)), "a") as archive:
        info = tarfile.TarInfo("class 9/huge.bmp")
        info.size = MAX_READ_BYTES + 1
        archive.fileobj.write(info.tobuf())
        archive.fileobj.truncate(archive.fileobj.tell() + info.size + 10_240)
    _, manifest = prepared(find_pictures([tmp_path / "a.tar"], "{class}"), tmp_path, max_unreadable=0.5)
    assert manifest["status"].tolist() == ["ok"] * 4 + ["268,435,457 bytes, more than 268,435,456"]
