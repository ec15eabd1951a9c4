"""Pictures that stand out of their data set: dark, bright, blurred, nearly empty, oddly sized.

A flag asks for a look and changes nothing. Each has a limit of its own and one relative to the median of
the data set: a set of X-rays or of night skies is dark as a whole, and none of it stands out.
"""

from typing import Any

import cv2
import numpy as np
import pandas as pd

from menagerie.data import gather
from menagerie.split.duplicates import LUMA, VALUES

cv2.ipp.setUseIPP(False)  # it rounds as the processor's kind has it, and a flag would depend on that

# Chosen on CIFAR-10, where 60 of 60,000 pictures are dark, 102 bright, 6 blurred and none nearly empty, and
# on two sets that are soft by nature: no picture of scikit-learn's handwritten digits is flagged, and of the
# sign language digits 3 that are 30 times as wide as the others.
DARK = 30  # of 255: of a mean so low little is seen on a screen; white's share of a bright one is as low
EMPTY = 5  # grey levels, standard deviation: JPEG's noise on one colour has up to 3
BLURRED = 0.05  # of sharpness, see `measures`: a Gaussian blur of a 40th of the side has 0.05 or less
SHARE = 4  # times below the median, besides: less is within what lighting and subjects make
ASPECT = 2.5  # times the median's, either way: 3:2 photographs turned upright are 2.25 apart
SIDE = 4  # times the median of sqrt(width * height), either way: enlarged so much, a picture is mostly blur
LISTED = 10  # of each flag

FLAGS = ("dark", "bright", "blurred", "nearly empty", "oddly sized")


def measures(images: np.ndarray, rows: np.ndarray) -> pd.DataFrame:
    """Measure the pictures at `rows`, int (n,), of `images`, (N, height, width, 3) uint8 memory-mapped.

    brightness: the mean, 0 to 255. contrast: the largest standard deviation of a channel. sharpness: the
    variance of the Laplacian over that of the grey picture; that it is a ratio takes the contrast out of it:
    a faint picture may be sharp. It is NaN where the grey picture is of one value.
    """
    found = np.empty((len(rows), 3))
    count = max(1, VALUES // int(np.prod(images.shape[1:])))
    for start in range(0, len(rows), count):
        batch = gather(images, rows[start : start + count])
        found[start : start + count] = [_measure(picture) for picture in batch]
    return pd.DataFrame(found, columns=["brightness", "contrast", "sharpness"])


def _measure(picture: np.ndarray) -> tuple[float, float, float]:
    mean, deviation = cv2.meanStdDev(picture)
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    spread = cv2.meanStdDev(grey)[1][0, 0]
    edges = cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_16S))[1][0, 0]
    return LUMA @ mean[:, 0], deviation.max(), (edges / spread) ** 2 if spread else np.nan


def flagged(images: np.ndarray, pictures: pd.DataFrame) -> pd.DataFrame:
    """List the pictures that stand out, once for each of their flags.

    They are in the order of FLAGS, the worst of each first. `pictures` are the readable ones of a
    manifest. Columns: flag; index, path and class of the picture; said, what was measured.
    """
    pictures = pictures.reset_index(drop=True)
    found = measures(images, pictures["index"].to_numpy())
    light = "brightness " + found["brightness"].map("{:.0f} of 255".format)
    empty = _low(found["contrast"], EMPTY)
    sides = pictures["width"].astype(str) + " x " + pictures["height"].astype(str) + " pixels"
    values = {  # how bad, less is worse; whether it is flagged; what is said
        "dark": (found["brightness"], _low(found["brightness"], DARK), light),
        "bright": (255 - found["brightness"], _low(255 - found["brightness"], DARK), light),
        "blurred": (
            found["sharpness"],
            _low(found["sharpness"], BLURRED) & ~empty,
            "sharpness " + found["sharpness"].map("{:.3f}".format),
        ),
        "nearly empty": (found["contrast"], empty, "contrast " + found["contrast"].map("{:.1f}".format)),
        "oddly sized": (-_off(pictures), _off(pictures) > 1, sides),
    }
    listed = [
        pictures.assign(flag=flag, bad=bad, said=said)[chosen].sort_values("bad", kind="stable")
        for flag, (bad, chosen, said) in values.items()
    ]
    return pd.concat(listed)[["flag", "index", "path", "class", "said"]].reset_index(drop=True)


def _low(values: pd.Series, limit: float) -> pd.Series:
    """Whether values are below the limit and far below their median; NaN is neither."""
    return (values < limit) & (SHARE * values < values.median())


def _off(pictures: pd.DataFrame) -> pd.Series:
    """How far shapes and sizes are off their medians, in units of ASPECT and SIDE: over 1 is too far."""
    aspects = np.log(pictures["width"] / pictures["height"])
    sides = np.log(pictures["width"] * pictures["height"]) / 2
    off = [
        (values - values.median()).abs() / np.log(most) for values, most in ((aspects, ASPECT), (sides, SIDE))
    ]
    return np.maximum(*off)


def told(found: pd.DataFrame) -> dict[str, Any]:
    """Of each flag how many pictures have it, and the first LISTED: path, class and what was measured."""
    of_flag = {flag: found[found["flag"] == flag] for flag in FLAGS}
    return {
        flag: {
            "count": len(lines),
            "pictures": lines[["path", "class", "said"]].head(LISTED).to_dict("records"),
        }
        for flag, lines in of_flag.items()
    }
