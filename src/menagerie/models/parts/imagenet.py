"""The bases of keras.applications, and where Keras gets their ImageNet weights: the table imagenet.csv.

A line a base, as Keras 3.15 has it without its top: the least pixels of a side, the file's name in Keras's
cache, its MD5 or SHA-256 where Keras knows one, the sides that have weights of their own, the file's path
at HOST.
"""

import csv
from importlib.resources import files
from typing import NamedTuple

from menagerie.download.wire.remote import Remote

HOST = "https://storage.googleapis.com"
SHELF = "weights"  # a mirror's folder of weights
DEFAULT_SIDE = 224  # pixels; that of the weights for pictures of no side that has its own


class Base(NamedTuple):
    least: int  # pixels
    file: str  # {side} stands for a side of `sides`, as it does in `path`
    hash: str | None  # hexadecimal
    sides: tuple[int, ...]  # pixels; empty where one file serves all
    path: str


def _read() -> dict[str, Base]:
    with files(__package__).joinpath("imagenet.csv").open(encoding="utf-8", newline="") as table:
        return {
            row["base"]: Base(
                int(row["least"]),
                row["file"],
                row["hash"] or None,
                tuple(map(int, row["sides"].split())),
                row["path"],
            )
            for row in csv.DictReader(table)
        }


BASES = _read()


def weights_file(base: str, height: int, width: int) -> Remote:
    """The weights of a base without its top that Keras chooses for pictures of this size."""
    row = BASES[base]
    side = height if height == width and height in row.sides else DEFAULT_SIDE
    hashes = {"md5" if len(row.hash) == 32 else "sha256": row.hash} if row.hash else {}
    url, file = f"{HOST}/{row.path.format(side=side)}", row.file.format(side=side)
    return Remote(url, file, **hashes, shelf=SHELF)


def weights_argument(base: str, file: str) -> str:
    """What keras.applications is to be given as `weights` so that it builds the network of that file.

    The graph of EfficientNetB0 to B7 has a layer more for "imagenet" than for a file; by that word Keras
    finds the file in its cache.
    """
    return "imagenet" if base.startswith("EfficientNetB") else file
