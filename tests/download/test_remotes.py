"""Files of a source, from the mirror that the environment names."""

import pytest

from lying_server import BODY, OTHER, pinned, serve
from menagerie.download.remotes import fetch_remotes


@pytest.mark.parametrize("relative", [False, True])
def test_a_damaged_file_of_the_folder_that_is_the_mirror_itself_is_replaced(
    server, tmp_path, monkeypatch, relative
):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "mirror"
    folder.mkdir()
    monkeypatch.setenv("MENAGERIE_MIRROR", "mirror" if relative else folder.as_uri())
    (folder / "a.bin").write_bytes(OTHER)
    (entry,) = fetch_remotes([pinned(server.on("/a", serve(BODY)))], folder)
    assert (folder / "a.bin").read_bytes() == BODY
    assert entry["url"] == server.url("/a")


def test_another_mirror_comes_before_the_network(server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("mirror", "raw"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("MENAGERIE_MIRROR", "mirror")
    (tmp_path / "mirror" / "a.bin").write_bytes(BODY)
    fetch_remotes([pinned(server.on("/a", serve(OTHER)))], tmp_path / "raw")
    assert (tmp_path / "raw" / "a.bin").read_bytes() == BODY
    assert server.seen == []
