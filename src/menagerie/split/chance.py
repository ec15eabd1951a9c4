"""Splits by chance, as scikit-learn deals: by class, by fold, by group."""

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedKFold, train_test_split

from menagerie.errors import DataError
from menagerie.params.dataset import GroupSplit, KFoldSplit, StratifiedSplit
from menagerie.split.folders import Parts


def holdout(pictures: pd.DataFrame, policy: StratifiedSplit, together: np.ndarray | None) -> Parts:
    """Deal out of each class the shares of val and test, the rest to train.

    Pictures with the same number in `together`, int (n,), stay in one split; they count as one, of the
    first's class.
    """
    numbers = np.arange(len(pictures)) if together is None else together
    _, first = np.unique(numbers, return_index=True)
    return _dealt(pictures, policy, numbers, pictures["label"].to_numpy()[first])


def by_group(pictures: pd.DataFrame, policy: GroupSplit) -> Parts:
    """Keep the pictures of each `group` in one split; shares are of groups, whatever their classes."""
    if "group" not in pictures:
        raise DataError(
            "split.policy group needs dataset.groups, which is null; set it or choose another split"
        )
    return _dealt(pictures, policy, pictures["group"].to_numpy(), None)


def kfold(pictures: pd.DataFrame, policy: KFoldSplit) -> Parts:
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
    train, val = _taken(pictures, rest, policy.val, labels, policy)
    return {"train": train, "val": val, "test": test}


def _dealt(
    pictures: pd.DataFrame,
    policy: StratifiedSplit | GroupSplit,
    numbers: np.ndarray,
    labels: np.ndarray | None,
) -> Parts:
    """Deal whole units out; `numbers` is each picture's unit, `labels` each unit's class or None for any."""
    unit_numbers = np.unique(numbers)
    units, parts, left = np.arange(len(unit_numbers)), {}, 1.0
    for name in ("test", "val"):
        share = getattr(policy, name)
        units, taken = _taken(pictures, units, share / left, labels, policy)
        parts[name] = np.flatnonzero(np.isin(numbers, unit_numbers[taken]))
        left -= share
    return parts | {"train": np.flatnonzero(np.isin(numbers, unit_numbers[units]))}


def _taken(
    pictures: pd.DataFrame,
    units: np.ndarray,
    share: float,
    labels: np.ndarray | None,
    policy: StratifiedSplit | GroupSplit | KFoldSplit,
) -> tuple[np.ndarray, np.ndarray]:
    """Part `units` by chance into those that are kept and a share that is taken."""
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
