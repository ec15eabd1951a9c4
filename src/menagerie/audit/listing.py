"""The labels that are probably wrong, as the table that a person edits."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd

from menagerie.audit.confident import alternatives, self_confidence, suspects
from menagerie.errors import DataError

DIGITS = 4  # of probabilities: the rest is noise


def listing(pictures: pd.DataFrame, probabilities: np.ndarray) -> pd.DataFrame:
    """One row for each label that is probably wrong, the most doubtful first.

    `pictures` has the columns index, label, class and path; `probabilities`, float (n, classes), are out of
    fold. The table has path, class (the label, for a person to put right), suggested, given (the label),
    score (the label's probability: the lower, the more doubtful), suggested_probability and index (row of
    the picture array).
    """
    labels = pictures["label"].to_numpy()
    others, sure = alternatives(labels, probabilities), self_confidence(labels, probabilities)
    names = pictures[["label", "class"]].drop_duplicates().sort_values("label")["class"].to_numpy()
    table = pd.DataFrame(
        {
            "path": pictures["path"],
            "class": pictures["class"],
            "suggested": names[others],
            "given": pictures["class"],
            "score": sure.round(DIGITS),
            "suggested_probability": probabilities[np.arange(len(labels)), others].round(DIGITS),
            "index": pictures["index"],
        }
    )
    doubtful = np.flatnonzero(suspects(labels, probabilities))
    return table.iloc[doubtful[np.argsort(sure[doubtful], kind="stable")]].reset_index(drop=True)


def check_unedited(path: Path) -> None:
    """Raise DataError when a person put labels right in the list at `path`, which another is to replace."""
    if not path.is_file():
        return
    with path.open(encoding="utf-8-sig", newline="") as file:
        edited = sum(row.get("class") != row.get("given") for row in csv.DictReader(file))
    if edited:
        raise DataError(
            f"{path} has {edited} labels that you put right; copy it to another place, or give another one "
            "for the new list: --output FOLDER"
        )
