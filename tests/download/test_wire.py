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
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import menagerie.download
import menagerie.files
from lying_server import PATIENCE, Gate, LyingServer, say, serve, silent
from menagerie.download.wire import fetching
from menagerie.download.wire.fetching import fetch
from menagerie.download.wire.remote import Remote
from menagerie.errors import DownloadError
from menagerie.mirror import mirror_location

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
    """The unfinished bytes that wait for the next run; their notes, written aside and renamed, are none."""
    parts = (tmp_path / "work").glob("*.part")
    return [path.read_bytes() for path in parts if not path.name.endswith(".json.part")]


def assert_nothing_appeared(folder):
    assert list(folder.iterdir()) == []


# the plain case


def test_file_comes_whole_with_its_hashes_and_leaves_no_part(server, get, raw, tmp_path):
    (found,) = get(Remote(server.on("/a", serve(BODY)), "a.bin"))
    assert found.path == raw / "a.bin"
    assert found.path.read_bytes() == BODY
    assert (found.size, found.md5, found.sha256) == (len(BODY), None, sha256(BODY))
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


@pytest.mark.parametrize(
    "headers", [{}, {"ETag": 'W/"v1"'}, {"Last-Modified": "Wed, 21 Oct 2015 07:00:00 GMT"}]
)
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
    "206 of the whole body, called the rest, and cut": say(
        206, TRUE_RANGE | ETAG | {"Content-Length": str(len(BODY))}, BODY[:KIB]
    ),
    "206 of the whole body, called the rest, in chunks": say(206, TRUE_RANGE | ETAG, BODY, chunked=True),
    "206 that starts early": say(206, content_range(HALF - 1, LAST, len(BODY)) | ETAG, BODY[HALF - 1 :]),
    "206 that starts late": say(206, content_range(HALF + 1, LAST, len(BODY)) | ETAG, BODY[HALF + 1 :]),
    "206 with a wrong total": say(206, content_range(HALF, LAST, len(BODY) + 1) | ETAG, REST),
    "206 with an unknown total": say(206, content_range(HALF, LAST, "*") | ETAG, REST),
    "206 with a range that ends after the file": say(
        206, content_range(HALF, 10**9, len(BODY)) | ETAG, REST, chunked=True
    ),
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
    whole_came = lie == "200 on Range"
    assert server.ranges()[2:] == ([] if whole_came else [None])  # who lied is asked for no other range


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


# what one run leaves for the next


def fail_half_way(server, get, remote, headers=ETAG):
    """A first run that the server ends for good at half of the file."""
    server.on("/a", serve(BODY, headers, cut=HALF), say(503))
    with pytest.raises(DownloadError, match="7 tries in a row gained nothing"):
        get(remote)
    server.clear()


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


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(serve(OTHER, {"ETag": '"v2"'}), id="server that reads If-Range"),
        pytest.param(say(206, TRUE_RANGE | {"ETag": '"v2"'}, OTHER[HALF:]), id="server that does not"),
        pytest.param(say(206, TRUE_RANGE, OTHER[HALF:]), id="server that tells no version any more"),
    ],
)
def test_file_changed_between_runs_is_fetched_anew(server, get, raw, answer):
    remote = Remote(server.url("/a"), "a.bin")
    fail_half_way(server, get, remote)
    server.on("/a", answer, serve(OTHER, {"ETag": '"v2"'}))
    get(remote)
    assert (raw / "a.bin").read_bytes() == OTHER
    assert server.seen[0].headers["if-range"] == '"v1"'


def test_stale_bytes_are_dropped_once_when_the_hash_does_not_fit(server, get, raw):
    remote = pinned(server.url("/a"), OTHER)
    fail_half_way(server, get, remote)
    server.on("/a", serve(OTHER, ETAG))
    get(remote)
    assert (raw / "a.bin").read_bytes() == OTHER
    assert server.ranges() == [f"bytes={HALF}-", None]


def test_stale_bytes_are_dropped_only_once(server, get, raw, tmp_path):
    remote = pinned(server.url("/a"), OTHER)
    fail_half_way(server, get, remote)
    server.on("/a", serve(BODY, ETAG))
    with pytest.raises(DownloadError, match=f"expected sha256 {sha256(OTHER)}, got {sha256(BODY)}"):
        get(remote)
    assert server.ranges() == [f"bytes={HALF}-", None]
    assert_nothing_appeared(raw)
    assert kept(tmp_path) == []


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


def test_finished_file_waits_in_work_while_another_one_fails(server, get, raw, tmp_path):
    gate = Gate()
    first = pinned(server.on("/a", serve(BODY)))
    second = pinned(server.on("/b", silent(gate), say(404)), OTHER, "b.bin")

    def open_when_first_is_complete():
        assert gate.reached.wait(PATIENCE)
        wait_until(lambda: BODY in kept(tmp_path))
        gate.open.set()

    opener = threading.Thread(target=open_when_first_is_complete)
    opener.start()
    with pytest.raises(DownloadError, match="404"):
        get(first, second)
    opener.join()
    assert_nothing_appeared(raw)
    server.on("/b", serve(OTHER))
    server.seen.clear()
    get(first, second)
    assert (raw / "a.bin").read_bytes() == BODY
    assert (raw / "b.bin").read_bytes() == OTHER
    assert [request.path for request in server.seen] == ["/b"]


def test_two_remotes_never_share_a_part(server, get, raw):
    fail_half_way(server, get, Remote(server.url("/a"), "a.bin", sha256=sha256(BODY)))
    server.on("/a", serve(OTHER, ETAG))
    get(Remote(server.url("/a"), "a.bin", sha256=sha256(OTHER)))
    assert (raw / "a.bin").read_bytes() == OTHER
    assert server.ranges() == [None]


# errors of the server


def test_growing_waits_between_tries_that_gain_nothing(server, get, raw, waits):
    get(pinned(server.on("/a", say(500), say(502), say(504), serve(BODY))))
    assert (raw / "a.bin").read_bytes() == BODY
    assert [1, 2, 4] <= waits <= [2, 3, 5]


def test_server_that_stays_broken_is_given_up(server, get, raw, waits):
    with pytest.raises(DownloadError, match=r"HTTP 500; 7 tries .* MENAGERIE_MIRROR"):
        get(pinned(server.on("/a", say(500))))
    assert len(server.seen) == 7
    assert all(shorter < longer for shorter, longer in pairwise(waits))
    assert_nothing_appeared(raw)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ("7", 7),
        ("0", 0),
        ("Wed, 21 Oct 2015 07:30:00 GMT", 120),  # the server's clock says 07:28:00
        ("Wed, 21 Oct 2015 07:00:00 GMT", 0),
    ],
)
def test_retry_after_is_obeyed(server, get, raw, waits, status, asked, seconds):
    get(pinned(server.on("/a", say(status, {"Retry-After": asked}), serve(BODY))))
    assert (raw / "a.bin").read_bytes() == BODY
    assert waits == [seconds]


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "soon"}, {"Retry-After": "-5"}])
def test_429_without_a_time_waits_as_for_any_error(server, get, waits, headers):
    get(pinned(server.on("/a", say(429, headers), serve(BODY))))
    assert 1 <= waits[0] <= 2


def test_longer_wait_than_a_user_has_patience_for_is_an_error(server, get, waits):
    with pytest.raises(DownloadError, match="asks to wait 3600 s"):
        get(pinned(server.on("/a", say(429, {"Retry-After": "3600"}))))
    assert waits == []


def test_user_is_told_of_a_long_wait(server, get, caplog):
    get(pinned(server.on("/a", say(429, {"Retry-After": "60"}), serve(BODY))))
    assert "a.bin: HTTP 429; next try in 60 s" in caplog.text


@pytest.mark.parametrize(
    ("status", "why"),
    [(400, ""), (401, "login"), (403, "refuses"), (404, "moved or is gone"), (410, "removed")],
)
def test_refusal_fails_at_once_and_says_what_to_do(server, get, raw, status, why):
    url = server.on("/a", say(status))
    with pytest.raises(DownloadError, match=f"HTTP {status}.*{why}.*'a.bin'.*MENAGERIE_MIRROR") as caught:
        get(pinned(url))
    assert url in str(caught.value)
    assert len(server.seen) == 1
    assert_nothing_appeared(raw)


def test_connection_refused_is_tried_again_and_named(get):
    with socket.socket() as taken:  # bound and not listening: nobody answers there
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/a"
        with pytest.raises(DownloadError, match=r"ConnectError.*7 tries") as caught:
            get(pinned(url))
    assert url in str(caught.value)


@pytest.mark.parametrize("answer", [lambda gate: silent(gate), lambda gate: serve(BODY, cut=HALF, gate=gate)])
def test_dead_server_runs_into_the_timeout_and_another_try(server, get, raw, monkeypatch, answer):
    monkeypatch.setattr(fetching, "TIMEOUT", httpx.Timeout(0.2))
    gate = Gate()
    get(pinned(server.on("/a", answer(gate), serve(BODY))))
    gate.open.set()
    assert (raw / "a.bin").read_bytes() == BODY
    assert len(server.seen) == 2


def test_no_http_at_all_is_an_error(server, get):
    def answer(handler, request):
        handler.wfile.write(b"220 ftp.example.org ready\r\n")
        handler.close_connection = True

    with pytest.raises(DownloadError, match="RemoteProtocolError"):
        get(pinned(server.on("/a", answer)))


# wrong bytes


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


def test_hash_in_capitals_is_the_same_hash(server, get):
    get(Remote(server.on("/a", serve(BODY)), "a.bin", md5=md5(BODY).upper()))


def test_longer_file_than_expected_fails_before_it_is_sent(server, get, raw):
    with pytest.raises(DownloadError, match=f"sends {len(BODY)} bytes, expected {HALF}"):
        get(Remote(server.on("/a", serve(BODY)), "a.bin", size=HALF))
    assert len(server.seen) == 1
    assert_nothing_appeared(raw)


def test_longer_body_than_expected_fails_when_it_passes_the_size(server, get, raw, tmp_path):
    with pytest.raises(DownloadError, match=f"longer than the {HALF} bytes expected"):
        get(Remote(server.on("/a", say(200, body=BODY, chunked=True)), "a.bin", size=HALF))
    assert_nothing_appeared(raw)
    assert kept(tmp_path) == []


@pytest.mark.parametrize("chunked", [True, False])
def test_shorter_file_than_expected_is_tried_again_and_given_up(server, get, raw, chunked):
    url = server.on("/a", say(200, body=BODY[:HALF], chunked=chunked))
    with pytest.raises(DownloadError, match=f"{HALF} .*{len(BODY)}|cut 7 times"):
        get(Remote(url, "a.bin", size=len(BODY)))
    assert 7 <= len(server.seen) <= 20
    assert_nothing_appeared(raw)


@pytest.mark.parametrize("header", ["md5={}", "crc32c=AAAAAA==,md5={}"])
def test_md5_that_the_server_announces_is_checked(server, get, raw, header):
    url = server.on("/a", say(200, {"X-Goog-Hash": header.format(goog_md5(OTHER))}, BODY))
    with pytest.raises(
        DownloadError, match=rf"md5 \(announced by the server\) {md5(OTHER)}, got {md5(BODY)}"
    ):
        get(Remote(url, "a.bin"))
    assert_nothing_appeared(raw)
    server.on("/a", say(200, {"X-Goog-Hash": header.format(goog_md5(BODY))}, BODY))
    get(Remote(url, "a.bin"))
    assert (raw / "a.bin").read_bytes() == BODY


def test_announced_md5_is_kept_for_the_next_run(server, get, raw):
    remote = Remote(server.url("/a"), "a.bin")
    fail_half_way(server, get, remote, {"X-Goog-Hash": f"md5={goog_md5(BODY)}"})
    server.on("/a", say(206, TRUE_RANGE, OTHER[HALF:]), serve(BODY))
    get(remote)
    assert (raw / "a.bin").read_bytes() == BODY


# addresses


def test_redirect_is_followed_with_its_range_and_the_last_hash(server, get, raw):
    server.on("/store", serve(BODY, {"X-Goog-Hash": f"md5={goog_md5(BODY)}"} | ETAG, cut=HALF))
    url = server.on("/a", say(302, {"Location": "/store", "X-Goog-Hash": f"md5={goog_md5(OTHER)}"}))
    get(Remote(url, "a.bin"))
    assert (raw / "a.bin").read_bytes() == BODY
    assert [request.path for request in server.seen] == ["/a", "/store"] * 2
    assert server.ranges() == [None, None, f"bytes={HALF}-", f"bytes={HALF}-"]


@pytest.mark.parametrize("location", ["/a", "ftp://127.0.0.1/a", "file:///etc/hostname"])
def test_redirect_that_leads_nowhere_fails_at_once(server, get, raw, waits, location):
    with pytest.raises(DownloadError, match="MENAGERIE_MIRROR"):
        get(pinned(server.on("/a", say(302, {"Location": location}))))
    assert waits == []
    assert_nothing_appeared(raw)


def test_proxy_of_the_environment_is_used(server, get, raw, monkeypatch):
    monkeypatch.setenv("http_proxy", server.url())
    server.on("http://pictures.invalid/a", serve(BODY))
    get(pinned("http://pictures.invalid/a"))
    assert (raw / "a.bin").read_bytes() == BODY


def test_proxy_that_cannot_be_used_is_named(get, monkeypatch):
    monkeypatch.setenv("all_proxy", "gopher://127.0.0.1")
    with pytest.raises(DownloadError, match="ALL_PROXY"):
        get(pinned("http://127.0.0.1/a"))


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


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../a", "a/b", "/a", "a/", "..\\a", "a\\b", "C:\\a", "C:a", "a\0b", "a\nb"]
)
def test_name_that_is_no_plain_file_name_is_refused(name):
    with pytest.raises(DownloadError, match="no plain file name"):
        Remote("https://example.org/a", name)


@pytest.mark.parametrize("name", ["a.zip", "my cats.zip", "l'été.zip", "猫.zip", "..a", "a..", ".hidden"])
def test_odd_but_plain_names_are_taken(server, get, raw, name):
    get(Remote(server.on("/a", serve(BODY)), name))
    assert (raw / name).read_bytes() == BODY


@pytest.mark.parametrize(
    "url", ["", "a.zip", "/a", "ftp://example.org/a", "https://", "https:///a", "s3://b/a"]
)
def test_address_of_another_kind_is_refused(url):
    with pytest.raises(DownloadError, match="is no address"):
        Remote(url, "a")


def test_address_that_cannot_be_parsed_is_refused(get):
    with pytest.raises(DownloadError, match="port"):
        get(Remote("http://127.0.0.1:port/a", "a"))


@pytest.mark.parametrize("hashes", [{"md5": "md5:" + md5(BODY)}, {"sha256": md5(BODY)}, {"sha256": ""}])
def test_hash_that_is_none_is_refused(hashes):
    with pytest.raises(DownloadError, match="hexadecimal digits"):
        Remote("https://example.org/a", "a", **hashes)


def test_two_files_of_one_name_are_refused(get):
    with pytest.raises(DownloadError, match=r"A\.bin, a\.bin"):
        get(Remote("https://example.org/1", "a.bin"), Remote("https://example.org/2", "A.bin"))


# the mirror


@pytest.fixture
def folder_mirror(tmp_path):
    folder = tmp_path / "the mirror"
    folder.mkdir()
    return folder, mirror_location("the mirror", tmp_path)


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


@pytest.mark.parametrize("value", ["nowhere", "s3://bucket/m", "file:///no/such/folder"])
def test_mirror_folder_that_is_not_there_is_an_error(value, tmp_path):
    with pytest.raises(DownloadError, match="MENAGERIE_MIRROR"):
        mirror_location(value, tmp_path)


# several files, several runs


def test_four_files_come_at_once_and_no_more(server, get, raw):
    four, together, most = threading.Barrier(4), [], []

    def answer(handler, request):
        together.append(request)
        most.append(len(together))
        four.wait(PATIENCE)  # nobody is served before four ask
        together.remove(request)
        serve(BODY)(handler, request)

    get(*(pinned(server.on(f"/{n}", answer), file=f"{n}.bin") for n in range(8)))
    assert sorted(path.name for path in raw.iterdir()) == [f"{n}.bin" for n in range(8)]
    assert max(most) == 4


def test_files_are_reported_in_the_order_asked_for(server, get):
    remotes = [pinned(server.on(f"/{n}", serve(BODY)), file=f"{n}.bin") for n in (3, 1, 2)]
    assert [found.path.name for found in get(*remotes)] == ["3.bin", "1.bin", "2.bin"]


def wait_for_the_end_of_all_downloads():
    wait_until(lambda: all(thread.name != "download" for thread in threading.enumerate()))


def test_first_error_ends_the_other_files_too(server, get, raw, tmp_path):
    gates = [Gate() for _ in range(3)]

    def missing(handler, request):
        assert all(gate.reached.wait(PATIENCE) for gate in gates)
        say(404)(handler, request)

    remotes = [pinned(server.on("/missing", missing), file="missing.bin")]
    for n, gate in enumerate(gates):
        remotes.append(pinned(server.on(f"/{n}", serve(BODY, ETAG, cut=HALF, gate=gate)), file=f"{n}.bin"))
    remotes.append(pinned(server.on("/fifth", serve(BODY)), file="fifth.bin"))
    with pytest.raises(DownloadError, match="404"):  # while the gates are shut
        get(*remotes)
    for gate in gates:
        gate.open.set()
    wait_for_the_end_of_all_downloads()
    assert "/fifth" not in {request.path for request in server.seen}
    assert_nothing_appeared(raw)
    server.seen.clear()
    server.on("/missing", serve(BODY))
    get(*remotes)
    assert {path.read_bytes() for path in raw.iterdir()} == {BODY}


@posix
def test_first_error_ends_a_copy_from_the_mirror_too(server, get, raw, folder_mirror):
    folder, mirror = folder_mirror
    os.mkfifo(folder / "a.bin")  # a file that is read as slowly as the test wants
    opened, failed = threading.Event(), threading.Event()

    def fill():
        with suppress(BrokenPipeError), (folder / "a.bin").open("wb") as pipe:
            opened.set()
            failed.wait(PATIENCE)
            pipe.write(BODY)

    def missing(handler, request):
        assert opened.wait(PATIENCE)
        say(404)(handler, request)

    filler = threading.Thread(target=fill)
    filler.start()
    with pytest.raises(DownloadError, match="404"):
        get(
            Remote("https://example.invalid/a", "a.bin"),
            pinned(server.on("/b", missing), file="b.bin"),
            mirror=mirror,
        )
    failed.set()
    filler.join()
    wait_for_the_end_of_all_downloads()
    assert_nothing_appeared(raw)


class Heard(logging.Handler):
    """An event: something was logged that holds the word."""

    def __init__(self, word):
        super().__init__()
        self.word, self.event = word, threading.Event()

    def emit(self, record):
        if self.word in record.getMessage():
            self.event.set()


@pytest.mark.parametrize("same_folder", [True, False])
def test_two_runs_that_fetch_one_remote_take_turns(server, tmp_path, same_folder):
    gate, waiting = Gate(), Heard("another run is fetching it")
    remote = pinned(server.on("/a", serve(BODY, cut=HALF, gate=gate), serve(BODY)))
    folders = [tmp_path / "raw", tmp_path / ("raw" if same_folder else "other")]
    runs = [threading.Thread(target=fetch, args=([remote], to, tmp_path / "work", None)) for to in folders]
    logger = logging.getLogger(menagerie.files.__name__)
    logger.addHandler(waiting)
    try:
        runs[0].start()
        assert gate.reached.wait(PATIENCE)
        runs[1].start()
        assert waiting.event.wait(PATIENCE)
    finally:
        gate.open.set()
        for run in runs:
            run.join()
        logger.removeHandler(waiting)
    assert {(folder / "a.bin").read_bytes() for folder in folders} == {BODY}
    assert len(server.seen) == (1 if same_folder else 2)


# killed, interrupted


CHILD = """
import signal
import sys
from pathlib import Path
from menagerie.download.wire import fetching
from menagerie.download.wire.fetching import fetch
from menagerie.download.wire.remote import Remote
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs are started without
url, size, sha256, raw, work = sys.argv[1:]
fetch([Remote(url, "a.bin", int(size), sha256=sha256)], Path(raw), Path(work), None)
"""


def start_child(remote, tmp_path):
    arguments = [remote.url, str(remote.size), remote.sha256, tmp_path / "raw", tmp_path / "work"]
    environment = os.environ | {"PYTHONPATH": str(SRC)}
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, *map(str, arguments)],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@posix
@pytest.mark.parametrize(
    "sent",
    [None, 0, 1, HALF, len(BODY) - 1, len(BODY), *random.Random(0).sample(range(2, len(BODY) - 1), 4)],
)
def test_killed_at_any_point_the_next_run_ends_with_the_right_bytes(server, get, raw, tmp_path, sent):
    gate = Gate()
    answer = silent(gate) if sent is None else serve(BODY, ETAG, cut=sent, gate=gate)
    remote = pinned(server.on("/a", answer, serve(BODY, ETAG)))
    child = start_child(remote, tmp_path)
    assert gate.reached.wait(PATIENCE)
    if sent and sent < len(BODY):
        wait_until(lambda: kept(tmp_path) == [BODY[:sent]])
    child.kill()
    child.communicate()
    gate.open.set()
    if sent != len(BODY):  # then it may have ended before it was killed
        assert_nothing_appeared(raw)
    server.seen.clear()
    get(remote)
    assert (raw / "a.bin").read_bytes() == BODY
    if sent and sent < len(BODY):
        assert server.ranges() == [f"bytes={sent}-"]


@posix
@pytest.mark.parametrize("sent", [None, HALF])
def test_ctrl_c_ends_the_run_though_the_server_is_silent_and_keeps_the_part(server, get, raw, tmp_path, sent):
    gate = Gate()
    answer = silent(gate) if sent is None else serve(BODY, ETAG, cut=sent, gate=gate)
    remote = pinned(server.on("/a", answer, serve(BODY, ETAG)))
    child = start_child(remote, tmp_path)
    assert gate.reached.wait(PATIENCE)
    if sent:
        wait_until(lambda: kept(tmp_path) == [BODY[:sent]])
    child.send_signal(signal.SIGINT)
    _, messages = child.communicate(timeout=PATIENCE)  # the gate is shut: nothing but the signal ends it
    gate.open.set()
    assert child.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in messages
    server.seen.clear()
    get(remote)
    assert (raw / "a.bin").read_bytes() == BODY
    assert server.ranges() == [f"bytes={sent}-" if sent else None]


# the disk


@pytest.fixture
def file_size_limit():
    """Call it with a number of bytes: no file may grow longer, as on a full disk."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


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


def test_file_that_cannot_fit_fails_before_it_is_sent(server, get, raw):
    with pytest.raises(DownloadError, match=f"a.bin needs {10**18} bytes"):
        get(Remote(server.on("/a", say(200, {"Content-Length": str(10**18)})), "a.bin"))
    assert len(server.seen) == 1
    assert_nothing_appeared(raw)


@pytest.mark.parametrize("name", ["raw", "work"])
def test_file_in_the_place_of_a_folder_is_named(server, get, tmp_path, name):
    (tmp_path / name).write_text("in the way")
    with pytest.raises(DownloadError, match=name):
        get(pinned(server.on("/a", serve(BODY))))
    assert (tmp_path / name).read_text() == "in the way"
    assert server.seen == []


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


def test_work_and_folder_may_lie_on_two_file_systems(server, tmp_path):
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system at hand")
    with tempfile.TemporaryDirectory(dir=memory) as work:
        (found,) = fetch([pinned(server.on("/a", serve(BODY)))], tmp_path, Path(work), None)
        assert found.path.read_bytes() == BODY
        assert list(Path(work).glob("*.part")) == []


# the bar


@posix
def test_bar_on_a_terminal_counts_the_bytes_and_nothing_is_shown_elsewhere(server, get, monkeypatch, capsys):
    get(pinned(server.on("/a", serve(BODY))))
    assert capsys.readouterr() == ("", "")
    termios = pytest.importorskip("termios")
    master, terminal = os.openpty()
    termios.tcsetwinsize(master, (24, 100))
    with os.fdopen(terminal, "w") as stderr, monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", stderr)
        get(pinned(server.on("/b", serve(BODY)), file="b.bin"))
        shown = os.read(master, 1 << 16).decode()
    os.close(master)
    assert "100%" in shown
    assert "12.0k/12.0k" in shown
