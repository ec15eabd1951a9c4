"""What a person wants answers for: pictures, folders, globs, archives and lists of names."""

import glob
import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from operator import attrgetter
from pathlib import Path
from typing import BinaryIO, NamedTuple

from menagerie.archives.kinds import HEAD, SUFFIXES, kind_of, why_no_picture
from menagerie.archives.naming import hidden
from menagerie.archives.reading import Archive, Member, members
from menagerie.archives.scanning import ARCHIVE, NO_FILE
from menagerie.archives.sorting import HIDDEN
from menagerie.errors import DataError
from menagerie.serve import walking
from menagerie.serve.pictures import Picture

LIST = ".txt"  # what the name of a list of names ends in
STANDARD_INPUT = "-"


class Gathered(NamedTuple):
    """The pictures in the order of the input, and how many other files there were, by what they are."""

    pictures: list[Picture]
    passed_over: Counter[str]


def gather(inputs: Sequence[str], standard_input: BinaryIO, classes: Iterable[str]) -> Gathered:
    """The pictures that some inputs name; a picture below a folder called as one of `classes` has that label.

    An input is a picture, a folder, an archive, a glob, a list of names (LIST, a name a line) or `-`, which
    reads such a list from `standard_input`. What a list names and cannot be had is a picture with a problem,
    and so is what cannot be read of a folder; files of a folder or a glob that are no pictures are counted.

    Raises:
        DataError: an input is not there, or all of them together hold no picture.
    """
    gatherer = _Gatherer(classes)
    for one in inputs:
        path = Path(one)
        if one == STANDARD_INPUT:
            gatherer.add_listed(standard_input.read(), Path())
        elif os.path.lexists(path):
            gatherer.add_named(path)
        elif glob.has_magic(one):
            gatherer.add_matching(one)
        else:
            raise DataError(f"{one!r} is not there; name a picture, folder, glob, archive, LIST.txt or -")
    pictures, passed_over = gatherer.found
    if not pictures:
        others = told(passed_over) or "no file"
        raise DataError(
            f"{', '.join(map(repr, inputs))}: no picture, by content or by a suffix such as "
            f"{', '.join(SUFFIXES)}, but {others}"
        )
    return gatherer.found


def told(passed_over: Counter[str]) -> str:
    """`3 no picture (.txt), 1 hidden`."""
    return ", ".join(f"{count:,} {reason}" for reason, count in sorted(passed_over.items()))


class _Gatherer:
    def __init__(self, classes: Iterable[str]) -> None:
        # A folder's name may come decomposed, as macOS writes it.
        self._classes = {unicodedata.normalize("NFC", name): name for name in classes}
        self.found = Gathered([], Counter())

    def add_named(self, path: Path) -> None:
        if path.suffix.lower() == LIST and path.is_file() and not kind_of(walking.head(path)):
            self.add_listed(path.read_bytes(), path.parent)
        else:
            self._add(path)

    def add_matching(self, pattern: str) -> None:
        paths = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - Path.glob has no absolute patterns
        if not paths:
            raise DataError(f"no file matches {pattern!r}")
        for path in map(Path, paths):
            if path.is_dir() or walking.packed(path):
                self._add(path)
            else:
                self._add_if_picture(walking.Found(path.name, path), str(path))

    def add_listed(self, names: bytes, beside: Path) -> None:
        """Names are of the working folder, as `find` and `ls` write them, or else of the list's own."""
        separator = b"\0" if b"\0" in names else b"\n"  # `find -print0` has names with newlines
        for line in names.removeprefix(b"\xef\xbb\xbf").split(separator):
            name = os.fsdecode(line.rstrip(b"\r"))
            if name.strip():
                path = Path(name)
                self._add(path if os.path.lexists(path) else beside / path)

    def _add(self, path: Path) -> None:
        """Whatever lies at a path; a file that is no archive is taken for a picture."""
        if path.is_dir():
            self._add_folder(path)
        elif walking.packed(path):
            self._add_archive(path)
        else:
            self._add_picture(walking.Found(path.name, path, walking.problem(path)), str(path))

    def _add_folder(self, folder: Path) -> None:
        files = list(walking.files(folder, "", ()))
        before = len(self.found.pictures)
        archives = [file for file in files if walking.packed(file.path) and not hidden(file.name)]
        for file in files:
            if file not in archives:
                self._add_if_picture(file, str(folder / file.name))
        alone = len(self.found.pictures) == before
        for archive in archives:
            if alone:
                self._add_archive(archive.path)
            else:
                self.found.passed_over[ARCHIVE] += 1

    def _add_archive(self, path: Path) -> None:
        """In the order in which they lie there, the only one that a tar.gz can be read in."""
        try:
            listed = sorted(members(path), key=attrgetter("offset"))
            with Archive(path) as archive:
                for member in listed:
                    named = member.name.lower().endswith(SUFFIXES)
                    if reason := _why_not(member.name, b"" if named else archive.head(member, HEAD)):
                        self.found.passed_over[reason] += 1
                    else:
                        self._append(
                            walking.Found(member.name, path), f"{path}/{member.name}", member.size, member
                        )
        except DataError as error:
            self._append(walking.Found(path.name, path, str(error)), str(path))

    def _add_if_picture(self, file: walking.Found, name: str) -> None:
        problem = file.problem or walking.problem(file.path)
        if hidden(file.name):
            self.found.passed_over[HIDDEN] += 1
        elif problem and problem != NO_FILE:
            self._add_picture(file._replace(problem=problem), name)
        elif reason := _why_not(file.name, b"" if problem else walking.head(file.path)):
            self.found.passed_over[NO_FILE if problem else reason] += 1
        else:
            self._add_picture(file._replace(problem=problem), name)

    def _add_picture(self, file: walking.Found, name: str) -> None:
        self._append(file, name, 0 if file.problem else file.path.stat().st_size)

    def _append(self, file: walking.Found, name: str, size: int = 0, member: Member | None = None) -> None:
        label = self._label(file.name)
        self.found.pictures.append(Picture(shown(name), file.path, size, member, label, file.problem))

    def _label(self, name: str) -> str:
        """The class that the folders above say; none where they say two."""
        folders = {unicodedata.normalize("NFC", part) for part in name.split("/")[:-1]}
        said = folders & self._classes.keys()
        return self._classes[said.pop()] if len(said) == 1 else ""


def shown(name: str) -> str:
    """A name that can be written as UTF-8: bytes that are none stand as their escapes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _why_not(name: str, head: bytes) -> str | None:
    return HIDDEN if hidden(name) else why_no_picture(name, head)
