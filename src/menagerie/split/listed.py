"""A split that a person wrote down: a CSV of pictures and what each is for."""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from menagerie.data import SPLITS
from menagerie.errors import DataError
from menagerie.split.folders import Parts

OUT = ("", "none")  # what leaves a picture out


def as_listed(files: pd.DataFrame, path: Path) -> Parts:
    """Take what the CSV at `path` says in its columns `path`, as the manifest has it, and `split`.

    A split is train, val, test or, for a picture that is left out, none or nothing. Every readable picture
    needs a line.

    Raises:
        DataError: the file cannot be read as such, or has a line that is wrong, or lacks one.
    """
    place = {name: row for row, name in enumerate(files["path"])}
    said: dict[str, tuple[int, str]] = {}  # of a picture, the number of its line and its split
    for line, name, split in _lines(path):
        where = f"{path}, line {line}"
        if name not in place:
            raise DataError(
                f"{where}: {name!r} is no picture of the data set; expected paths as in its manifest.csv, "
                f"such as {files['path'].iloc[0]!r}"
            )
        if name in said:
            raise DataError(f"{where}: {name!r} stands in line {said[name][0]} already; remove one of them")
        if split not in (*SPLITS, *OUT):
            raise DataError(
                f"{where}: the split of {name!r} is {split!r}; expected train, val, test or, to leave it "
                "out, none"
            )
        said[name] = line, split
    missing = [name for name in files.loc[files["status"] == "ok", "path"] if name not in said]
    if missing:
        raise DataError(
            f"{path}: {len(missing)} of {len(files)} pictures have no line, such as {missing[0]!r}; add one "
            "for each, with split none to leave it out"
        )
    return {
        part: np.sort(np.array([place[name] for name, (_, split) in said.items() if split == part], np.int64))
        for part in SPLITS
    }


def _lines(path: Path) -> Iterator[tuple[int, str, str]]:
    """The number, path and split of each line; of text over several lines, the last one's number."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:  # Excel puts a mark in front
            reader = csv.DictReader(file)
            found = reader.fieldnames or []
            if not {"path", "split"} <= set(found):
                raise DataError(
                    f"{path}, line 1: the columns are {', '.join(found) or 'none'}; expected path and split, "
                    "with a comma between them"
                )
            for row in reader:
                yield reader.line_num, row["path"], (row["split"] or "").strip()
    except FileNotFoundError:
        raise DataError(
            f"dataset.split.path is {path}, which is not in {Path.cwd()}; give a path from the root of the "
            "repository, or a whole one"
        ) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is no CSV in UTF-8 ({error}); save it as one") from None
