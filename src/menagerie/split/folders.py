"""Splits that the data set's own folders say, alone or with a notebook's way to take val out of train."""

import numpy as np
import pandas as pd

from menagerie.archives.naming import SPLIT_FOLDERS
from menagerie.errors import DataError
from menagerie.params.dataset import FoldersSplit, KerasSplit

Parts = dict[str, np.ndarray]  # the positions, in the table that it was made of, that each split gets

KERAS_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png")  # what image_dataset_from_directory lists


def as_keras(files: pd.DataFrame, policy: KerasSplit) -> Parts:
    """Rebuild `keras.utils.image_dataset_from_directory(validation_split=..., seed=...)`.

    It sorts classes and the files in each, looking at no more than their names, shuffles with
    RandomState(seed) and takes the tail. Files of other suffixes are in no split. A notebook that splits
    so and has no other folder tests on what it validates on.
    """
    rows = _keras_lists(files, policy.train_folder)
    np.random.RandomState(policy.seed).shuffle(rows)
    tail = len(rows) - int(policy.validation_split * len(rows))
    val = rows[tail:]
    test = val if policy.test_folder is None else _keras_lists(files, policy.test_folder)
    return {"train": rows[:tail], "val": val, "test": test}


def _keras_lists(files: pd.DataFrame, folder: str) -> np.ndarray:
    rows = _in_folders(files, (folder,))
    return rows[files["path"].iloc[rows].str.lower().str.endswith(KERAS_SUFFIXES)]


def as_named(files: pd.DataFrame, policy: FoldersSplit) -> Parts:
    """Take the folders that the policy names, and the last `val_last` files of train as val.

    The last ones by folder, in the policy's order, and by file name, which in CIFAR-10's batches is
    the official order.
    """
    train = np.concatenate([_by_file_name(files, _in_folders(files, (name,))) for name in policy.train])
    kept = len(train) - policy.val_last
    val = [train[kept:], *(_in_folders(files, (name,)) for name in policy.val)]
    return {"train": train[:kept], "val": np.concatenate(val), "test": _in_folders(files, policy.test)}


def as_found(pictures: pd.DataFrame) -> Parts:
    """The folders train, val and test by their usual names; a split without a folder is left out.

    Nothing where there is no such folder.

    Raises:
        DataError: some pictures lie in such folders and others do not, or none lies in train.
    """
    folder = pictures["folder"].str.lower()
    parts = {name: np.flatnonzero(folder.isin(names)) for name, names in SPLIT_FOLDERS.items()}
    parts = {name: rows for name, rows in parts.items() if len(rows)}
    if parts and ("train" not in parts or sum(map(len, parts.values())) < len(pictures)):
        found = ", ".join(sorted(pictures["folder"].unique()))
        raise DataError(
            f"the folders {found} are no split; name them train, val and test (val may be missing)"
        )
    return parts


def _in_folders(pictures: pd.DataFrame, names: tuple[str, ...]) -> np.ndarray:
    rows = np.flatnonzero(pictures["folder"].isin(names))
    if not len(rows):
        found = ", ".join(sorted(pictures["folder"].unique())) or "none"
        raise DataError(f"no picture in folder {', '.join(names) or '(none)'}; folders there: {found}")
    return rows


def _by_file_name(pictures: pd.DataFrame, rows: np.ndarray) -> np.ndarray:
    names = pictures["path"].iloc[rows].str.rpartition("/")[2]
    return rows[np.argsort(names.to_numpy(), kind="stable")]
