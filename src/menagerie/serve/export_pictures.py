"""The real pictures that an exported file is checked with, and those that int8 takes its ranges from."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from menagerie import paths
from menagerie.data import gather, load_data
from menagerie.errors import DataError
from menagerie.files import file_sha256
from menagerie.model_facts import ModelFacts
from menagerie.prepare.opening import UnreadableError
from menagerie.serve.predictor import pixels_of

CHECKED = 2000  # pictures at most
SEEN = 200


class Sample(NamedTuple):
    """Pictures uint8 (n, height, width, 3), labels int (n,) or None, and what they are in a few words."""

    pictures: np.ndarray
    labels: np.ndarray | None
    told: str


def of_workspace(facts: ModelFacts) -> tuple[Sample, np.ndarray]:
    """Of the workspace that the model was trained in: val to check with, and pictures of train.

    Raises:
        DataError: the pictures or the split are not there, or are others than the model was trained with.
    """
    images, split = paths.images(facts.dataset), paths.split(facts.dataset)
    wanted = ((images, facts.images_sha256), (split, facts.split_sha256))
    for path, sha256 in wanted:
        if not path.exists() or file_sha256(path) != sha256:
            state = "is another than the model was trained with" if path.exists() else "is not there"
            raise DataError(
                f"{path} {state}, so val cannot check the exported file; name other pictures with "
                "--pictures FOLDER, or make it again: dvc pull"
            )
    data = load_data(images, split)
    val, train = data.subsets["val"], data.subsets["train"]
    chosen, seen = _spread(len(val.rows), CHECKED), _spread(len(train.rows), SEEN)
    told = f"val of {facts.dataset}" if len(chosen) == len(val.rows) else f"of val of {facts.dataset}"
    checked = Sample(gather(data.images, val.rows[chosen]), val.labels[chosen], told)
    return checked, gather(data.images, train.rows[seen])


def of_folder(folder: Path, facts: ModelFacts) -> tuple[Sample, np.ndarray]:
    """Of a folder: with labels where every picture lies in one named as a class.

    Raises:
        DataError: no picture in it can be read.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    pictures, names, broken = [], [], 0
    for path in (files[place] for place in _spread(len(files), CHECKED)):
        try:
            pictures.append(pixels_of(path.read_bytes(), facts.pixels))
            names.append(path.parent.name)
        except UnreadableError:
            broken += 1
    if not pictures:
        raise DataError(f"{folder} holds no picture that can be read; name a folder of some with --pictures")
    labels = None
    if set(names) <= set(facts.classes):
        labels = np.array([facts.classes.index(name) for name in names])
    told = f"of {folder}" + (f", {broken} others could not be read" if broken else "")
    checked = Sample(np.stack(pictures), labels, told)
    return checked, checked.pictures[_spread(len(pictures), SEEN)]


def _spread(count: int, most: int) -> np.ndarray:
    """At most so many places of `count`, evenly spread: pictures are sorted by class."""
    return np.linspace(0, count - 1, min(count, most)).round().astype(int) if count else np.arange(0)
