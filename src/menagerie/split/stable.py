"""A test set that stands still: a keyed hash of a picture's content says which split it is in.

The hash is BLAKE2b of the file's SHA-256 (its hexadecimal digits) with the seed's decimal digits as key. It
gives a number in [0, 1): below the share of test it says test, from 1 less the share of val on val, else
train. So it knows nothing of other pictures, names and folders; exact copies always meet; and a larger share
of test or val keeps all that it held.

What moves, then. A class in which a split would be empty takes for it the picture whose number is nearest,
from a split that keeps another one; that picture goes back when the class grows. With a share of 0.15 this is
so of 4 in 100 classes of 20 pictures, of 1 in 100 of 30 and of 3 in 10,000 of 50. Where the hash itself fills
all splits of a class, none of its pictures moves, whatever is added, removed or renamed; unless it belongs
together with pictures of another class, for which it had to move since that one has nothing else to give.

Pictures of one group are hashed as one, by the group's name. Where duplicates are to stay together, those
that they connect are hashed as one, by the least of their hashes or names: a new picture may then move the
ones that it resembles, and must where it is like one in train and one in test.
"""

import hashlib

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from menagerie.errors import DataError
from menagerie.params.dataset import StableSplit
from menagerie.split.folders import Parts, as_found

ORDER = ("test", "val", "train")  # in which empty splits are filled


def by_content(pictures: pd.DataFrame, policy: StableSplit, units: np.ndarray) -> Parts:
    """Take the folders train, val and test as they are; take what is missing of val and test out of train.

    Without such folders everything is dealt out. `units`, str (n,), from `unit_names`.

    Raises:
        DataError: the folders are no split, the shares leave nothing to train on, or a class has too few
            pictures for one in each split.
    """
    parts = as_found(pictures)
    rows = parts.get("train", np.arange(len(pictures)))
    shares = {name: getattr(policy, name) for name in ("test", "val") if name not in parts}
    if sum(shares.values()) >= 1:
        told = ", ".join(f"{name} {share:g}" for name, share in shares.items())
        raise DataError(f"dataset.split gives {told}, which leaves nothing to train on; lower them")
    if not shares:
        return parts
    names, unit = np.unique(units[rows], return_inverse=True)
    labels = pictures["label"].to_numpy()[rows]
    _check_sizes(pictures.iloc[rows], unit, len(shares) + 1)
    sides = _filled(fractions(names, policy.seed), unit, labels, shares)
    return parts | {name: rows[sides[unit] == ORDER.index(name)] for name in ("train", *shares)}


def unit_names(sha256: np.ndarray, groups: np.ndarray | None, together: np.ndarray | None) -> np.ndarray:
    """What is hashed for each picture, str (n,): its content, its group's name, or what stands for both.

    `sha256` str (n,); `groups` str (n,), by name; `together` int (n,), the same for duplicates that must
    stay together.
    """
    names = sha256 if groups is None else groups
    if together is None:
        return names
    known, name = np.unique(names, return_inverse=True)
    number = np.unique(together, return_inverse=True)[1] + len(known)
    links = (np.ones(len(names), bool), (name, number))
    size = len(known) + number.max() + 1
    unit = connected_components(coo_array(links, shape=(size, size)), directed=False)[1][name]
    # Of all functions of a set the least member changes most seldom when the set does.
    return pd.Series(names).groupby(unit).transform("min").to_numpy()


def fractions(names: np.ndarray, seed: int) -> np.ndarray:
    """The number in [0, 1) that the hash gives each name, float64 (n,), in steps of 2^-53."""
    key = str(seed).encode("ascii")
    digests = [hashlib.blake2b(name.encode("utf-8"), digest_size=8, key=key).digest() for name in names]
    return np.array([int.from_bytes(digest, "big") >> 11 for digest in digests]) / 2**53


def _check_sizes(pictures: pd.DataFrame, unit: np.ndarray, needed: int) -> None:
    counts = pd.Series(unit).groupby(pictures["class"].to_numpy()).agg(["size", "nunique"])
    for name, (size, units) in counts[counts["nunique"] < needed].iterrows():
        once = f", which count as {units} since copies and groups stay together," if units < size else ""
        raise DataError(
            f"class {name} has {size} pictures to deal out{once} and each of {needed} splits needs one; "
            "add pictures of it, or leave the class out"
        )


def _filled(value: np.ndarray, unit: np.ndarray, labels: np.ndarray, shares: dict[str, float]) -> np.ndarray:
    """The place in ORDER of each unit's split, int (units,), with every class in every split if that can be.

    `value` float (units,); `unit` and `labels` int (n,) of the pictures. A unit of several classes moves only
    if the class has no unit of its own to give, and if that empties no split of any of them.
    """
    low, high = shares.get("test", 0.0), 1 - shares.get("val", 0.0)
    zones = np.array([[0, low], [high, 1], [low, high]])
    sides = np.select([value < low, value >= high], [0, 1], 2)
    pairs = np.unique(np.stack([unit, labels], axis=1), axis=0)
    classes = np.split(pairs[:, 1], np.flatnonzero(np.diff(pairs[:, 0])) + 1)  # of each unit
    counts = np.zeros((len(ORDER), labels.max() + 1), int)
    np.add.at(counts, (sides[pairs[:, 0]], pairs[:, 1]), 1)
    for label in np.unique(labels):
        for side, name in enumerate(ORDER):
            if counts[side, label] or name not in ("train", *shares):
                continue
            own = pairs[pairs[:, 1] == label, 0]
            free = [one for one in own if (counts[sides[one], classes[one]] > 1).all()]
            if free:
                start, end = zones[side]
                distance = np.maximum(start - value[free], value[free] - end)
                several = [len(classes[one]) for one in free]
                nearest = free[np.lexsort((distance, several))[0]]
                counts[sides[nearest], classes[nearest]] -= 1
                counts[side, classes[nearest]] += 1
                sides[nearest] = side
    return sides
