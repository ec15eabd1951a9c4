"""manifest.csv: one line a picture, in the order of the rows of the array."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from menagerie.archives.layout import Picture
from menagerie.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("index", "path", "class", "folder", "group", "width", "height", "mode", "sha256", "status")
NUMBERS = ("index", "width", "height")
OK = "ok"
TRUNCATED = ", truncated"  # ends the mode of a picture of which only a part was there, where that is accepted


class Record(NamedTuple):
    """What decoding a picture tells of it."""

    width: int  # pixels, as stored; 0 where it is unreadable
    height: int
    mode: str  # Pillow's, as stored, and TRUNCATED where it is; empty where it is unreadable
    sha256: str  # of the file's bytes
    status: str  # OK or why it is unreadable


def write_manifest(path: Path, pictures: Sequence[Picture], records: Iterable[Record]) -> None:
    """The same pictures and records give the same bytes."""
    with path.open("w", encoding="utf-8", newline="") as file:
        # Quotes around all text: a name may hold a bare carriage return, which not every csv quotes.
        writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        writer.writerow(COLUMNS)
        for index, (picture, record) in enumerate(zip(pictures, records, strict=True)):
            about = (picture.path, picture.class_name, picture.folder, picture.group)
            writer.writerow((index, *about, *record))


def read_manifest(path: Path) -> pd.DataFrame:
    """The manifest with text as text: a class named `000`, `NA` or `1e5` keeps its name."""
    import pandas as pd  # not above: the processes that decode would each take half a second to load it

    kinds = {column: "int64" if column in NUMBERS else str for column in COLUMNS}
    return pd.read_csv(path, dtype=kinds, na_filter=False, encoding="utf-8")


def class_names(manifest: pd.DataFrame) -> list[str]:
    """The classes in the order of their labels: sorted, as Keras sorts folders."""
    return sorted(manifest["class"].unique())


def check_readable(manifest: pd.DataFrame | Mapping[str, Sequence[str]], max_unreadable: float) -> None:
    """Raise DataError when more than a share `max_unreadable` (0 to 1) of the pictures is unreadable.

    Of the manifest it needs `path` and `status`.
    """
    about = list(zip(manifest["path"], manifest["status"], strict=True))
    unreadable = [f"  {path!r}: {status}" for path, status in about if status != OK]
    if len(unreadable) <= max_unreadable * len(about):
        return
    cut = any("truncated" in status.lower() for _, status in about)
    hint = ", or set dataset.truncated to accept: it takes of truncated ones what there is" if cut else ""
    more = [f"  and {len(unreadable) - 5} more"] if len(unreadable) > 5 else []
    raise DataError(
        f"{len(unreadable)} of {len(about)} pictures are unreadable, and dataset.max_unreadable is "
        f"{max_unreadable}; mend them, leave them out or raise it{hint}:\n" + "\n".join(unreadable[:5] + more)
    )
