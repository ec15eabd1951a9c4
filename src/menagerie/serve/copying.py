"""Copies of pictures in a folder for each answer."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from itertools import count
from pathlib import Path, PurePosixPath

from menagerie.serve.answers import UNSURE, Answer
from menagerie.serve.pictures import Picture, Reader

RESERVED = {"aux", "con", "nul", "prn", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
MOST_BYTES = 200  # of a name: file systems take 255, and a number may be added


def copy(
    pictures: Sequence[Picture], found: Sequence[Answer], classes: Sequence[str], target: Path
) -> Counter[str]:
    """Copy each picture that has an answer to `target`/ANSWER/; how many were copied, by folder.

    Nothing is overwritten: where another file has the name, a number is added; where the very picture is
    there already, it stays, and is not counted.

    Raises:
        DataError, OSError: a picture cannot be read any more, or the folder cannot be written to.
    """
    folders = folder_names([*classes, UNSURE])
    copied: Counter[str] = Counter()
    with closing(Reader()) as reader:
        for picture, one in zip(pictures, found, strict=True):
            if one.problem:
                continue
            folder = target / folders[one.answer]
            folder.mkdir(parents=True, exist_ok=True)
            name = picture.member.name if picture.member else picture.path.name
            copied[folder.name] += _kept(folder, safe(PurePosixPath(name).name), reader(picture))
    return +copied


def folder_names(classes: Iterable[str]) -> dict[str, str]:
    """A folder's name for each class, such that no file system takes two for one."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for one in dict.fromkeys(classes):
        plain = safe(one)
        name = next(name for name in _numbered(plain) if _alike(name) not in taken)
        taken.add(_alike(name))
        names[one] = name
    return names


def safe(name: str) -> str:
    """A name that any file system takes: no path, no letters that some refuse, not hidden, not too long."""
    plain = re.sub(r'[<>:"/\\|?*\x00-\x1f\x7f]', "_", name).rstrip(". ")
    if plain.startswith(".") or not plain or plain.split(".")[0].lower() in RESERVED:
        plain = f"_{plain}"
    stem, dot, suffix = plain.rpartition(".")
    if not dot or len(suffix) > 8:
        stem, suffix = plain, ""
    raw = stem.encode("utf-8", "surrogateescape")[:MOST_BYTES]
    # What is cut off in the middle of a letter goes; bytes that were none before stay.
    cut = stem if len(raw) < MOST_BYTES else raw.decode("utf-8", "ignore").rstrip(". ")
    return f"{cut}.{suffix}" if suffix else cut


def _kept(folder: Path, name: str, data: bytes) -> bool:
    """Write the file under the first name that is free; False where it is there already."""
    for candidate in _numbered(name):
        path = folder / candidate
        try:
            with path.open("xb") as file:
                file.write(data)
        except FileExistsError:
            if path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data:
                return False
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        else:
            return True
    raise AssertionError  # numbers do not end


def _numbered(name: str) -> Iterable[str]:
    """`a.jpg`, `a_2.jpg`, `a_3.jpg` and on."""
    yield name
    path = PurePosixPath(name)
    yield from (f"{path.stem}_{number}{path.suffix}" for number in count(2))


def _alike(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
