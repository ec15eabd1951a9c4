"""The figures of the data report: what they show of a split, and their titles."""

from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pandas as pd

from menagerie.plots import data as plots
from menagerie.plots import pictures
from menagerie.plots.style import MANY
from menagerie.split.description import examples

PAIRS = {
    "leaks": "pictures of one split that another holds, too",
    "conflicts": "one picture in two classes, or two that look alike",
    "dropped": "what was dropped, and what was kept instead",
    "duplicates": "exact copies and pictures that look alike in one split and class",
}


def of_content(
    title: str, images: np.ndarray, table: pd.DataFrame, counts: pd.DataFrame, histogram: np.ndarray
) -> dict[str, Any]:
    """What a split holds, by the name of its file; `counts` are pictures by class (rows) and split."""
    some = examples(table, 10 if len(counts) <= MANY else 5)
    paths = table.drop_duplicates("index").set_index("index")["path"]
    files = [[PurePosixPath(paths[index]).name for index in row] for row in some]
    return {
        "classes": plots.class_counts(counts, f"{title}: pictures by class and split"),
        "pixels": plots.pixel_values(histogram, f"{title}: pixel values as prepared"),
        "examples": pictures.picture_grid(
            images[some], list(counts.index), f"{title}: training pictures", files
        ),
    }


def of_faults(
    title: str, images: np.ndarray, pairs: dict[str, pd.DataFrame], alone: pd.DataFrame
) -> dict[str, Any]:
    """What is wrong with the pictures, from shown.pairs and shown.alone; none where nothing is."""
    found = {
        kind: pictures.picture_pairs(
            images[table[["index", "other_index"]].to_numpy()],
            list(table["caption"]),
            f"{title}: {PAIRS[kind]}",
        )
        for kind, table in pairs.items()
    }
    if len(alone):
        said = f"{title}: pictures that stand out"
        found["flags"] = pictures.captioned_pictures(images[alone["index"]], list(alone["caption"]), said)
    return found
