"""What was decoded before: a picture whose bytes are known is not decoded again.

The finished array stays linked in the work folder beside a list of the files that its rows are of. It is of
use as long as pictures are brought to the same form by the same code and versions, whatever is added, removed
or renamed, and however they are packed.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from menagerie.files import remove, whole
from menagerie.prepare.manifest import Record
from menagerie.prepare.rows import Rows


@dataclass(frozen=True)
class Earlier:
    """The rows of an array by the SHA-256 of the file that each is of, with that of its pixels."""

    rows: Rows | None
    known: Mapping[str, tuple[int, str, Record]]

    @classmethod
    def read(cls, folder: Path, form: str) -> Self:
        """Nothing is known where there is none, or it is of another `form`, or cannot be read."""
        try:
            about = json.loads((folder / "known.json").read_text(encoding="utf-8"))
            if about["form"] != form:
                return cls(None, {})
            known = {sha256: (row, pixels, Record(*record)) for sha256, row, pixels, record in about["files"]}
            return cls(Rows.of(folder / "images.npy"), known)
        except (OSError, ValueError, KeyError, TypeError):
            return cls(None, {})

    def find(self, sha256: str) -> tuple[bytes, Record, str] | None:
        """The pixels of a file, its record and their SHA-256, if its row is still as it was written."""
        if self.rows is None or sha256 not in self.known:
            return None
        row, written, record = self.known[sha256]
        (pixels,) = self.rows.read([row])
        return (pixels, record, written) if hashlib.sha256(pixels).hexdigest() == written else None


def keep(folder: Path, form: str, array: Path, records: Sequence[Record], rows_sha256: Sequence[str]) -> None:
    """Link `array` and list its files, of which `records` and `rows_sha256`, of the pixels, are by row.

    Nothing is kept where the file system has no links: it would cost the array's size once more.
    """
    remove(folder)
    folder.mkdir(parents=True)
    files = [
        (record.sha256, row, pixels, record)
        for row, (record, pixels) in enumerate(zip(records, rows_sha256, strict=True))
        if record.sha256
    ]
    with contextlib.suppress(OSError):
        os.link(array, folder / "images.npy")
        with whole(folder / "known.json") as part:
            part.write_text(json.dumps({"form": form, "files": files}), encoding="utf-8")
