"""The bytes of an unfinished file that are kept between runs."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from menagerie.download.wire.remote import Digests
from menagerie.errors import DownloadError
from menagerie.files import read_json, remove, whole, write_json

BLOCK = 1 << 18  # bytes


@dataclass(frozen=True)
class Notes:
    """What the server said of the body whose first bytes are kept."""

    url: str
    total: int | None = None  # bytes
    etag: str | None = None
    modified: str | None = None
    md5: str | None = None


class Part:
    """A part file, the hashes of what is in it, and the notes beside it.

    `size` is the number of bytes that count: those hashed by this process. `kept` of them are from
    an earlier run; `total` is the size of the whole file, None until it is known.
    """

    def __init__(self, path: Path, md5: bool) -> None:
        self.path = path
        self.md5 = md5  # whether the publisher gave one; else it is reckoned when the server announces one
        self.notes_path = path.with_suffix(".json")
        self.total: int | None = None
        self.forget()

    @property
    def size(self) -> int:
        return self.digests.size

    def forget(self, announced_md5: str | None = None) -> None:
        """Count no bytes, whatever is on disk."""
        self.digests = Digests(self.md5 or announced_md5 is not None)
        self.kept = 0

    def load(self, notes: Notes) -> None:
        """Count the bytes that an earlier run kept."""
        self.forget(notes.md5)
        with suppress(FileNotFoundError), self.path.open("rb") as file:
            for block in blocks(file):
                self.digests.update(block)
        self.kept = self.size

    def notes(self, url: str) -> Notes:
        """What was noted of this address; an empty note when the bytes come from another."""
        with suppress(FileNotFoundError, ValueError, TypeError):
            notes = Notes(**read_json(self.notes_path))
            return notes if notes.url == url else Notes(url)
        return Notes(url)

    def begin(self, notes: Notes) -> None:
        """Drop the bytes, then note what comes: a kill in between leaves nothing to go on from."""
        self.forget(notes.md5)
        self.path.write_bytes(b"")
        with whole(self.notes_path) as path:
            write_json(path, asdict(notes))

    @contextmanager
    def appending(self) -> Iterator[Callable[[bytes], None]]:
        with self.path.open("ab") as file:

            def append(block: bytes) -> None:
                file.write(block)
                file.flush()
                self.digests.update(block)

            yield append

    def discard(self) -> None:
        self.forget()
        remove(self.path)
        remove(self.notes_path)

    def move(self, target: Path) -> None:
        """Become `target`, also on another file system."""
        with self.path.open("rb+") as file:
            os.fsync(file.fileno())
        try:
            self.path.replace(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            with whole(target) as beside:
                shutil.copyfile(self.path, beside)
                with beside.open("rb+") as file:
                    os.fsync(file.fileno())
        self.discard()


def blocks(file: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: file.read(BLOCK), b"")


@contextmanager
def disk_errors(path: Path, size: Callable[[], int | None] = lambda: None) -> Iterator[None]:
    """Turn a full disk or a folder that may not be written into a DownloadError that says what is needed."""
    try:
        yield
    except OSError as error:
        named = error.filename2 or error.filename or path
        needed = "room" if size() is None else f"{size()} bytes"
        raise DownloadError(
            f"{named}: {error.strerror or error}; {path} needs {needed} and the right to read and write; "
            "mend that and run again, what was fetched is kept"
        ) from error
