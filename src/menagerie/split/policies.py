"""Split policies: which pictures train, which select, which test."""

from pathlib import Path

import numpy as np
import pandas as pd

from menagerie.data import SPLITS
from menagerie.errors import DataError
from menagerie.params.dataset import (
    FileSplit,
    FoldersSplit,
    GroupSplit,
    KerasSplit,
    KFoldSplit,
    Split,
    StableSplit,
    StratifiedSplit,
)
from menagerie.prepare.manifest import class_names
from menagerie.split.chance import by_group, holdout, kfold
from menagerie.split.folders import Parts, as_keras, as_named
from menagerie.split.listed import as_listed
from menagerie.split.stable import by_content, unit_names

COLUMNS = ("index", "split", "label", "class", "path", "group")  # of a split table; the last one with groups


def split(
    manifest: pd.DataFrame,
    policy: Split,
    groups: np.ndarray | None = None,
    duplicates: np.ndarray | None = None,
) -> pd.DataFrame:
    """Deal the readable pictures of a manifest out to train, val and test.

    The policies `keras`, `folders` and `file` go by files, readable or not: an unreadable one is missing
    in its own split, and moves no other picture to another one.

    `groups`, str (len(manifest),), names each picture's group; the policies `group` and `stable` keep
    groups in one split. `duplicates`, int (len(manifest),), is the same number for pictures that must stay
    together whatever the policy; only `stratified` and `stable` can.

    Returns:
        One row for each picture of each split, in the manifest's order: index (row of the picture
        array), split, label (0.., the class's place in the sorted names), class, path and, with groups,
        group (0.., its place in the sorted names). A picture stands twice where a policy uses it as
        val and as test, and not at all where it uses it nowhere.

    Raises:
        DataError: a class has no readable picture, or none in one of the splits, or the policy asks
            for folders or a file that are not there.
    """
    classes = class_names(manifest)
    readable = (manifest["status"] == "ok").to_numpy()
    if gone := sorted(set(classes) - set(manifest.loc[readable, "class"])):
        raise DataError(f"no picture of class {', '.join(gone)} can be read; the manifest says why")
    label = {name: number for number, name in enumerate(classes)}
    # A table of labels may tell groups that dataset.groups does not ask for.
    files = manifest.drop(columns="group", errors="ignore").assign(label=manifest["class"].map(label))
    if groups is not None:
        files["group"] = np.unique(groups, return_inverse=True)[1]
    pictures = files[readable].reset_index(drop=True)
    if duplicates is not None and not isinstance(policy, StratifiedSplit | StableSplit):
        raise DataError(
            f"dataset.duplicates=keep_together needs split.policy stratified or stable: {policy.policy} says "
            "itself where each picture goes; use dataset.duplicates=drop with it"
        )
    if isinstance(policy, KerasSplit | FoldersSplit | FileSplit):
        parts = _readable(_by_files(files, policy), readable)
    else:
        own = [None if values is None else values[readable] for values in (groups, duplicates)]
        parts = _by_pictures(pictures, policy, *own)
    table = pd.concat([pictures.iloc[np.sort(parts[name])].assign(split=name) for name in SPLITS])
    check_classes(table, classes)
    return table[[name for name in COLUMNS if name in table]].reset_index(drop=True)


def _by_files(files: pd.DataFrame, policy: KerasSplit | FoldersSplit | FileSplit) -> Parts:
    match policy:
        case KerasSplit():
            return as_keras(files, policy)
        case FoldersSplit():
            return as_named(files, policy)
        case FileSplit():
            return as_listed(files, Path(policy.path))


def _by_pictures(
    pictures: pd.DataFrame,
    policy: StableSplit | StratifiedSplit | KFoldSplit | GroupSplit,
    groups: np.ndarray | None,
    together: np.ndarray | None,
) -> Parts:
    match policy:
        case StableSplit():
            return by_content(pictures, policy, unit_names(pictures["sha256"].to_numpy(), groups, together))
        case StratifiedSplit():
            return holdout(pictures, policy, together)
        case KFoldSplit():
            return kfold(pictures, policy)
        case GroupSplit():
            return by_group(pictures, policy)


def _readable(parts: Parts, readable: np.ndarray) -> Parts:
    """Leave unreadable files out of parts of all files; what is left is counted among the readable ones."""
    place = np.cumsum(readable) - 1
    return {name: place[rows[readable[rows]]] for name, rows in parts.items()}


def without_duplicates(table: pd.DataFrame, groups: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Keep one picture of each group of duplicates: one in test, else in val, else in train.

    So a published test set stays as it is, and what leaked from it goes out of train. `groups`, int (N,),
    is the same number for duplicates, by row of the picture array.

    Returns:
        The split table without the other pictures, and the lines of those.
    """
    rank = table["split"].map({"test": 0, "val": 1, "train": 2})
    alike = groups[table["index"]]
    ordered = table.assign(alike=alike, rank=rank).sort_values(["rank", "index"])
    kept = table["index"].isin(ordered.drop_duplicates("alike")["index"])
    return table[kept].reset_index(drop=True), table[~kept].reset_index(drop=True)


def check_classes(table: pd.DataFrame, classes: list[str]) -> None:
    """Raise DataError when a class has no picture in one of the splits."""
    for name in SPLITS:
        if missing := sorted(set(classes) - set(table.loc[table["split"] == name, "class"])):
            raise DataError(
                f"class {', '.join(missing)} has no picture in {name}; "
                "add pictures of it, or change dataset.split: its shares, its seed or its file"
            )
