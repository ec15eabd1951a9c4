"""What MENAGERIE_MIRROR may say."""

from pathlib import Path

import pytest

from menagerie.errors import DownloadError
from menagerie.mirror import mirror_location


@pytest.mark.parametrize("value", [None, ""])
def test_no_mirror(value, tmp_path):
    assert mirror_location(value, tmp_path) is None


def test_mirror_is_an_address_as_it_stands_or_a_folder_of_the_main_repository(tmp_path):
    (tmp_path / "m").mkdir()
    address = (tmp_path / "m").resolve().as_uri()
    assert mirror_location("https://mirror.example.org/m", tmp_path) == "https://mirror.example.org/m"
    assert mirror_location("m", tmp_path) == address
    assert mirror_location(str(tmp_path / "m"), Path("elsewhere")) == address
    assert mirror_location(address, Path("elsewhere")) == address


def test_mirror_may_lie_in_the_home_folder(tmp_path, monkeypatch):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    (tmp_path / "mirror").mkdir()
    assert mirror_location("~/mirror", Path("elsewhere")) == (tmp_path / "mirror").resolve().as_uri()


@pytest.mark.parametrize("value", ["nowhere", "s3://bucket/m", "file:///no/such/folder"])
def test_mirror_folder_that_is_not_there_is_an_error(value, tmp_path):
    with pytest.raises(DownloadError, match="MENAGERIE_MIRROR"):
        mirror_location(value, tmp_path)
