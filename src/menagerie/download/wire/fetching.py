"""Files over a wire that cuts, stalls and lies: they appear whole and verified, or not at all.

`fetch` is what the rest of the program calls. One remote is a `Transfer`, which uses a mirror or a
`Wire`; the bytes kept between runs are a `Part`.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import httpx
from tqdm import tqdm

from menagerie.download.wire.part import disk_errors
from menagerie.download.wire.remote import Fetched, Remote
from menagerie.download.wire.session import Session
from menagerie.download.wire.transfer import Transfer
from menagerie.errors import DownloadError
from menagerie.files import locked

__all__ = ["Fetched", "Remote", "fetch"]


THREADS = 4
TIMEOUT = httpx.Timeout(60, connect=15)  # seconds; 60 between two reads, so a slow drip is no dead server


def fetch(
    remotes: Sequence[Remote],
    folder: Path,
    work: Path,
    mirror: str | None,
    *,
    sleep: Callable[[float], object] | None = None,
) -> list[Fetched]:
    """Fetch every remote into `folder`, going on from what an earlier run kept in `work`.

    Each file is looked for at `<mirror>/<file>` first (`mirror` as from `mirror.mirror_location`) and
    verified all the same. What came over the wire moves into `folder` when all of it is verified:
    DVC removes a stage's outputs before it runs again, and `work` is no output. `sleep` waits some
    seconds between two tries; tests give their own.

    Raises:
        DownloadError: a file could not be had, is not the one expected or cannot be written.
            `folder` has no part of it; `work` keeps what the next run can go on from.
    """
    names = [remote.file for remote in remotes]
    if len({name.casefold() for name in names}) < len(names):
        raise DownloadError(
            f"{', '.join(sorted(names))}: two files of one name; store one under another name"
        )
    stopped = threading.Event()
    with disk_errors(folder), ExitStack() as held:
        folder.mkdir(parents=True, exist_ok=True)
        work.mkdir(parents=True, exist_ok=True)
        client = held.enter_context(_client())
        for remote in sorted(
            remotes, key=lambda remote: remote.key
        ):  # in one order, or two runs wait for each other
            waiting = f"{remote.file}: another run is fetching it"
            held.enter_context(locked(work / f"{remote.key}.lock", waiting))
        session = Session(client, mirror, stopped, sleep or stopped.wait)
        transfers = [Transfer(remote, folder, work, session) for remote in remotes]
        _run(transfers, stopped)
        return [transfer.publish() for transfer in transfers]


def _client() -> httpx.Client:
    try:
        release = "/" + version("menagerie")
    except PackageNotFoundError:  # run from a checkout
        release = ""
    headers = {
        "User-Agent": f"menagerie{release} (image-classification pipeline)",
        "Accept-Encoding": "identity",  # sizes and hashes are those of the file as stored
    }
    try:
        return httpx.Client(headers=headers, timeout=TIMEOUT, follow_redirects=True)
    except (ImportError, ValueError, OSError) as error:
        raise DownloadError(
            f"the proxy or certificate settings of the environment cannot be used: {error}; "
            "see HTTPS_PROXY, ALL_PROXY and SSL_CERT_FILE"
        ) from error


def _run(transfers: Sequence[Transfer], stopped: threading.Event) -> None:
    """Run the transfers on a few threads; the first error, or Ctrl-C, ends them all.

    The threads are daemons: those of a ThreadPoolExecutor would hold up the end of the process
    until a silent server times out.
    """
    todo, done = queue.SimpleQueue(), queue.SimpleQueue()
    for transfer in transfers:
        todo.put(transfer)

    def work() -> None:
        while not stopped.is_set():
            try:
                done.put(todo.get_nowait().run())
            except queue.Empty:
                return
            except Exception as error:
                done.put(error)
                return

    threads = [threading.Thread(target=work, name="download", daemon=True) for _ in transfers[:THREADS]]
    try:
        with tqdm(desc="download", unit="B", unit_scale=True, unit_divisor=1024, disable=None) as bar:
            for thread in threads:
                thread.start()
            for _ in transfers:
                _wait_for_one(done, bar, transfers)
    finally:
        stopped.set()
        for thread in threads:
            if thread.ident is not None:
                thread.join(timeout=1)  # one that reads from a silent server is left behind


def _wait_for_one(done: queue.SimpleQueue, bar: tqdm, transfers: Sequence[Transfer]) -> None:
    while True:
        try:  # Windows keeps Ctrl-C from a thread that waits without end
            error = done.get(timeout=0.1)
        except queue.Empty:
            _show(bar, transfers)
            continue
        _show(bar, transfers)
        if error is not None:
            raise error
        return


def _show(bar: tqdm, transfers: Sequence[Transfer]) -> None:
    if bar.disable:  # no terminal
        return
    totals = [transfer.total for transfer in transfers]
    bar.total = None if None in totals else sum(totals)
    kept = sum(transfer.kept for transfer in transfers) - bar.initial
    bar.initial += kept  # bytes of an earlier run say nothing about this one's speed
    bar.n += kept
    bar.last_print_n += kept
    bar.update(sum(transfer.got for transfer in transfers) - bar.n)
