import hashlib
import logging
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from base64 import b64encode
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lying_server import PATIENCE, Gate, LyingServer, say, serve, silent

import menagerie.download
from menagerie.download import Remote, fetch, mirror_location
from menagerie.errors import DownloadError

KIB = 1024
BODY = random.Random(0).randbytes(12 * KIB)
OTHER = random.Random(1).randbytes(12 * KIB)
HALF = len(BODY) // 2
ETAG = {"ETag": '"v1"'}
SRC = Path(menagerie.download.__file__).parents[2]
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of POSIX")


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def md5(data):
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def goog_md5(data):
    return b64encode(bytes.fromhex(md5(data))).decode()


def pinned(url, body=BODY, file="a.bin"):
    return Remote(url, file, size=len(body), sha256=sha256(body))


def content_range(first, last, total):
    return {"Content-Range": f"bytes {first}-{last}/{total}"}


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="module")
def running_server():
    with LyingServer().running() as server:
        yield server


@pytest.fixture
def server(running_server):
    running_server.clear()
    return running_server


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


def kept(tmp_path):
    """The unfinished bytes that wait for the next run."""
    return [path.read_bytes() for path in (tmp_path / "work").glob("*.part")]


def assert_nothing_appeared(folder):
    assert list(folder.iterdir()) == []


# the plain case


def test_file_comes_whole_with_its_hashes_and_leaves_no_part(server, get, raw, tmp_path):
    (found,) = get(Remote(server.on("/a", serve(BODY)), "a.bin"))
    assert found.path == raw / "a.bin"
    assert found.path.read_bytes() == BODY
    assert (found.size, found.md5, found.sha256) == (len(BODY), md5(BODY), sha256(BODY))
    assert kept(tmp_path) == []


def test_request_names_the_tool_and_wants_the_stored_bytes(server, get):
    get(pinned(server.on("/a", serve(BODY))))
    (request,) = server.seen
    assert request.headers["user-agent"].startswith("menagerie")
    assert request.headers["accept-encoding"] == "identity"
    assert "range" not in request.headers


def test_empty_file_is_a_file(server, get):
    (found,) = get(pinned(server.on("/a", serve(b"")), b""))
    assert found.path.read_bytes() == b""


def test_chunked_body_without_size_or_hash_comes_whole(server, get):
    (found,) = get(Remote(server.on("/a", say(200, body=BODY, chunked=True)), "a.bin"))
    assert found.path.read_bytes() == BODY


def test_body_compressed_against_our_wish_is_not_unpacked(server, get):
    (found,) = get(pinned(server.on("/a", say(200, {"Content-Encoding": "gzip"}, BODY))))
    assert found.path.read_bytes() == BODY


def test_slow_drip_comes_whole(server, get):
    (found,) = get(pinned(server.on("/a", serve(BODY[:300], piece=1)), BODY[:300]))
    assert found.path.read_bytes() == BODY[:300]


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


# cut bodies and ranges


def test_server_that_cuts_every_kilobyte_still_finishes(server, get, waits):
    (found,) = get(pinned(server.on("/a", serve(BODY, ETAG, cut=KIB))))
    assert found.path.read_bytes() == BODY
    assert server.ranges() == [None] + [f"bytes={n}-" for n in range(KIB, len(BODY), KIB)]
    assert {request.headers.get("if-range") for request in server.seen[1:]} == {'"v1"'}
    assert server.sent == len(BODY)
    assert max(waits) <= 2  # each try gained something, so the waits do not grow


@pytest.mark.parametrize("headers", [{}, {"ETag": 'W/"v1"'}, {"Last-Modified": "Wed, 21 Oct 2015 07:00:00 GMT"}])
def test_cut_body_is_gone_on_from_without_if_range_when_there_is_no_strong_etag(server, get, headers):
    (found,) = get(Remote(server.on("/a", serve(BODY, headers, cut=HALF)), "a.bin"))
    assert found.path.read_bytes() == BODY
    assert server.ranges() == [None, f"bytes={HALF}-"]
    assert "if-range" not in server.seen[1].headers


REST = BODY[HALF:]
LAST = len(BODY) - 1
TRUE_RANGE = content_range(HALF, LAST, len(BODY))
LIES = {
    "200 on Range": say(200, ETAG, BODY),
    "206 of the whole body": say(206, content_range(0, LAST, len(BODY)) | ETAG, BODY),
    "206 of the whole body, called the rest": say(206, TRUE_RANGE | ETAG, BODY),
    "206 of the whole body, called the rest, in chunks": say(206, TRUE_RANGE | ETAG, BODY, chunked=True),
    "206 that starts early": say(206, content_range(HALF - 1, LAST, len(BODY)) | ETAG, BODY[HALF - 1 :]),
    "206 that starts late": say(206, content_range(HALF + 1, LAST, len(BODY)) | ETAG, BODY[HALF + 1 :]),
    "206 with a wrong total": say(206, content_range(HALF, LAST, len(BODY) + 1) | ETAG, REST),
    "206 with an unknown total": say(206, content_range(HALF, LAST, "*") | ETAG, REST),
    "206 with a range that ends after the file": say(206, content_range(HALF, 10**9, len(BODY)) | ETAG, REST),
    "206 in other units": say(206, {"Content-Range": f"items {HALF}-{LAST}/{len(BODY)}"} | ETAG, REST),
    "206 without Content-Range": say(206, ETAG, REST),
    "206 of another version": say(206, TRUE_RANGE | {"ETag": '"v2"'}, OTHER[HALF:]),
    "416 in the middle of the file": say(416, {"Content-Range": f"bytes */{len(BODY)}"}),
    "416 that says nothing": say(416),
}


@pytest.mark.parametrize("with_hash", [True, False])
@pytest.mark.parametrize("lie", LIES)
def test_lie_about_a_range_never_spoils_the_file(server, get, lie, with_hash):
    url = server.on("/a", serve(BODY, ETAG, cut=HALF), LIES[lie], serve(BODY, ETAG))
    (found,) = get(Remote(url, "a.bin", sha256=sha256(BODY) if with_hash else None))
    assert found.path.read_bytes() == BODY
    assert server.ranges()[:2] == [None, f"bytes={HALF}-"]
    assert set(server.ranges()[2:]) <= {None}  # who lied once is asked for no other range


def test_part_with_a_true_head_and_false_bytes_is_found_out_by_the_hash(server, get):
    lie = say(206, TRUE_RANGE | ETAG, BODY[: len(REST)])
    (found,) = get(pinned(server.on("/a", serve(BODY, ETAG, cut=HALF), lie, serve(BODY, ETAG))))
    assert found.path.read_bytes() == BODY
    assert server.ranges() == [None, f"bytes={HALF}-", None]


def test_server_that_starts_over_and_always_cuts_is_given_up(server, get, raw):
    url = server.on("/a", say(200, {"Content-Length": str(len(BODY))}, BODY[:HALF]))
    with pytest.raises(DownloadError, match="cannot go on from there") as caught:
        get(pinned(url))
    assert url in str(caught.value)
    assert len(server.seen) < 20
    assert_nothing_appeared(raw)


def test_server_that_closes_in_the_end_of_a_chunked_body_is_believed_by_the_size(server, get):
    def answer(handler, request):
        handler.head(200, {"Transfer-Encoding": "chunked"})
        handler.body(b"%x\r\n%s\r\n" % (len(BODY), BODY))
        handler.close_connection = True

    (found,) = get(Remote(server.on("/a", answer), "a.bin", size=len(BODY)))
    assert found.path.read_bytes() == BODY
    assert len(server.seen) == 1


def test_body_that_just_ends_is_refused_when_nothing_tells_it_from_a_cut_one(server, get, raw):
    with pytest.raises(DownloadError, match="give its size or a hash"):
        get(Remote(server.on("/a", say(200, body=BODY, framed=False)), "a.bin"))
    assert_nothing_appeared(raw)


@pytest.mark.parametrize("known", [{"size": len(BODY)}, {"sha256": sha256(BODY)}, {"md5": md5(BODY)}])
def test_body_that_just_ends_is_checked_by_size_or_hash(server, get, known):
    url = server.on("/a", say(200, body=BODY[:HALF], framed=False), serve(BODY))
    (found,) = get(Remote(url, "a.bin", **known))
    assert found.path.read_bytes() == BODY


@settings(max_examples=60, deadline=None)
@given(
    cuts=st.lists(st.integers(0, len(BODY) + 1), max_size=12),
    honours_range=st.booleans(),
    etag=st.booleans(),
    with_hash=st.booleans(),
    with_size=st.booleans(),
)
def test_cut_anywhere_the_file_is_right_or_the_error_is_clear(
    running_server, cuts, honours_range, etag, with_hash, with_size
):
    headers = ETAG if etag else {}
    length = {"Content-Length": str(len(BODY))}
    answers = [
        serve(BODY, headers, cut=cut) if honours_range else say(200, headers | length, BODY[:cut])
        for cut in [*cuts, len(BODY)]
    ]
    running_server.clear()
    remote = Remote(
        running_server.on("/a", *answers),
        "a.bin",
        size=len(BODY) if with_size else None,
        sha256=sha256(BODY) if with_hash else None,
    )
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder, "raw")
        try:
            (found,) = fetch([remote], raw, Path(folder, "work"), None, sleep=lambda seconds: None)
        except DownloadError as error:
            assert remote.url in str(error)  # noqa: PT017
            assert_nothing_appeared(raw)
        else:
            assert found.path.read_bytes() == BODY
