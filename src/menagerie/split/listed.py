"""A split that a person wrote down: a CSV of pictures and what each is for."""

from pathlib import Path

import numpy as np
import pandas as pd

from menagerie.data import SPLITS
from menagerie.errors import DataError
from menagerie.split.entries import entries
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
    said: dict[str, str] = {}  # of a picture, its split
    for where, name, written in entries(path, "split", "dataset.split.path", files["path"]):
        split = written.strip()
        if split not in (*SPLITS, *OUT):
            raise DataError(
                f"{where}: the split of {name!r} is {split!r}; expected train, val, test or, to leave it "
                "out, none"
            )
        said[name] = split
    missing = [name for name in files.loc[files["status"] == "ok", "path"] if name not in said]
    if missing:
        raise DataError(
            f"{path}: {len(missing)} of {len(files)} pictures have no line, such as {missing[0]!r}; add one "
            "for each, with split none to leave it out"
        )
    return {
        part: np.sort(np.array([place[name] for name, split in said.items() if split == part], np.int64))
        for part in SPLITS
    }
