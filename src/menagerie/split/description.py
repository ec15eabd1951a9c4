"""What a data set holds: the numbers that a person wants first, for report.json."""

from typing import Any

import numpy as np
import pandas as pd

from menagerie.data import SPLITS, gather
from menagerie.split.duplicates import Duplicates

LISTED = 100  # of each kind: a report is to be read


def describe(manifest: pd.DataFrame, table: pd.DataFrame) -> dict[str, Any]:
    """Sum a split up: pictures by class and split, their sizes as stored, unreadable ones, shared ones."""
    counts = pd.crosstab(table["class"], table["split"]).reindex(columns=list(SPLITS))
    bad = manifest[manifest["status"] != "ok"]
    test = set(table.loc[table["split"] == "test", "index"])
    shared = {name: len(test & set(table.loc[table["split"] == name, "index"])) for name in ("train", "val")}
    return {
        "pictures": len(manifest),
        "classes": {name: row.to_dict() for name, row in counts.iterrows()},
        "splits": counts.sum().to_dict(),
        "test_pictures_also_in": shared,
        "unreadable": dict(zip(bad["path"], bad["status"], strict=True)),
    }


def sizes(manifest: pd.DataFrame) -> dict[str, Any]:
    """Widths, heights and aspect ratios (width / height) of the readable pictures as stored, in pixels."""
    good = manifest[manifest["status"] == "ok"]
    measures = {"width": good["width"], "height": good["height"], "aspect": good["width"] / good["height"]}
    found = {name: _quantiles(values) for name, values in measures.items()}
    return found | {"modes": good["mode"].value_counts().sort_index().to_dict()}


def _quantiles(values: pd.Series) -> dict[str, float]:
    return {name: float(values.quantile(q)) for name, q in (("min", 0), ("median", 0.5), ("max", 1))}


def pixel_histogram(images: np.ndarray, rows: np.ndarray, most: int = 5000) -> np.ndarray:
    """Count pixel values int (3, 256) by channel (R, G, B), of at most `most` of the rows, evenly spread."""
    chosen = rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(int)]
    counts = np.zeros((3, 256), dtype=np.int64)
    for start in range(0, len(chosen), 256):
        batch = gather(images, chosen[start : start + 256]).reshape(-1, 3)
        counts += np.stack([np.bincount(batch[:, channel], minlength=256) for channel in range(3)])
    return counts


def pixel_statistics(histogram: np.ndarray) -> dict[str, Any]:
    """Range over all channels, and mean and standard deviation of each (R, G, B); values are 0..255."""
    values = np.arange(256)
    seen = values[histogram.sum(axis=0) > 0]
    count = histogram.sum(axis=1)
    mean = histogram @ values / count
    deviation = np.sqrt(histogram @ values**2 / count - mean**2)
    return {
        "range": [int(seen[0]), int(seen[-1])],
        "mean": mean.round(3).tolist(),
        "std": deviation.round(3).tolist(),
    }


def groups_on_both_sides(table: pd.DataFrame) -> dict[str, int] | None:
    """How many groups there are, and how many of those with test pictures stand in train, or val, too.

    None where the split table has no groups.
    """
    if "group" not in table:
        return None
    side = {name: set(table.loc[table["split"] == name, "group"]) for name in SPLITS}
    return {
        "groups": len(set.union(*side.values())),
        "in_test": len(side["test"]),
        "in_test_and_train": len(side["test"] & side["train"]),
        "in_test_and_val": len(side["test"] & side["val"]),
    }


def examples(table: pd.DataFrame, count: int) -> np.ndarray:
    """Rows int (classes, count) of the picture array: training pictures of each class, chosen at random.

    Always the same ones; classes with fewer pictures show some of them again.
    """
    train = table[table["split"] == "train"]
    rng = np.random.default_rng(0)
    rows = [group["index"].to_numpy() for _, group in train.groupby("label")]
    return np.stack([rng.choice(group, count, replace=len(group) < count) for group in rows])


def duplicates(
    table: pd.DataFrame,
    found: Duplicates,
    leaks: pd.DataFrame,
    differing: pd.DataFrame,
    dropped: pd.DataFrame,
) -> dict[str, Any]:
    """Count what is there more than once in a split, apart for `exact` copies and for `near` duplicates.

    Of each kind: the pictures that are like an earlier one; the leaks, which are pictures of one split that
    an earlier one holds too; the conflicts, which are pairs of different classes; of both the first LISTED.
    `leaks` and `differing`, the conflicts, are those before anything was dropped: what is kept of two
    pictures may be the one with the wrong label. Near duplicates are candidates that nobody has looked at.
    """
    rows = table["index"].unique()
    copied = found.copies[rows] != rows
    like = {"exact": copied, "near": (found.groups[rows] != rows) & ~copied}
    kinds = {
        kind: {"pictures": int(like[kind].sum())}
        | _listed(leaks[leaks["kind"] == kind], differing[differing["kind"] == kind])
        for kind in like
    }
    return kinds | {"dropped": len(dropped), "dropped_pictures": dropped["path"].head(LISTED).tolist()}


def _listed(leaks: pd.DataFrame, differing: pd.DataFrame) -> dict[str, Any]:
    counts = leaks.groupby(["split", "other_split"]).size().rename("count").reset_index()
    return {
        "leaks": counts.to_dict("records"),
        "leaked": leaks.head(LISTED).to_dict("records"),
        "conflicts": len(differing),
        "conflicting": differing.head(LISTED).to_dict("records"),
    }


def labels_fixed(said: dict[str, str], changed: pd.DataFrame) -> dict[str, Any]:
    """Count the `lines` of dataset.labels_fixed and what they `changed`, of which the first LISTED."""
    return {
        "lines": len(said),
        "changed": len(changed),
        "pictures": changed.head(LISTED).to_dict("records"),
    }
