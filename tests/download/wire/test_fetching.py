"""Files fetched together: order, errors, kills, turns and the bar."""

import logging
import os
import random
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

import menagerie.download
import menagerie.files
from helpers import sha256
from lying_server import (
    BODY,
    ETAG,
    HALF,
    OTHER,
    PATIENCE,
    Gate,
    assert_nothing_appeared,
    kept,
    pinned,
    posix,
    say,
    serve,
    silent,
    wait_until,
)
from menagerie.download.wire.fetching import fetch
from menagerie.download.wire.remote import Remote
from menagerie.errors import DownloadError

SRC = Path(menagerie.download.__file__).parents[2]


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


def test_proxy_of_the_environment_is_used(server, get, raw, monkeypatch):
    monkeypatch.setenv("http_proxy", server.url())
    server.on("http://pictures.invalid/a", serve(BODY))
    get(pinned("http://pictures.invalid/a"))
    assert (raw / "a.bin").read_bytes() == BODY


def test_proxy_that_cannot_be_used_is_named(get, monkeypatch):
    monkeypatch.setenv("all_proxy", "gopher://127.0.0.1")
    with pytest.raises(DownloadError, match="ALL_PROXY"):
        get(pinned("http://127.0.0.1/a"))


@pytest.mark.parametrize("name", ["a.zip", "my cats.zip", "l'été.zip", "猫.zip", "..a", "a..", ".hidden"])
def test_odd_but_plain_names_are_taken(server, get, raw, name):
    get(Remote(server.on("/a", serve(BODY)), name))
    assert (raw / name).read_bytes() == BODY


def test_two_files_of_one_name_are_refused(get):
    with pytest.raises(DownloadError, match=r"A\.bin, a\.bin"):
        get(Remote("https://example.org/1", "a.bin"), Remote("https://example.org/2", "A.bin"))


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


@pytest.mark.parametrize("name", ["raw", "work"])
def test_file_in_the_place_of_a_folder_is_named(server, get, tmp_path, name):
    (tmp_path / name).write_text("in the way")
    with pytest.raises(DownloadError, match=name):
        get(pinned(server.on("/a", serve(BODY))))
    assert (tmp_path / name).read_text() == "in the way"
    assert server.seen == []


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
