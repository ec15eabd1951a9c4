"""The prepared data set as training and evaluation read it: pictures on disk, rows and labels in memory."""

import mmap
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Subset:
    """One split: `rows` of the picture array, int64 (n,); `labels`, int32 (n,); member `paths`, str (n,)."""

    rows: np.ndarray
    labels: np.ndarray
    paths: np.ndarray


@dataclass(frozen=True)
class Data:
    """Pictures (N, height, width, 3) uint8, memory-mapped and read-only; class names by label; the splits."""

    images: np.ndarray
    classes: list[str]
    subsets: dict[str, Subset]


def load_data(images: Path, split: Path) -> Data:
    """Open the picture array and read which of its rows belong to which split."""
    table = pd.read_csv(split, dtype={"class": str, "path": str}, keep_default_na=False)
    classes = table[["label", "class"]].drop_duplicates().sort_values("label")["class"].tolist()
    return Data(
        np.load(images, mmap_mode="r"),
        classes,
        {name: _subset(table[table["split"] == name]) for name in SPLITS},
    )


def _subset(table: pd.DataFrame) -> Subset:
    return Subset(
        table["index"].to_numpy(np.int64), table["label"].to_numpy(np.int32), table["path"].to_numpy(object)
    )


def gather(images: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Copy pictures (n, height, width, 3) out of the memory map and let go of the pages it touched.

    Without that, every picture ever read would count as the process's memory. It goes in pieces, since
    the system may map 2 MiB around each row.
    """
    pixels = np.asarray(images)
    batch = np.empty((len(rows), *images.shape[1:]), images.dtype)
    for start in range(0, len(rows), 16):
        piece = slice(start, start + 16)
        batch[piece] = pixels[rows[piece]]
        if hasattr(mmap, "MADV_DONTNEED"):  # not on Windows
            images._mmap.madvise(mmap.MADV_DONTNEED)
    return batch
