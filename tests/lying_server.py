"""A real HTTP server on 127.0.0.1 that answers as it is told: right, cut, late or false."""

import random
import re
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from helpers import md5, sha256
from menagerie.download.wire.remote import Remote
from menagerie.errors import DownloadError

PATIENCE = 30  # seconds before a wait for the other side counts as a failure


class LyingServer(ThreadingHTTPServer):
    """Answers each path by its script; `seen` holds the requests, `sent` the body bytes in all."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.lock = threading.Lock()
        self.scripts: dict[str, list[Answer]] = {}
        self.seen: list[Request] = []
        self.sent = 0
        self.errors: list[BaseException | None] = []

    def on(self, path: str, *answers: "Answer") -> str:
        """Give these answers in turn, the last one ever after; returns the address of `path`."""
        with self.lock:
            self.scripts[path] = list(answers)
        return self.url(path)

    def url(self, path: str = "") -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"

    def next_answer(self, request: "Request") -> "Answer":
        with self.lock:
            self.seen.append(request)
            script = self.scripts.get(request.path, [say(404)])
            return script.pop(0) if len(script) > 1 else script[0]

    def ranges(self) -> list[str | None]:
        return [request.headers.get("range") for request in self.seen]

    def clear(self) -> None:
        with self.lock:
            self.scripts, self.seen, self.sent = {}, [], 0

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exception()
        if not isinstance(error, ConnectionError):  # a client that was killed
            self.errors.append(error)

    @contextmanager
    def running(self) -> Iterator["LyingServer"]:
        thread = threading.Thread(target=self.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield self
        finally:
            self.shutdown()
            thread.join()
            self.server_close()
        assert self.errors == []


@dataclass
class Request:
    path: str
    headers: dict[str, str]  # lower-case names

    def first_byte(self) -> int | None:
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("range", ""))
        return int(asked[1]) if asked else None


@dataclass
class Gate:
    """Stops an answer: `reached` tells that it stands there, `open` lets it go on."""

    reached: threading.Event = field(default_factory=threading.Event)
    open: threading.Event = field(default_factory=threading.Event)

    def wait(self) -> None:
        self.reached.set()
        self.open.wait(PATIENCE)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: LyingServer

    def do_GET(self) -> None:
        request = Request(self.path, {name.lower(): value for name, value in self.headers.items()})
        self.server.next_answer(request)(self, request)

    def log_message(self, *args: Any) -> None:
        pass

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def date_time_string(self, timestamp: float | None = None) -> str:
        return "Wed, 21 Oct 2015 07:28:00 GMT"  # the server's clock stands still

    def body(self, data: bytes) -> None:
        with self.server.lock:
            self.server.sent += len(data)
        self.wfile.write(data)


Answer = Callable[[_Handler, Request], None]


def say(
    status: int,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    *,
    chunked: bool = False,
    framed: bool = True,
) -> Answer:
    """These headers and this body, whatever was asked for; Content-Length is true unless given."""
    given = dict(headers or {})

    def answer(handler: _Handler, request: Request) -> None:
        if chunked:
            handler.head(status, given | {"Transfer-Encoding": "chunked"})
            handler.body(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
        elif framed:
            handler.head(status, {"Content-Length": str(len(body))} | given)
            handler.body(body)
            handler.close_connection = given.get("Content-Length", str(len(body))) != str(len(body))
        else:
            handler.head(status, given | {"Connection": "close"})
            handler.body(body)

    return answer


def serve(
    content: bytes,
    headers: Mapping[str, str] | None = None,
    *,
    cut: int | None = None,
    gate: Gate | None = None,
    piece: int = 1 << 16,
) -> Answer:
    """The file as RFC 9110 has it: Range, If-Range, 416.

    The connection ends after `cut` bytes of the body; a gate stands there instead if one is given.
    """
    given = dict(headers or {})

    def answer(handler: _Handler, request: Request) -> None:
        first, total = request.first_byte(), len(content)
        if first is not None and request.headers.get("if-range") not in (None, given.get("ETag")):
            first = None
        if first is not None and first >= total:
            handler.head(416, given | {"Content-Range": f"bytes */{total}", "Content-Length": "0"})
            return
        body = content[first or 0 :]
        if first is None:
            handler.head(200, given | {"Content-Length": str(total)})
        else:
            part = {"Content-Range": f"bytes {first}-{total - 1}/{total}", "Content-Length": str(len(body))}
            handler.head(206, given | part)
        before, after = (body, b"") if cut is None else (body[:cut], body[cut:])
        for at in range(0, len(before), piece):
            handler.body(before[at : at + piece])
        if gate:
            gate.wait()
            handler.body(after)
        elif after:
            handler.close_connection = True

    return answer


def silent(gate: Gate) -> Answer:
    """No answer at all until the gate opens, and then none either."""

    def answer(handler: _Handler, request: Request) -> None:
        gate.wait()
        handler.close_connection = True

    return answer


# what is fetched from it, and what a fetch leaves

KIB = 1024
BODY = random.Random(0).randbytes(12 * KIB)
OTHER = random.Random(1).randbytes(12 * KIB)
HALF = len(BODY) // 2
REST = BODY[HALF:]
LAST = len(BODY) - 1
ETAG = {"ETag": '"v1"'}
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of POSIX")


def content_range(first, last, total):
    return {"Content-Range": f"bytes {first}-{last}/{total}"}


TRUE_RANGE = content_range(HALF, LAST, len(BODY))


def goog_md5(data):
    return b64encode(bytes.fromhex(md5(data))).decode()


def pinned(url, body=BODY, file="a.bin"):
    return Remote(url, file, size=len(body), sha256=sha256(body))


def kept(tmp_path):
    """The unfinished bytes that wait for the next run; their notes, written aside and renamed, are none."""
    parts = (tmp_path / "work").glob("*.part")
    return [path.read_bytes() for path in parts if not path.name.endswith(".json.part")]


def assert_nothing_appeared(folder):
    assert list(folder.iterdir()) == []


def fail_half_way(server, get, remote, headers=ETAG):
    """A first run that the server ends for good at half of the file."""
    server.on("/a", serve(BODY, headers, cut=HALF), say(503))
    with pytest.raises(DownloadError, match="7 tries in a row gained nothing"):
        get(remote)
    server.clear()


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
