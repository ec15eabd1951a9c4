"""Every file of a person's own folder, and what its first bytes say it is."""

import hashlib
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from menagerie.archives import reading
from menagerie.archives.kinds import HEAD, SUFFIXES, why_no_picture
from menagerie.archives.naming import hidden
from menagerie.archives.reading import safe_name
from menagerie.archives.sorting import EMPTY_FOLDER, HIDDEN, Contents
from menagerie.archives.tables import is_table
from menagerie.errors import DataError

ARCHIVE = "archive beside pictures"
FILE = "file"
NO_FILE = "link that leads nowhere, or no file"


class Entry(NamedTuple):
    """What lies in a folder, not looked into."""

    name: str  # `/` between parts, and at the end of an empty folder
    path: Path
    kind: str  # FILE, NO_FILE, HIDDEN or EMPTY_FOLDER


class File(NamedTuple):
    """A file or an empty folder of a person's folder; `reason` says why it is no picture, if it is none."""

    name: str  # `/` between parts, and at the end of an empty or hidden folder
    path: Path
    reason: str | None
    head: bytes = b""  # its first HEAD bytes


def scan(path: str) -> list[File]:
    """Every file of a folder with what its first bytes say; or the one archive that `path` is.

    Raises:
        DataError: there is no such folder, it holds no picture, it or a file in it cannot be read, a link
            leads nowhere.
    """
    files = [_file(found) for found in _shown(_walked(path))]
    if not any(file.reason in (None, ARCHIVE) for file in files):
        found = Counter(file.reason for file in files)
        told = ", ".join(f"{count} {reason}" for reason, count in sorted(found.items())) or "no file"
        raise DataError(
            f"{path!r} holds no picture, by content or by a suffix such as {', '.join(SUFFIXES)}, but "
            f"{told}; name the folder that holds a folder for each class: -S 'dataset.source.path=...'"
        )
    return files


def fingerprint(path: str) -> dict[str, Any]:
    """A hash of the names, sizes and times of what `scan` would read, and how many files and bytes that is.

    Raises:
        DataError: as `scan`.
    """
    digest, total, count = hashlib.sha256(), 0, 0
    for name, at, kind in _shown(_walked(path)):
        if kind == FILE:
            with readable(at):
                about = at.stat()
            total, count = total + about.st_size, count + 1
            digest.update(repr((name, about.st_size, about.st_mtime_ns)).encode("utf-8", "surrogateescape"))
        else:
            digest.update(repr((name, kind)).encode("utf-8", "surrogateescape"))
    return {"files": count, "bytes": total, "sha256": digest.hexdigest()}


def _shown(entries: Iterator[Entry]) -> Iterator[Entry]:
    """The same, counted on the terminal: how many there will be nobody knows beforehand."""
    return iter(tqdm(entries, desc="folder", unit=" files", disable=None, delay=1))


def _walked(path: str) -> Iterator[Entry]:
    root = Path(path)
    if root.is_file() and root.name.lower().endswith(reading.SUFFIXES):
        return iter([Entry(root.name, root, FILE)])
    if not root.is_dir():
        raise DataError(
            f"dataset.source.path is {path!r}, but there is no such folder; "
            "name the folder that holds a folder for each class: -S 'dataset.source.path=...'"
        )
    return _files(root, "", ())


def goes_in(file: File) -> bool:
    return file.reason is None or (is_table(file.name) and file.reason != HIDDEN)


def packed(files: Sequence[File]) -> list[File]:
    """The archives that hold the pictures; none where pictures lie outside archives."""
    if any(file.reason is None for file in files):
        return []
    return [file for file in files if file.reason == ARCHIVE]


def left_out(files: Sequence[File], inside: Sequence[File]) -> dict[str, list[str]]:
    """What is not among `inside`, by reason."""
    there, found = {file.name for file in inside}, {}
    for file in files:
        if file.name not in there:
            found.setdefault(file.reason, []).append(file.name)
    return found


def contents_of_folder(files: Sequence[File]) -> Contents:
    """What the files of a folder are."""
    where = {file.name: file.path for file in files}

    def read(name: str) -> bytes:
        if name not in where:
            raise DataError(f"dataset.layout.tables names {name!r}, which is not there")
        with readable(where[name]):
            return where[name].read_bytes()

    pictures = [file.name for file in files if file.reason is None]
    return Contents(pictures, {file.name: file.reason for file in files if file.reason}, read)


def _files(folder: Path, prefix: str, above: tuple[Path, ...]) -> Iterator[Entry]:
    """The files below a folder by name; `above` are the folders that `folder` lies in."""
    with readable(folder):
        real = folder.resolve()
        with os.scandir(folder) as entries:
            found = sorted(entries, key=attrgetter("name"))
    if real in above:
        raise DataError(f"{str(folder)!r} is a link to {str(real)!r}, which it lies in; remove the link")
    if not found and prefix:
        yield Entry(prefix, folder, EMPTY_FOLDER)
    for entry in found:
        path, name = folder / entry.name, prefix + entry.name
        if hidden(entry.name):
            yield Entry(name, path, HIDDEN)
            continue
        with readable(path):
            is_folder, is_file = entry.is_dir(), entry.is_file()
        if is_folder:
            yield from _files(path, name + "/", (*above, real))
        else:
            yield Entry(name, path, FILE if is_file else NO_FILE)


def _file(entry: Entry) -> File:
    name, path, kind = entry
    if kind == NO_FILE and name.lower().endswith(SUFFIXES):
        raise DataError(f"{str(path)!r} is a {NO_FILE}; mend or remove it")
    if kind != FILE:
        return File(name, path, kind)
    if name.lower().endswith(reading.SUFFIXES):
        return File(name, path, ARCHIVE)
    with readable(path), path.open("rb", buffering=0) as file:
        head = file.read(HEAD)
    found = File(name, path, why_no_picture(name, head), head)
    if goes_in(found):
        _check_name(path, name)
    return found


def _check_name(path: Path, name: str) -> None:
    try:
        safe_name(name)
    except ValueError as error:
        here = sys.getfilesystemencoding()
        if here != "utf-8" and not str(path).isascii():  # the name may be right
            raise DataError(
                f"the name of {str(path)!r} cannot be told: Python reads names as {here} here, expected "
                "utf-8; `export PYTHONUTF8=1`, then run again"
            ) from None
        raise DataError(f"the name of {str(path)!r} {error}; rename it") from None


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """What goes wrong in the block as an error that names `path`."""
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{str(path)!r} cannot be read: {error.strerror}; give yourself the right to, mend or remove it"
        ) from error
