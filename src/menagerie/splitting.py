"""Split policies: which pictures train, which select, which test."""

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from menagerie.data import SPLITS
from menagerie.errors import DataError
from menagerie.params import KerasSplit, Split, StratifiedSplit


def split(manifest: pd.DataFrame, policy: Split) -> pd.DataFrame:
    """Deal the readable pictures of a manifest out to train, val and test.

    Returns:
        One row for each picture of each split, in the manifest's order: index (row of the picture
        array), split, label (0.., the class's place in the sorted names), class, path. A picture
        stands twice where a policy uses it as val and as test.

    Raises:
        DataError: a class has no readable picture, or none in one of the splits.
    """
    pictures = manifest[manifest["status"] == "ok"]
    classes = sorted(manifest["class"].unique())
    label = {name: number for number, name in enumerate(classes)}
    pictures = pictures.assign(label=pictures["class"].map(label))
    if gone := sorted(set(classes) - set(pictures["class"])):
        raise DataError(f"no picture of class {', '.join(gone)} can be read; the manifest says why")
    match policy:
        case KerasSplit():
            parts = _keras(len(pictures), policy)
        case StratifiedSplit():
            parts = _stratified(pictures, policy)
    table = pd.concat([pictures.iloc[np.sort(parts[name])].assign(split=name) for name in SPLITS])
    _check_classes(table, classes)
    return table[["index", "split", "label", "class", "path"]].reset_index(drop=True)


def _keras(count: int, policy: KerasSplit) -> dict[str, np.ndarray]:
    """Rebuild `keras.utils.image_dataset_from_directory(validation_split=..., seed=...)`.

    It sorts classes and the files in each, shuffles with RandomState(seed) and takes the tail. A
    notebook that splits so has no test set: what it validates on is what it tests on.
    """
    order = np.arange(count)
    np.random.RandomState(policy.seed).shuffle(order)
    tail = int(policy.validation_split * count)
    return {"train": order[: count - tail], "val": order[count - tail :], "test": order[count - tail :]}


def _stratified(pictures: pd.DataFrame, policy: StratifiedSplit) -> dict[str, np.ndarray]:
    """Give val and test their shares of every class, as far as whole pictures allow."""
    rows, labels = np.arange(len(pictures)), pictures["label"].to_numpy()
    share = policy.val / (1 - policy.test)
    try:
        rest, test = train_test_split(rows, test_size=policy.test, stratify=labels, random_state=policy.seed)
        train, val = train_test_split(rest, test_size=share, stratify=labels[rest], random_state=policy.seed)
    except ValueError as error:
        counts = pictures["class"].value_counts()
        raise DataError(
            f"the classes cannot all be in train, val and test: the smallest, {counts.idxmin()}, has "
            f"{counts.min()} pictures, dataset.split gives val {policy.val:g}, test {policy.test:g} "
            f"({error}); add pictures or change the shares"
        ) from error
    return {"train": train, "val": val, "test": test}


def _check_classes(table: pd.DataFrame, classes: list[str]) -> None:
    for name in SPLITS:
        if missing := sorted(set(classes) - set(table.loc[table["split"] == name, "class"])):
            raise DataError(
                f"class {', '.join(missing)} has no picture in {name}; "
                "add pictures of it, or give dataset.split a larger share or another seed"
            )


def describe(manifest: pd.DataFrame, table: pd.DataFrame) -> dict:
    """Sum a split up for the data report: pictures by class and split, unreadable ones, shared ones."""
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


def examples(table: pd.DataFrame, count: int) -> np.ndarray:
    """Rows int (classes, count) of the picture array: training pictures spread evenly over each class.

    Classes with fewer pictures show some of them again.
    """
    train = table[table["split"] == "train"]
    rows = [group["index"].to_numpy() for _, group in train.groupby("label")]
    return np.stack([group[np.linspace(0, len(group) - 1, count).astype(int)] for group in rows])
