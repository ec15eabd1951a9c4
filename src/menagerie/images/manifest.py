"""manifest.csv: one line a picture, in the order of the rows of the array."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from menagerie.errors import DataError
from menagerie.images.layout import Picture

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("index", "path", "class", "folder", "width", "height", "mode", "sha256", "status")
NUMBERS = ("index", "width", "height")
OK = "ok"


class Record(NamedTuple):
    """What decoding a picture tells of it."""

    width: int  # pixels, as stored; 0 where it is unreadable
    height: int
    mode: str  # Pillow's, as stored; empty where it is unreadable
    sha256: str  # of the file's bytes
    status: str  # OK or why it is unreadable


def write_manifest(path: Path, pictures: Sequence[Picture], records: Iterable[Record]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        # Quotes around all text: a name may hold a bare carriage return, which not every csv quotes.
        writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        writer.writerow(COLUMNS)
        for index, (picture, record) in enumerate(zip(pictures, records, strict=True)):
            writer.writerow((index, picture.path, picture.class_name, picture.folder, *record))


def read_manifest(path: Path) -> pd.DataFrame:
    """The manifest with text as text: a class named `000`, `NA` or `1e5` keeps its name."""
    import pandas as pd  # not above: the processes that decode would each take half a second to load it

    kinds = {column: "int64" if column in NUMBERS else str for column in COLUMNS}
    return pd.read_csv(path, dtype=kinds, na_filter=False, encoding="utf-8")


def class_names(manifest: pd.DataFrame) -> list[str]:
    """The classes in the order of their labels: sorted, as Keras sorts folders."""
    return sorted(manifest["class"].unique())


def check_readable(manifest: pd.DataFrame, max_unreadable: float) -> None:
    """Raise DataError when more than a share `max_unreadable` (0 to 1) of the pictures is unreadable."""
    unreadable = manifest[manifest["status"] != OK]
    if len(unreadable) <= max_unreadable * len(manifest):
        return
    first = [
        f"  {path!r}: {why}" for path, why in zip(unreadable["path"], unreadable["status"], strict=True)
    ][:5]
    more = [f"  and {len(unreadable) - len(first)} more"] if len(unreadable) > len(first) else []
    raise DataError(
        f"{len(unreadable)} of {len(manifest)} pictures are unreadable, more than the share "
        f"dataset.max_unreadable={max_unreadable} allows; mend them or raise it:\n" + "\n".join(first + more)
    )
