"""Pictures that a data set holds more than once: with the same pixels, or nearly so.

A near duplicate is the same photograph stored anew: compressed, resized, brighter, in grey. One that is
shifted or cut by more than 1 or 2 % of its side is not found. Mirrored ones are not looked for: the mirror
image of a letter or of a hand is another picture. An exact copy is a fact. A near duplicate is a candidate:
two pictures look alike, and only the eye can tell whether they are one.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.fft import dctn
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from tqdm import tqdm

from menagerie.data import SPLITS, gather

# Chosen on CIFAR-10, against the near duplicates known in it (doi:10.3390/jimaging6060041), and on two
# sets of pictures that are alike by nature, though none is there twice: the sign language digits and
# scikit-learn's handwritten ones. What is found in the first is right, to the eye; in the others 4 of
# 2,062 and 11 of 1,797 pictures are found wrongly.
MAX_DISTANCE = 8  # bits of 64
MIN_CORRELATION = 0.94
MAX_DIFFERENCE = 12  # grey levels, root mean square
MIN_CONTRAST = 8  # grey levels from the darkest to the brightest

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as Pillow makes grey
VALUES = 2**20  # that are read at a time
PAIRS = 4096  # that are compared at a time


@dataclass(frozen=True)
class Duplicates:
    """What is a duplicate of what; every field has one value for each row of the picture array.

    `copies`, int64: the first row with the same pixels. `groups`, int64: the first row of the group; a
    group is all that exact and near duplicates connect, one picture where there are none. `hashes`,
    uint64: the distance of two pictures is the number of bits in which these differ.
    """

    copies: np.ndarray
    groups: np.ndarray
    hashes: np.ndarray


def find_duplicates(images: np.ndarray, rows: np.ndarray, max_distance: int = MAX_DISTANCE) -> Duplicates:
    """Compare the pictures at `rows`, int (n,), of `images`, (N, height, width, 3) uint8 memory-mapped.

    Near duplicates differ in at most `max_distance` bits of their hashes, and look alike where they are
    then compared more closely. Time grows with the square of n, to seconds for 60,000 pictures; memory by
    300 bytes a picture.
    """
    rows = np.unique(rows).astype(np.int64)
    digests, hashes, small = _fingerprints(images, rows)
    copies, groups = np.arange(len(images)), np.arange(len(images))
    _, first, inverse = np.unique(digests, return_index=True, return_inverse=True)
    copies[rows] = rows[first[inverse]]

    # Blank pictures have nothing by which a near duplicate could be told.
    distinct = first[np.ptp(small[first], axis=(1, 2)) >= MIN_CONTRAST]
    labels = _near_groups(hashes[distinct], small[distinct], max_distance)
    first_rows = np.full(len(distinct), len(images))
    np.minimum.at(first_rows, labels, rows[distinct])
    groups[rows[distinct]] = first_rows[labels]

    all_hashes = np.zeros(len(images), np.uint64)
    all_hashes[rows] = hashes
    return Duplicates(copies, groups[copies], all_hashes)


def close_pairs(hashes: np.ndarray, max_distance: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """All places i < j of `hashes`, uint64 (n,), that differ in at most `max_distance` bits, in pieces.

    Every pair is looked at: for 60,000 hashes that takes a second.
    """
    height, width = 64, 4096  # of a tile that stays in the processor's cache
    for top in range(0, len(hashes), height):
        for left in range(top, len(hashes), width):
            tile = hashes[top : top + height, None] ^ hashes[None, left : left + width]
            near = np.flatnonzero(np.bitwise_count(tile) <= max_distance)
            i, j = near // tile.shape[1] + top, near % tile.shape[1] + left
            i, j = i[i < j], j[i < j]
            for start in range(0, len(i), PAIRS):
                yield i[start : start + PAIRS], j[start : start + PAIRS]


def leaks(table: pd.DataFrame, duplicates: Duplicates) -> pd.DataFrame:
    """List the pictures of one split that another, earlier one (of train, val, test) holds as well.

    `table` is a split table. Each such picture has a line for each such earlier split: split, path and
    class of it and, after `other_`, of its closest duplicate there; kind, which is exact or near; distance
    in bits, over `max_distance` where only others connect the two. A picture that the policy itself
    puts in both splits is no leak between them; it has one line, of split `val and test`.
    """
    pairs = []
    for group in _shared(table, duplicates, "split"):
        for earlier, later in combinations(SPLITS, 2):
            there, here = group[group["split"] == earlier], group[group["split"] == later]
            pairs += _closest(here[~here["index"].isin(there["index"])], there, duplicates)
    lines = _listed(table, pairs, ["split", "path", "class"], duplicates)
    same = [column for column in lines if column != "split"]
    return lines.groupby(same, sort=False)["split"].agg(" and ".join).reset_index()[["split", *same]]


def conflicts(pictures: pd.DataFrame, duplicates: Duplicates) -> pd.DataFrame:
    """List duplicates of different classes, of which one label must be wrong, or the classes overlap.

    `pictures` is a manifest or a split table. The columns are as those of `leaks`, without the splits.
    """
    pictures = pictures.drop_duplicates("index").reset_index(drop=True)
    pairs = []
    for group in _shared(pictures, duplicates, "class"):
        for name in group["class"].unique():
            same = group["class"] == name
            pairs += _closest(group[same], group[~same], duplicates)
    pairs = sorted({(min(pair), max(pair)) for pair in pairs})
    return _listed(pictures, pairs, ["path", "class"], duplicates)


def _shared(table: pd.DataFrame, duplicates: Duplicates, column: str) -> Iterator[pd.DataFrame]:
    """The lines of each group of several pictures that differ in `column`."""
    numbers = duplicates.groups[table["index"]]
    groups = table.groupby(numbers)
    several = groups[column].nunique() > 1
    chosen = np.isin(numbers, several.index[several])
    for _, group in table[chosen].groupby(numbers[chosen]):
        yield group


def _closest(some: pd.DataFrame, others: pd.DataFrame, duplicates: Duplicates) -> list[tuple[int, int]]:
    """For each line of `some` the closest one of `others`, if there is any: an exact copy before all else."""
    if others.empty:
        return []
    rows = others["index"].to_numpy()
    pairs = []
    for line, row in some["index"].items():
        bits = np.bitwise_count(duplicates.hashes[rows] ^ duplicates.hashes[row])
        order = 2 * bits + (duplicates.copies[rows] != duplicates.copies[row])
        pairs.append((line, others.index[order.argmin()]))
    return pairs


def _listed(
    table: pd.DataFrame, pairs: list[tuple[int, int]], columns: list[str], duplicates: Duplicates
) -> pd.DataFrame:
    one, other = (table.loc[[pair[side] for pair in pairs]].reset_index(drop=True) for side in (0, 1))
    first, second = one["index"].to_numpy(), other["index"].to_numpy()
    same = duplicates.copies[first] == duplicates.copies[second]
    bits = np.bitwise_count(duplicates.hashes[first] ^ duplicates.hashes[second])
    return pd.concat([one[columns], other[columns].add_prefix("other_")], axis=1).assign(
        kind=np.where(same, "exact", "near"), distance=bits.astype(np.int64)
    )


def _fingerprints(images: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each picture a digest of its pixels, 16 bytes; its hash; a small grey version, (16, 16) uint8."""
    digests, hashes = np.empty(len(rows), "S16"), np.empty(len(rows), np.uint64)
    small = np.empty((len(rows), 16, 16), np.uint8)
    down, across = _averaging(images.shape[1]), _averaging(images.shape[2]).T
    count = max(1, VALUES // int(np.prod(images.shape[1:])))
    with tqdm(desc="duplicates", unit=" pictures", total=len(rows), disable=None, delay=1) as bar:
        for start in range(0, len(rows), count):
            piece = slice(start, start + count)
            pixels = gather(images, rows[piece])
            digests[piece] = [hashlib.blake2b(picture, digest_size=16).digest() for picture in pixels]
            grey = down @ (pixels @ LUMA) @ across
            hashes[piece] = _hash(grey)
            small[piece] = np.rint(grey.reshape(-1, 16, 2, 16, 2).mean(axis=(2, 4)))
            bar.update(len(pixels))
    return digests, hashes, small


def _averaging(size: int) -> np.ndarray:
    """A matrix (32, size) that takes a line of pixels to its averages over 32 equal lengths."""
    ends = np.linspace(0, size, 33)[:, None]
    pixels = np.arange(size)
    overlap = np.minimum(ends[1:], pixels + 1) - np.maximum(ends[:-1], pixels)
    return (np.maximum(overlap, 0) * 32 / size).astype(np.float32)


def _hash(grey: np.ndarray) -> np.ndarray:
    """Which of the 8x8 lowest frequencies of grey pictures (n, 32, 32) exceed their median; uint64 (n,).

    As `phash` of the library ImageHash, after Zauner (2010), Implementation and Benchmarking of Perceptual
    Image Hash Functions. On CIFAR-10 it finds more of the known near duplicates than the difference hash
    does among as many pairs.
    """
    low = dctn(grey, axes=(1, 2))[:, :8, :8].reshape(len(grey), 64)
    bits = low > np.median(low, axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view(np.uint64)[:, 0]


def _near_groups(hashes: np.ndarray, small: np.ndarray, max_distance: int) -> np.ndarray:
    """Number the groups of near duplicates, int (n,)."""
    groups = np.arange(len(hashes))
    for i, j in close_pairs(hashes, max_distance):
        apart = groups[i] != groups[j]  # or thousands of frames of one film would be compared each with each
        i, j = i[apart], j[apart]
        alike = _alike(small[i], small[j])
        if alike.any():
            links = (np.ones(alike.sum(), bool), (groups[i[alike]], groups[j[alike]]))
            graph = coo_array(links, shape=(len(groups), len(groups)))
            groups = connected_components(graph, directed=False)[1][groups]
    return groups


def _alike(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Compare small grey pictures (n, 16, 16), none of them blank, pair by pair; bool (n,).

    They must correlate, whatever the brightness and the contrast; and when those are matched little may
    be left. The one alone would let pass most pairs of the same digit, the other all that is faint.
    """
    first, second = (pictures.reshape(-1, 256).astype(np.float32) for pictures in (first, second))
    first, second = (pixels - pixels.mean(axis=1, keepdims=True) for pixels in (first, second))
    contrasts = np.linalg.norm(first, axis=1), np.linalg.norm(second, axis=1)
    correlation = np.einsum("ij,ij->i", first, second) / np.prod(contrasts, axis=0)
    left = np.minimum(*contrasts) / 16 * np.sqrt(np.maximum(1 - correlation**2, 0))
    return (correlation >= MIN_CORRELATION) & (left <= MAX_DIFFERENCE)
