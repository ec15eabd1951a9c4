"""Which pictures of the sign digits show the same hand."""

import re
from pathlib import PurePosixPath

import numpy as np
import pandas as pd

from menagerie.errors import DataError


def signers(paths: pd.Series, classes: pd.Series) -> np.ndarray:
    """Tell the signers of the sign digits apart, int (n,) from 0, by the numbers in the files' names.

    Each student showed the ten digits in turn and the camera counted on. In the order of those numbers
    a new signer starts where the digit falls by six or more, or where five or more numbers are
    missing (seed 004's audit; 207 signers).

    Raises:
        DataError: a name without a number, or a class that is no digit.
    """
    numbers = [re.search(r"(\d+)$", PurePosixPath(path).stem) for path in paths]
    if None in numbers or not classes.str.fullmatch(r"\d").all():
        raise DataError(
            "dataset.groups signers is for the sign digits, with names like 7/IMG_5874.JPG; set it to null"
        )
    number = np.array([int(found[1]) for found in numbers])
    order = np.argsort(number, kind="stable")
    digit = classes.to_numpy().astype(int)[order]
    starts = (np.diff(digit) <= -6) | (np.diff(number[order]) > 5)
    groups = np.empty(len(order), dtype=np.int64)
    groups[order] = np.concatenate([[0], np.cumsum(starts)])
    return groups
