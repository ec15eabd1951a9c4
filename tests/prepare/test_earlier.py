"""Pictures decoded once stay decoded, whatever is added, removed or renamed beside them."""

import json

import numpy as np
import pytest

from helpers import hashes, numbered, packed, prepared
from menagerie.archives.layout import find_pictures
from menagerie.prepare import workers


@pytest.fixture
def decoded(monkeypatch):
    """How many pictures were decoded, in this process."""
    seen, decode = [], workers.decode

    def counted(*arguments):
        seen.append(arguments[0])
        return decode(*arguments)

    monkeypatch.setattr(workers, "decode", counted)
    return seen


def pictures_of(folder, files):
    folder.mkdir(exist_ok=True)
    return find_pictures([packed(folder / "a.zip", files)], "{class}")


def test_one_picture_more_decodes_one(tmp_path, decoded):
    files = numbered(60)
    new = {"class 2/00001b.png": numbered(62)["class 1/00061.png"]}
    prepared(pictures_of(tmp_path / "first", files), tmp_path)
    assert len(decoded) == 60
    prepared(pictures_of(tmp_path / "second", files | new), tmp_path)
    assert len(decoded) == 61
    prepared(pictures_of(tmp_path / "second", files | new), tmp_path / "anew")
    assert hashes(tmp_path) == hashes(tmp_path / "anew")


def test_removed_renamed_and_packed_otherwise_none_is_decoded(tmp_path, decoded):
    files = numbered(60)
    prepared(pictures_of(tmp_path / "first", files), tmp_path)
    fewer = {name.replace("class 3", "a new name"): data for name, data in list(files.items())[7:]}
    archive = packed(tmp_path / "other.tar.gz", fewer)
    array, manifest = prepared(find_pictures([archive], "{class}"), tmp_path)
    assert len(decoded) == 60
    again, _ = prepared(find_pictures([archive], "{class}"), tmp_path / "anew")
    np.testing.assert_array_equal(array, again)
    assert set(manifest["class"]) == {"class 0", "class 1", "class 2", "a new name"}


@pytest.mark.parametrize("change", [{"size": (16, 16)}, {"resize": "crop"}], ids=str)
def test_another_form_decodes_all(tmp_path, decoded, change):
    pictures = pictures_of(tmp_path / "first", numbered(20))
    prepared(pictures, tmp_path)
    prepared(pictures, tmp_path, **change)
    assert len(decoded) == 40


def test_a_row_that_somebody_wrote_over_is_decoded_again(tmp_path, decoded):
    """The kept array is the very file that lies in the output folder."""
    pictures = pictures_of(tmp_path / "first", numbered(20))
    before, _ = prepared(pictures, tmp_path)
    opened = np.load(tmp_path / "out/images.npy", mmap_mode="r+")
    opened[3] = 0
    opened.flush()
    after, _ = prepared(pictures, tmp_path)
    np.testing.assert_array_equal(after, before)
    assert len(decoded) == 21


@pytest.mark.parametrize(
    "damage",
    [
        lambda kept: (kept / "images.npy").unlink(),
        lambda kept: (kept / "known.json").write_text("{", encoding="utf-8"),
        lambda kept: (kept / "known.json").write_text("[]", encoding="utf-8"),
        lambda kept: np.save(kept / "images.npy", np.zeros(3)),
    ],
    ids=["no array", "a cut list", "another list", "another array"],
)
def test_what_cannot_be_read_is_not_used(tmp_path, decoded, damage):
    pictures = pictures_of(tmp_path / "first", numbered(20))
    before, _ = prepared(pictures, tmp_path)
    damage(tmp_path / "work/earlier")
    after, _ = prepared(pictures, tmp_path)
    np.testing.assert_array_equal(after, before)
    assert len(decoded) == 40


def test_what_is_kept_takes_no_room_of_its_own(tmp_path):
    prepared(pictures_of(tmp_path / "first", numbered(20)), tmp_path)
    assert (tmp_path / "work/earlier/images.npy").samefile(tmp_path / "out/images.npy")
    assert len(json.loads((tmp_path / "work/earlier/known.json").read_text())["files"]) == 20
