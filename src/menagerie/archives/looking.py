"""What lies at a path of a person's own: a folder of pictures, an archive, or a folder that holds some."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from menagerie.archives.layout import contents_of
from menagerie.archives.scanning import File, contents_of_folder, left_out, packed, scan
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
    if archives := packed(files):
        return Look(contents_of([file.path for file in archives]), {}, left_out(files, archives))
    return Look(contents_of_folder(files), {file.name: file for file in files}, {})
