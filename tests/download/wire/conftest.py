"""A download into `raw`, whose waits between two tries are noted and not waited."""

import pytest

from menagerie.download.wire.fetching import fetch
from menagerie.mirror import mirror_location


@pytest.fixture(autouse=True)
def _no_proxy(no_proxy):
    """No test is to leave this machine."""


@pytest.fixture
def waits():
    """The seconds that the downloader would have waited between its tries."""
    return []


@pytest.fixture
def get(tmp_path, waits):
    def get(*remotes, mirror=None):
        return fetch(remotes, tmp_path / "raw", tmp_path / "work", mirror, sleep=waits.append)

    return get


@pytest.fixture
def raw(tmp_path):
    return tmp_path / "raw"


@pytest.fixture
def folder_mirror(tmp_path):
    folder = tmp_path / "the mirror"
    folder.mkdir()
    return folder, mirror_location("the mirror", tmp_path)


@pytest.fixture
def file_size_limit():
    """Call it with a number of bytes: no file may grow longer, as on a full disk."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
