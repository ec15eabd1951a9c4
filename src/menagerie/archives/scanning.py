"""Every file of a person's own folder, and what its first bytes say it is."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from menagerie.archives import reading
from menagerie.archives.kinds import HEAD, SUFFIXES, why_no_picture
from menagerie.archives.naming import hidden
from menagerie.archives.reading import safe_name
from menagerie.archives.sorting import EMPTY_FOLDER, HIDDEN, Contents
from menagerie.archives.tables import is_table
from menagerie.errors import DataError

ARCHIVE = "archive beside pictures"


class File(NamedTuple):
    """A file or an empty folder of a person's folder; `reason` says why it is no picture, if it is none."""

    name: str  # `/` between parts, and at the end of an empty or hidden folder
    path: Path
    reason: str | None
    head: bytes = b""  # its first HEAD bytes


def scan(path: str) -> list[File]:
    """Every file of a folder with what its first bytes say; or the one archive that `path` is.

    Raises:
        DataError: there is no such folder, it or a file in it cannot be read, a link leads nowhere.
    """
    root = Path(path)
    if root.is_file() and root.name.lower().endswith(reading.SUFFIXES):
        return [File(root.name, root, ARCHIVE)]
    if not root.is_dir():
        raise DataError(
            f"dataset.source.path is {path!r}, but there is no such folder; "
            "name the folder that holds a folder for each class: -S 'dataset.source.path=...'"
        )
    return list(_files(root, "", ()))


def linked_folders(root: Path) -> list[Path]:
    """The links to folders below a folder, without those behind others."""
    found = []
    for folder, names, _ in os.walk(root):
        found += [path for name in sorted(names) if (path := Path(folder, name)).is_symlink()]
    return sorted(path for path in found if not hidden(path.relative_to(root).as_posix()))


def goes_in(file: File) -> bool:
    return file.reason is None or (is_table(file.name) and file.reason != HIDDEN)


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


def _files(folder: Path, prefix: str, above: tuple[Path, ...]) -> Iterator[File]:
    """The files below a folder by name; `above` are the folders that `folder` lies in."""
    with readable(folder):
        real = folder.resolve()
        with os.scandir(folder) as entries:
            found = sorted(entries, key=attrgetter("name"))
    if real in above:
        raise DataError(f"{str(folder)!r} is a link to {str(real)!r}, which it lies in; remove the link")
    if not found and prefix:
        yield File(prefix, folder, EMPTY_FOLDER)
    for entry in found:
        path, name = folder / entry.name, prefix + entry.name
        if hidden(entry.name):
            yield File(name, path, HIDDEN)
            continue
        with readable(path):
            is_folder, is_file = entry.is_dir(), entry.is_file()
        if is_folder:
            yield from _files(path, name + "/", (*above, real))
        else:
            yield _file(path, name, is_file)


def _file(path: Path, name: str, is_file: bool) -> File:
    if not is_file and name.lower().endswith(SUFFIXES):
        raise DataError(f"{str(path)!r} is a link that leads nowhere, or no file; mend or remove it")
    if not is_file:
        return File(name, path, "link that leads nowhere, or no file")
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
