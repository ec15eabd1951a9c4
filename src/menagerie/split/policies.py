"""Split policies: which pictures train, which select, which test."""

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedKFold, train_test_split

from menagerie.archives.layout import SPLIT_FOLDERS
from menagerie.data import SPLITS
from menagerie.errors import DataError
from menagerie.params.dataset import (
    FoldersSplit,
    GivenSplit,
    GroupSplit,
    KerasSplit,
    KFoldSplit,
    Split,
    StratifiedSplit,
)
from menagerie.prepare.manifest import class_names

Parts = dict[str, np.ndarray]  # the positions, in the table that it was made of, that each split gets

KERAS_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png")  # what image_dataset_from_directory lists


def split(
    manifest: pd.DataFrame,
    policy: Split,
    groups: np.ndarray | None = None,
    duplicates: np.ndarray | None = None,
) -> pd.DataFrame:
    """Deal the readable pictures of a manifest out to train, val and test.

    The policies `keras` and `folders` count files as the notebooks did, readable or not: an unreadable one
    is missing in its own split, and moves no other picture to another one.

    `groups`, int (len(manifest),), is the same number for pictures of one group; the policy `group`
    keeps them in one split. `duplicates` likewise for pictures that must stay together whatever the
    policy; only those that deal by chance can.

    Returns:
        One row for each picture of each split, in the manifest's order: index (row of the picture
        array), split, label (0.., the class's place in the sorted names), class, path. A picture
        stands twice where a policy uses it as val and as test, and not at all where it uses it nowhere.

    Raises:
        DataError: a class has no readable picture, or none in one of the splits, or the policy asks
            for folders that are not there.
    """
    readable = (manifest["status"] == "ok").to_numpy()
    classes = class_names(manifest)
    label = {name: number for number, name in enumerate(classes)}
    files = manifest.assign(label=manifest["class"].map(label))
    pictures = files[readable].reset_index(drop=True)
    if gone := sorted(set(classes) - set(pictures["class"])):
        raise DataError(f"no picture of class {', '.join(gone)} can be read; the manifest says why")
    together = None if duplicates is None else duplicates[readable]
    if together is not None and isinstance(policy, KerasSplit | FoldersSplit | KFoldSplit | GroupSplit):
        raise DataError(
            f"dataset.duplicates=keep_together needs split.policy stratified or given: {policy.policy} says "
            "itself where each picture goes; use dataset.duplicates=drop with it"
        )
    match policy:
        case KerasSplit():
            parts = _readable(_keras(files, policy), readable)
        case FoldersSplit():
            parts = _readable(_folders(files, policy), readable)
        case GivenSplit():
            parts = _given(pictures, policy, together)
        case StratifiedSplit():
            parts = _holdout(pictures, np.arange(len(pictures)), policy, {"val", "test"}, together)
        case KFoldSplit():
            parts = _kfold(pictures, policy)
        case GroupSplit():
            parts = _group(pictures, policy, None if groups is None else groups[readable])
    table = pd.concat([pictures.iloc[np.sort(parts[name])].assign(split=name) for name in SPLITS])
    check_classes(table, classes)
    return table[["index", "split", "label", "class", "path"]].reset_index(drop=True)


def _readable(parts: Parts, readable: np.ndarray) -> Parts:
    """Leave unreadable files out of parts of all files; what is left is counted among the readable ones."""
    place = np.cumsum(readable) - 1
    return {name: place[rows[readable[rows]]] for name, rows in parts.items()}


def _keras(files: pd.DataFrame, policy: KerasSplit) -> Parts:
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


def _folders(files: pd.DataFrame, policy: FoldersSplit) -> Parts:
    """Take the folders that the policy names, and the last `val_last` files of train as val.

    The last ones by folder, in the policy's order, and by file name, which in CIFAR-10's batches is
    the official order.
    """
    train = np.concatenate([_by_file_name(files, _in_folders(files, (name,))) for name in policy.train])
    kept = len(train) - policy.val_last
    val = [train[kept:], *(_in_folders(files, (name,)) for name in policy.val)]
    return {"train": train[:kept], "val": np.concatenate(val), "test": _in_folders(files, policy.test)}


def _given(pictures: pd.DataFrame, policy: GivenSplit, together: np.ndarray | None) -> Parts:
    """Take the folders train, val and test as far as they are there; deal the others out of train.

    Without any such folder everything is dealt out.
    """
    parts = {
        name: np.flatnonzero(pictures["folder"].str.lower().isin(names))
        for name, names in SPLIT_FOLDERS.items()
    }
    known = sum(map(len, parts.values()))
    if known == 0:
        return _holdout(pictures, np.arange(len(pictures)), policy, {"val", "test"}, together)
    if known < len(pictures) or not len(parts["train"]):
        found = ", ".join(sorted(pictures["folder"].unique()))
        raise DataError(
            f"the folders {found} are no split; name them train, val and test (val may be missing)"
        )
    missing = {name for name in ("val", "test") if not len(parts[name])}
    return parts | _holdout(pictures, parts["train"], policy, missing, together)


def _in_folders(pictures: pd.DataFrame, names: tuple[str, ...]) -> np.ndarray:
    rows = np.flatnonzero(pictures["folder"].isin(names))
    if not len(rows):
        found = ", ".join(sorted(pictures["folder"].unique())) or "none"
        raise DataError(f"no picture in folder {', '.join(names) or '(none)'}; folders there: {found}")
    return rows


def _by_file_name(pictures: pd.DataFrame, rows: np.ndarray) -> np.ndarray:
    names = pictures["path"].iloc[rows].str.rpartition("/")[2]
    return rows[np.argsort(names.to_numpy(), kind="stable")]


def _holdout(
    pictures: pd.DataFrame,
    rows: np.ndarray,
    policy: GivenSplit | StratifiedSplit | GroupSplit,
    wanted: set[str],
    together: np.ndarray | None,
    stratify: bool = True,
) -> Parts:
    """Deal `rows` out: of each class the shares of the `wanted` ones of val and test, the rest to train.

    Rows with the same number in `together` stay on one side; they count as one, of the first's class.
    """
    labels = pictures["label"].to_numpy()
    numbers = rows if together is None else together[rows]
    unit_numbers, first = np.unique(numbers, return_index=True)
    units, parts = np.arange(len(unit_numbers)), {}
    unit_labels = labels[rows[first]] if stratify else None
    left = 1.0
    for name in ("test", "val"):
        if name in wanted:
            share = getattr(policy, name)
            units, taken = _deal(pictures, units, share / left, unit_labels, policy)
            parts[name] = rows[np.isin(numbers, unit_numbers[taken])]
            left -= share
    return parts | {"train": rows[np.isin(numbers, unit_numbers[units])]}


def _deal(
    pictures: pd.DataFrame,
    units: np.ndarray,
    share: float,
    labels: np.ndarray | None,
    policy: GivenSplit | StratifiedSplit | GroupSplit | KFoldSplit,
) -> tuple[np.ndarray, np.ndarray]:
    try:
        kept, taken = train_test_split(
            units,
            test_size=share,
            stratify=None if labels is None else labels[units],
            random_state=policy.seed,
        )
    except (ValueError, ZeroDivisionError) as error:
        counts = pictures["class"].value_counts()
        shares = ", ".join(
            f"{name} {getattr(policy, name):g}" for name in ("val", "test") if hasattr(policy, name)
        )
        raise DataError(
            f"the classes cannot all be in train, val and test: the smallest, {counts.idxmin()}, has "
            f"{counts.min()} pictures, dataset.split gives {shares} ({error}); add pictures or change them"
        ) from error
    return kept, taken


def _kfold(pictures: pd.DataFrame, policy: KFoldSplit) -> Parts:
    """Test on the fold of that number, from 0, of stratified k-fold; take val's share of the others."""
    labels = pictures["label"].to_numpy()
    if policy.fold >= policy.folds:
        raise DataError(
            f"dataset.split.fold is {policy.fold}; with {policy.folds} folds it goes to {policy.folds - 1}"
        )
    if (smallest := pictures["class"].value_counts()).min() < policy.folds:
        raise DataError(
            f"class {smallest.idxmin()} has {smallest.min()} pictures, fewer than dataset.split.folds "
            f"{policy.folds}; lower it or add pictures"
        )
    folds = StratifiedKFold(policy.folds, shuffle=True, random_state=policy.seed).split(labels, labels)
    rest, test = list(folds)[policy.fold]
    train, val = _deal(pictures, rest, policy.val, labels, policy)
    return {"train": train, "val": val, "test": test}


def _group(pictures: pd.DataFrame, policy: GroupSplit, groups: np.ndarray | None) -> Parts:
    """Keep each group's pictures in one split; shares are of groups."""
    if groups is None:
        raise DataError(
            "split.policy group needs dataset.groups, which is null; set it or choose another split"
        )
    return _holdout(pictures, np.arange(len(pictures)), policy, {"val", "test"}, groups, stratify=False)


def without_duplicates(table: pd.DataFrame, groups: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Keep one picture of each group of duplicates: one in test, else in val, else in train.

    So a published test set stays as it is, and what leaked from it goes out of train. `groups`, int (N,),
    is the same number for duplicates, by row of the picture array.

    Returns:
        The split table without the other pictures, and the lines of those.
    """
    rank = table["split"].map({"test": 0, "val": 1, "train": 2})
    ordered = table.assign(group=groups[table["index"]], rank=rank).sort_values(["rank", "index"])
    kept = table["index"].isin(ordered.drop_duplicates("group")["index"])
    return table[kept].reset_index(drop=True), table[~kept].reset_index(drop=True)


def check_classes(table: pd.DataFrame, classes: list[str]) -> None:
    """Raise DataError when a class has no picture in one of the splits."""
    for name in SPLITS:
        if missing := sorted(set(classes) - set(table.loc[table["split"] == name, "class"])):
            raise DataError(
                f"class {', '.join(missing)} has no picture in {name}; "
                "add pictures of it, or give dataset.split a larger share or another seed"
            )
