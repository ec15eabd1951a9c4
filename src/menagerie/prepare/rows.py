"""The rows of an array of pictures on disk."""

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np


@dataclass(frozen=True)
class Rows:
    """The rows of an .npy file of uint8.

    They are written, not mapped: a full disk is then an error and no crash, and the memory of a
    process does not grow with the file.
    """

    path: Path
    start: int  # bytes before the first row
    row_bytes: int

    @classmethod
    def allocate(cls, path: Path, shape: tuple[int, ...]) -> Self:
        """Make the file, or give it its proper header and length and leave its rows alone."""
        path.touch()
        with path.open("r+b") as file:
            header = {"descr": "|u1", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
            start = file.tell()
            file.truncate(start + math.prod(shape))
        return cls(path, start, math.prod(shape[1:]))

    @classmethod
    def of(cls, path: Path) -> Self:
        """The rows of a file that is there.

        Raises:
            OSError, ValueError: it is not there, or no .npy of rows of uint8.
        """
        array = np.lib.format.open_memmap(path, mode="r")
        if array.dtype != np.uint8 or array.ndim < 2:
            raise ValueError(f"{path} has no rows of uint8")
        return cls(path, array.offset, math.prod(array.shape[1:]))

    def read(self, rows: Sequence[int]) -> Iterator[bytes]:
        """The pixels of each of these rows."""
        with self.path.open("rb") as file:
            for row in rows:
                file.seek(self.start + row * self.row_bytes)
                yield file.read(self.row_bytes)

    def sha256(self, rows: Sequence[int]) -> list[str]:
        """Of the pixels of each of these rows."""
        return [hashlib.sha256(pixels).hexdigest() for pixels in self.read(rows)]
