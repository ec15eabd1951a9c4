"""A picture to be answered, and the bytes of it."""

from pathlib import Path
from typing import NamedTuple

from menagerie.archives.reading import MAX_READ_BYTES, LastArchive, Member
from menagerie.errors import DataError


class Picture(NamedTuple):
    """A picture to be answered; where `problem` says why, it cannot even be opened."""

    name: str  # as results show it
    path: Path  # of its file, or of the archive that it lies in
    size: int = 0  # bytes of the file
    member: Member | None = None
    label: str = ""  # the class that its folder is called as
    problem: str = ""


class Reader:
    """The bytes of pictures."""

    def __init__(self) -> None:
        self._archives = LastArchive()

    def close(self) -> None:
        self._archives.close()

    def __call__(self, picture: Picture) -> bytes:
        """The bytes of a picture's file.

        Raises:
            DataError: it cannot be read, or is larger than MAX_READ_BYTES.
        """
        if picture.size > MAX_READ_BYTES:
            raise DataError(f"{picture.size:,} bytes, more than {MAX_READ_BYTES:,}")
        if picture.member is None:
            try:
                return picture.path.read_bytes()
            except OSError as error:
                raise DataError(error.strerror or type(error).__name__) from error
        return self._archives.read(picture.path, picture.member)
