"""Labels that a person put right: a CSV of pictures and the class that each is of."""

from pathlib import Path

import pandas as pd

from menagerie.errors import DataError, unknown
from menagerie.prepare.manifest import class_names
from menagerie.split.entries import entries


def read_corrections(path: str | None, manifest: pd.DataFrame) -> dict[str, str]:
    """Read the class of pictures, by their path, from the columns `path` and `class` of the CSV at `path`.

    Of none without a file. A picture without a line keeps its label; a line may say the label that there is.

    Raises:
        DataError: the file cannot be read as such, or a line names no picture or no class of the manifest.
    """
    if path is None:
        return {}
    classes, said = class_names(manifest), {}
    for where, picture, written in entries(Path(path), "class", "dataset.labels_fixed", manifest["path"]):
        name = written if written in classes else written.strip()
        if name not in classes:
            raise DataError(f"{where}: of {picture!r}: {unknown('class', name, classes)}")
        said[picture] = name
    return said


def corrected(table: pd.DataFrame, said: dict[str, str], classes: list[str]) -> pd.DataFrame:
    """The split table with the labels as said, and each picture in the split that it was in.

    So a label that is put right moves no picture, neither its own nor, since policies deal out by class,
    another. `classes` are those of the manifest, sorted.
    """
    names = _names(table, said)
    numbers = {name: number for number, name in enumerate(classes)}
    return table.assign(**{"class": names, "label": [numbers[name] for name in names]})


def changes(manifest: pd.DataFrame, said: dict[str, str]) -> pd.DataFrame:
    """The pictures whose label was put right, in the manifest's order: path, class as it came, corrected."""
    known = manifest[["path", "class"]].assign(corrected=_names(manifest, said))
    return known[known["corrected"] != known["class"]].reset_index(drop=True)


def _names(pictures: pd.DataFrame, said: dict[str, str]) -> list[str]:
    return [said.get(path, name) for path, name in zip(pictures["path"], pictures["class"], strict=True)]
