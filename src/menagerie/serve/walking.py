"""The files of a person's folder, where none that cannot be read stops the others."""

import os
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path, PurePath
from typing import NamedTuple

from menagerie.archives import reading
from menagerie.archives.kinds import HEAD
from menagerie.archives.naming import hidden
from menagerie.archives.scanning import NO_FILE


class Found(NamedTuple):
    """A file of a folder."""

    name: str  # `/` between parts, from the folder; of a file named by itself, its last part
    path: Path
    problem: str = ""


def packed(path: Path) -> bool:
    """Whether a file is an archive, by its name."""
    return path.name.lower().endswith(reading.SUFFIXES) and path.is_file()


def head(path: Path) -> bytes:
    """The first HEAD bytes."""
    with path.open("rb", buffering=0) as file:
        return file.read(HEAD)


def problem(path: Path) -> str:
    """Why a file cannot be opened; empty where it can. What is no regular file is not tried: a pipe waits."""
    if not os.path.lexists(path):
        return "not there"
    if not path.is_file():
        return NO_FILE
    try:
        head(path)
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""


def files(folder: Path, prefix: str, above: tuple[PurePath, ...]) -> Iterator[Found]:
    """The files below a folder by name, links followed; `above` are the real folders it lies in."""
    try:
        real = folder.resolve(strict=True)
        with os.scandir(folder) as entries:
            found = sorted(entries, key=attrgetter("name"))
    except OSError as error:
        yield Found(prefix.rstrip("/"), folder, f"folder that cannot be read: {error.strerror}")
        return
    if real in above:  # a link to a folder that it lies in: its pictures come once, from there
        return
    for entry in found:
        name = prefix + entry.name
        if hidden(entry.name) or not Path(entry.path).is_dir():
            yield Found(name, folder / entry.name)
        else:
            yield from files(folder / entry.name, f"{name}/", (*above, real))
