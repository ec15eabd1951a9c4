"""One address of a server that cuts, stalls and lies."""

import socket
import tempfile
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import md5, sha256
from lying_server import (
    BODY,
    ETAG,
    HALF,
    KIB,
    LAST,
    OTHER,
    REST,
    TRUE_RANGE,
    Gate,
    assert_nothing_appeared,
    content_range,
    fail_half_way,
    goog_md5,
    kept,
    pinned,
    say,
    serve,
    silent,
)
from menagerie.download.wire import fetching
from menagerie.download.wire.fetching import fetch
from menagerie.download.wire.remote import Remote
from menagerie.errors import DownloadError


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
    with pytest.raises(DownloadError, match="cut 7 times by a server that cannot go on from there") as caught:
        get(pinned(url))
    assert url in str(caught.value)
    assert server.ranges() == [None] + [f"bytes={HALF}-"] * 7  # the last one shows that it started over
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


@pytest.mark.parametrize("status", [408, 425, 429, 503])
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


@pytest.mark.parametrize(
    ("chunked", "why", "requests"),
    [
        (True, "cut 7 times by a server that cannot go on from there", 8),
        (False, f"the server sends {HALF} bytes, expected {len(BODY)}; 7 tries in a row gained nothing", 7),
    ],
)
def test_shorter_file_than_expected_is_tried_again_and_given_up(server, get, raw, chunked, why, requests):
    url = server.on("/a", say(200, body=BODY[:HALF], chunked=chunked))
    with pytest.raises(DownloadError, match=why):
        get(Remote(url, "a.bin", size=len(BODY)))
    assert len(server.seen) == requests
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


def test_address_that_cannot_be_parsed_is_refused(get):
    with pytest.raises(DownloadError, match="port"):
        get(Remote("http://127.0.0.1:port/a", "a"))


def test_file_that_cannot_fit_fails_before_it_is_sent(server, get, raw):
    with pytest.raises(DownloadError, match=f"a.bin needs {10**18} bytes"):
        get(Remote(server.on("/a", say(200, {"Content-Length": str(10**18)})), "a.bin"))
    assert len(server.seen) == 1
    assert_nothing_appeared(raw)
