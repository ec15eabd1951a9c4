"""What is asked for: names, addresses and hashes."""

import random

import pytest

from helpers import md5, sha256
from lying_server import BODY, ETAG, OTHER, assert_nothing_appeared, fail_half_way, kept, serve
from menagerie.download.wire import remote
from menagerie.download.wire.remote import Remote
from menagerie.errors import DownloadError


def test_two_remotes_never_share_a_part(server, get, raw):
    fail_half_way(server, get, Remote(server.url("/a"), "a.bin", sha256=sha256(BODY)))
    server.on("/a", serve(OTHER, ETAG))
    get(Remote(server.url("/a"), "a.bin", sha256=sha256(OTHER)))
    assert (raw / "a.bin").read_bytes() == OTHER
    assert server.ranges() == [None]


@pytest.mark.parametrize(("kind", "value"), [("md5", md5(OTHER)), ("sha256", sha256(OTHER))])
def test_wrong_hash_names_both_and_removes_the_part(server, get, raw, tmp_path, kind, value):
    url = server.on("/a", serve(BODY))
    got = md5(BODY) if kind == "md5" else sha256(BODY)
    with pytest.raises(
        DownloadError, match=f"expected {kind} {value}, got {got}.*MENAGERIE_MIRROR"
    ) as caught:
        get(Remote(url, "a.bin", **{kind: value}))
    assert url in str(caught.value)
    assert len(server.seen) == 1
    assert_nothing_appeared(raw)
    assert kept(tmp_path) == []


@pytest.mark.parametrize("hashes", [{"md5": md5(BODY).upper()}, {"sha256": sha256(BODY).upper()}])
def test_hash_in_capitals_is_the_same_hash(server, get, raw, hashes):
    (found,) = get(Remote(server.on("/a", serve(BODY)), "a.bin", **hashes))
    assert (raw / "a.bin").read_bytes() == BODY
    assert found.sha256 == sha256(BODY)
    assert len(server.seen) == 1


class LateHashes:
    """Hashes so slowly that nothing is done before it is waited for; `most` bytes waited at once."""

    def __init__(self):
        self.waiting, self.most = 0, 0

    def executor(self, threads):
        return self

    def submit(self, update, data):
        self.waiting += len(data)
        self.most = max(self.most, self.waiting)
        return _Late(self, update, data)


class _Late:
    def __init__(self, late, update, data):
        self.late, self.update, self.data = late, update, data

    def result(self):
        self.late.waiting -= len(self.data)
        self.update(self.data)


def test_bytes_that_wait_for_a_slow_hash_do_not_fill_the_memory(monkeypatch):
    late = LateHashes()
    monkeypatch.setattr(remote, "ThreadPoolExecutor", late.executor)
    digests = remote.Digests(md5=False)
    block, count = random.Random(0).randbytes(remote.HASHED_AT_ONCE), 40
    for _ in range(count):
        digests.update(block)
    assert late.most == remote.MOST_HELD + remote.HASHED_AT_ONCE
    assert digests.hex() == {"sha256": sha256(block * count)}


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../a", "a/b", "/a", "a/", "..\\a", "a\\b", "C:\\a", "C:a", "a\0b", "a\nb"]
)
def test_name_that_is_no_plain_file_name_is_refused(name):
    with pytest.raises(DownloadError, match="no plain file name"):
        Remote("https://example.org/a", name)


@pytest.mark.parametrize(
    "url", ["", "a.zip", "/a", "ftp://example.org/a", "https://", "https:///a", "s3://b/a"]
)
def test_address_of_another_kind_is_refused(url):
    with pytest.raises(DownloadError, match="is no address"):
        Remote(url, "a")


@pytest.mark.parametrize("hashes", [{"md5": "md5:" + md5(BODY)}, {"sha256": md5(BODY)}, {"sha256": ""}])
def test_hash_that_is_none_is_refused(hashes):
    with pytest.raises(DownloadError, match="hexadecimal digits"):
        Remote("https://example.org/a", "a", **hashes)
