"""What lies at a path of a person's own: a folder of pictures, an archive, or a folder that holds some."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from menagerie.archives.layout import contents_of
from menagerie.archives.scanning import ARCHIVE, File, contents_of_folder, scan
from menagerie.archives.sorting import Contents


class Look(NamedTuple):
    """The files at a path."""

    contents: Contents
    files: Mapping[str, File]  # empty where the pictures are in archives
    left_out: Mapping[str, Sequence[str]]


def look(path: Path) -> Look:
    """Every file of a folder, an archive, or a folder that holds archives and no picture.

    Raises:
        DataError: there is nothing at the path, or something that cannot be read.
    """
    files = scan(str(path))
    packed = [file for file in files if file.reason == ARCHIVE]
    if packed and not any(file.reason is None for file in files):
        left_out: dict[str, list[str]] = {}
        for file in files:
            if file.reason and file not in packed:
                left_out.setdefault(file.reason, []).append(file.name)
        return Look(contents_of([file.path for file in packed]), {}, left_out)
    return Look(contents_of_folder(files), {file.name: file for file in files}, {})
