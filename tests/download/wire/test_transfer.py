"""One remote: already there, copied from a folder or a mirror, or left to the wire."""

import random

import pytest

from helpers import md5, sha256
from lying_server import (
    BODY,
    ETAG,
    HALF,
    OTHER,
    assert_nothing_appeared,
    fail_half_way,
    pinned,
    posix,
    say,
    serve,
)
from menagerie.download.wire.remote import Remote
from menagerie.errors import DownloadError


def test_file_already_there_and_right_is_not_asked_for(server, get, raw):
    raw.mkdir()
    (raw / "a.bin").write_bytes(BODY)
    (found,) = get(pinned(server.on("/a", say(500))))
    assert (found.size, found.sha256) == (len(BODY), sha256(BODY))
    assert server.seen == []


def test_file_already_there_and_wrong_is_replaced(server, get, raw):
    raw.mkdir()
    (raw / "a.bin").write_bytes(OTHER)
    get(pinned(server.on("/a", serve(BODY))))
    assert (raw / "a.bin").read_bytes() == BODY


def test_file_address_is_copied(get, raw, tmp_path):
    source = tmp_path / "my pictures é.zip"
    source.write_bytes(BODY)
    (found,) = get(Remote(source.as_uri(), "a.bin", md5=md5(BODY)))
    assert found.path.read_bytes() == BODY
    assert (found.md5, found.sha256) == (md5(BODY), sha256(BODY))


def test_file_address_of_no_file_is_named(get, raw, tmp_path):
    with pytest.raises(DownloadError, match=r"gone\.zip is not there"):
        get(Remote((tmp_path / "gone.zip").as_uri(), "a.bin"))
    assert_nothing_appeared(raw)


def test_file_in_the_mirror_needs_no_network(server, get, raw, folder_mirror):
    folder, mirror = folder_mirror
    (folder / "l'été 猫 #1 100%.zip").write_bytes(BODY)
    remote = Remote(server.on("/a", say(500)), "l'été 猫 #1 100%.zip", md5=md5(BODY), sha256=sha256(BODY))
    (found,) = get(remote, mirror=mirror)
    assert found.path.read_bytes() == BODY
    assert (found.size, found.md5, found.sha256) == (len(BODY), md5(BODY), sha256(BODY))
    assert server.seen == []


def test_file_that_the_mirror_has_not_comes_from_the_network(server, get, raw, folder_mirror):
    get(pinned(server.on("/a", serve(BODY))), mirror=folder_mirror[1])
    assert (raw / "a.bin").read_bytes() == BODY


@pytest.mark.parametrize("wrong", [OTHER, BODY[:-1], BODY + b"x", b""])
def test_wrong_file_in_the_mirror_is_an_error_that_names_it(server, get, raw, folder_mirror, wrong):
    folder, mirror = folder_mirror
    (folder / "a.bin").write_bytes(wrong)
    with pytest.raises(DownloadError, match="unset MENAGERIE_MIRROR") as caught:
        get(pinned(server.on("/a", serve(BODY))), mirror=mirror)
    assert str(folder / "a.bin") in str(caught.value)
    assert server.seen == []
    assert_nothing_appeared(raw)


def test_mirror_file_of_another_size_is_wrong_when_only_the_size_is_known(server, get, folder_mirror):
    folder, mirror = folder_mirror
    (folder / "a.bin").write_bytes(BODY[:-1])
    with pytest.raises(DownloadError, match=f"expected size {len(BODY)}, got {len(BODY) - 1}"):
        get(Remote(server.on("/a", serve(BODY)), "a.bin", size=len(BODY)), mirror=mirror)


def test_folder_in_the_place_of_a_mirror_file_is_named(server, get, folder_mirror):
    folder, mirror = folder_mirror
    (folder / "a.bin").mkdir()
    with pytest.raises(DownloadError) as caught:
        get(pinned(server.on("/a", serve(BODY))), mirror=mirror)
    assert str(folder / "a.bin") in str(caught.value)


def test_file_of_many_blocks_is_copied_whole(get, folder_mirror):
    folder, mirror = folder_mirror
    content = random.Random(2).randbytes((5 << 20) + 1)
    (folder / "a.bin").write_bytes(content)
    (found,) = get(Remote("https://example.invalid/a", "a.bin", md5=md5(content)), mirror=mirror)
    assert found.path.read_bytes() == content
    assert found.sha256 == sha256(content)


def test_mirror_with_an_address(server, get, raw):
    server.on("/mirror/my%20cats%20%231.zip", serve(BODY, ETAG, cut=HALF))
    remote = pinned(server.on("/a", say(500)), file="my cats #1.zip")
    get(remote, mirror=server.url("/mirror/"))
    assert (raw / "my cats #1.zip").read_bytes() == BODY
    assert {request.path for request in server.seen} == {"/mirror/my%20cats%20%231.zip"}


def test_bytes_of_the_network_are_no_start_of_a_mirror_file_that_no_hash_proves(server, get, raw):
    remote = Remote(server.url("/a"), "a.bin")
    fail_half_way(server, get, remote)
    server.on("/mirror/a.bin", serve(OTHER, ETAG))  # another file that happens to carry the same tag
    get(remote, mirror=server.url("/mirror"))
    assert (raw / "a.bin").read_bytes() == OTHER


def test_mirror_without_the_file_leaves_it_to_the_network(server, get, raw):
    remote = pinned(server.url("/a"))
    fail_half_way(server, get, remote)
    server.on("/a", serve(BODY, ETAG))
    get(remote, mirror=server.url("/mirror"))
    assert (raw / "a.bin").read_bytes() == BODY
    assert [request.path for request in server.seen] == ["/mirror/a.bin", "/a"]
    assert server.sent == HALF  # what the network sent before the mirror was set still counts


@pytest.mark.parametrize("answer", [serve(OTHER), say(500), say(403)])
def test_mirror_that_fails_is_an_error_and_no_silent_fallback(server, get, raw, answer):
    address = server.on("/mirror/a.bin", answer)
    with pytest.raises(DownloadError, match="unset MENAGERIE_MIRROR") as caught:
        get(pinned(server.on("/a", serve(BODY))), mirror=server.url("/mirror"))
    assert address in str(caught.value)
    assert "/a" not in {request.path for request in server.seen}
    assert_nothing_appeared(raw)


@posix
def test_disk_that_fills_up_while_a_mirror_file_is_copied_leaves_nothing(
    get, raw, folder_mirror, file_size_limit
):
    folder, mirror = folder_mirror
    (folder / "a.bin").write_bytes(BODY)
    file_size_limit(HALF)
    with pytest.raises(DownloadError, match=f"needs {len(BODY)} bytes"):
        get(pinned("https://example.invalid/a"), mirror=mirror)
    file_size_limit(1 << 30)
    assert_nothing_appeared(raw)
