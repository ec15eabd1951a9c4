"""The prepared data set as training and evaluation read it: pictures on disk, rows and labels in memory."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from menagerie.errors import DataError

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Subset:
    """One split: `rows` of the picture array, int64 (n,); `labels`, int32 (n,); member `paths`, str (n,).

    `groups`, int64 (n,), is the same number for pictures that belong together, such as those of one signer;
    None where the data set has no groups.
    """

    rows: np.ndarray
    labels: np.ndarray
    paths: np.ndarray
    groups: np.ndarray | None = None


@dataclass(frozen=True)
class Data:
    """Pictures (N, height, width, 3) uint8, memory-mapped and read-only; class names by label; the splits."""

    images: np.ndarray
    classes: list[str]
    subsets: dict[str, Subset]


def open_images(path: Path) -> np.memmap:
    """The picture array (N, height, width, 3) uint8, memory-mapped and read-only.

    Raises:
        DataError: the file is none.
    """
    try:
        images = np.lib.format.open_memmap(path, mode="r")  # which reads no pickle: that could run code
        if (images.dtype, images.ndim) != (np.uint8, 4):
            raise ValueError(f"expected uint8 in 4 dimensions, not {images.dtype} in {images.ndim}")
    except OSError:
        raise
    except Exception as error:  # of a header that is not as it expects, NumPy may raise anything
        raise DataError(f"{path} is no array of pictures ({error}); remove it and run `dvc repro`") from error
    return images


def load_data(images: Path, split: Path) -> Data:
    """Open the picture array and read which of its rows belong to which split."""
    table = pd.read_csv(split, dtype={"class": str, "path": str}, keep_default_na=False)
    classes = table[["label", "class"]].drop_duplicates().sort_values("label")["class"].tolist()
    return Data(
        open_images(images),
        classes,
        {name: _subset(table[table["split"] == name]) for name in SPLITS},
    )


def _subset(table: pd.DataFrame) -> Subset:
    return Subset(
        table["index"].to_numpy(np.int64),
        table["label"].to_numpy(np.int32),
        table["path"].to_numpy(object),
        table["group"].to_numpy(np.int64) if "group" in table else None,
    )


def gather(images: np.memmap, rows: np.ndarray) -> np.ndarray:
    """Copy pictures (n, height, width, 3) from the file under a memory map, as np.load opens it.

    Reading the file is several times faster than touching the map, page by page, and what was read does not
    count as the process's memory.

    Raises:
        DataError: the file ends before a row does.
    """
    batch = np.empty((len(rows), *images.shape[1:]), images.dtype)
    size = images[:1].nbytes
    with suppress(FileNotFoundError), Path(images.filename).open("rb") as file:
        for picture, row in zip(batch, rows.tolist(), strict=True):
            file.seek(images.offset + row * size)
            if file.readinto(picture) != size:
                raise DataError(f"{images.filename} is cut off in row {row}; remove it and run `dvc repro`")
        return batch
    return np.asarray(images)[rows]  # another run swept the file (train/prefix.py); the map still holds it
