"""The bases of keras.applications, and where Keras gets their ImageNet weights: the table imagenet.csv.

A line a base, as Keras 3.15 has it without its top: the least pixels of a side, the file's name in Keras's
cache, its MD5 or SHA-256 where Keras knows one, the sides that have weights of their own, the file's path
at HOST. Widths (alpha) that have weights of their own stand below.
"""

import csv
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, NamedTuple

from menagerie.download.wire.remote import Remote
from menagerie.errors import ParamsError

HOST = "https://storage.googleapis.com"
SHELF = "weights"  # a mirror's folder of weights
# What {alpha} is in the name of the file, for each width that Keras publishes.
ALPHAS = {
    "MobileNet": {0.25: "2_5", 0.5: "5_0", 0.75: "7_5", 1.0: "1_0"},
    "MobileNetV2": {alpha: str(alpha) for alpha in (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)},
}
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


def weights_file(base: str, height: int, width: int, settings: Mapping[str, Any]) -> Remote:
    """The weights of a base without its top that Keras chooses for pictures of this size.

    Raises:
        ParamsError: with these settings the base has none.
    """
    row, alpha = BASES[base], _alpha(base, settings)
    side = height if height == width and height in row.sides else DEFAULT_SIDE
    hashes = {"md5" if len(row.hash) == 32 else "sha256": row.hash} if row.hash else {}
    url, file = f"{HOST}/{row.path.format(side=side, alpha=alpha)}", row.file.format(side=side, alpha=alpha)
    return Remote(url, file, **hashes, shelf=SHELF)


def _alpha(base: str, settings: Mapping[str, Any]) -> str | None:
    known = ALPHAS.get(base, {})
    others = sorted(settings.keys() - {"alpha"})
    if not known and not settings:
        return None
    if not others and settings.get("alpha", 1.0) in known:
        return known[settings.get("alpha", 1.0)]
    for_alpha = f" for alpha {', '.join(map(str, known))}" if known else " without base_settings"
    raise ParamsError(
        f"ImageNet weights of {base} are known{for_alpha} alone, not for base_settings {dict(settings)}: "
        "name a file of your own as `weights`, or set weights to random"
    )


def weights_argument(base: str, file: str) -> str:
    """What keras.applications is to be given as `weights` so that it builds the network of that file.

    The graph of EfficientNetB0 to B7 has a layer more for "imagenet" than for a file; by that word Keras
    finds the file in its cache.
    """
    return "imagenet" if base.startswith("EfficientNetB") else file
