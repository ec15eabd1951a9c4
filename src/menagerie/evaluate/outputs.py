"""The scores of one model, and its tables and figures by the name of their file."""

from pathlib import PurePosixPath
from typing import Any

import keras
import numpy as np
import pandas as pd

from menagerie.confidence import probabilities
from menagerie.data import Data, Subset, gather
from menagerie.evaluate import calibration, curves, measures
from menagerie.evaluate.grad_cam import grad_cam
from menagerie.evaluate.previews import augmentations
from menagerie.plots import model as plots
from menagerie.plots import pictures
from menagerie.plots.style import MANY, Figure

EXAMPLES, MISTAKES, PAIRS, PER_PAIR, AUGMENTED, EXPLAINED = 16, 12, 6, 8, 8, 4  # pictures in a figure


def metrics(subsets: dict[str, Subset], logits: dict[str, np.ndarray]) -> dict[str, Any]:
    """What is measured of train, val and test, the gap between train and test accuracy, the calibration."""
    train, val, test = (subsets[part] for part in ("train", "val", "test"))
    measured = {
        "train": measures.accuracy_and_loss(train.labels, logits["train"], train.groups),
        "val": measures.scores(val.labels, logits["val"], val.groups),
        "test": measures.scores(test.labels, logits["test"], test.groups),
    }
    scaled = calibration.temperature_scaling(val.labels, logits["val"], test.labels, logits["test"])
    gap, low, high = measures.difference(measured["train"], measured["test"])
    return measured | {"gap": gap, "gap_low": low, "gap_high": high, "calibration": scaled}


def tables(test: Subset, logits: np.ndarray, classes: list[str]) -> dict[str, pd.DataFrame]:
    """What is told of the test split: scores by class, predictions, curves."""
    values, predicted = probabilities(logits), logits.argmax(axis=1)
    counts = measures.confusion(test.labels, predicted, len(classes))
    return {
        "per_class": measures.per_class(test.labels, predicted, classes, test.groups),
        "confusion": measures.confusion_table(counts, classes),
        "predictions": measures.predictions(test.paths, test.labels, logits, classes, test.groups),
        "areas": curves.areas(test.labels, values, classes),
        "roc": curves.roc_table(test.labels, values, classes),
        "precision_recall": curves.precision_recall_table(test.labels, values, classes),
        "reliability": calibration.reliability(test.labels, values),
    }


def figures(
    model: keras.Model, data: Data, logits: np.ndarray, found: dict[str, pd.DataFrame], title: str
) -> dict[str, Figure]:
    """Draw what was found; those with nothing to show are left out.

    `logits` are of the test split; `found` holds its `tables`, `history` and `robustness`; `title` names
    the model and the data set.
    """
    test, predicted = data.subsets["test"], logits.argmax(axis=1)
    counts = measures.confusion(test.labels, predicted, len(data.classes))
    tested = f"{title}: {len(test.labels)} test pictures"
    drawn = {
        "learning_curves": plots.learning_curves(found["history"], title),
        "confusion": plots.confusion_matrix(counts, data.classes, tested),
        "confusion_normalised": plots.confusion_matrix(
            counts, data.classes, f"{tested}, in % of the true class", normalised=True
        ),
        "roc_and_precision_recall": plots.threshold_curves(found["roc"], found["precision_recall"], tested),
        "reliability": plots.reliability(found["reliability"], tested),
    }
    if len(data.classes) > MANY:
        drawn["confusion_whole"] = plots.confusion_whole(counts, tested)
    if len(found["robustness"]):
        accuracy = float((predicted == test.labels).mean())
        drawn["robustness"] = plots.robustness(found["robustness"], accuracy, f"{tested}, corrupted")
    return (
        drawn
        | _examples(data, found["predictions"], title)
        | _confused(data, found, title)
        | _explained(model, data, found["predictions"], predicted, title)
    )


def augmented(augmentation: keras.Model, data: Data, title: str) -> Figure:
    """Originals above, below them what each layer of augmentation makes of them, and all together."""
    rows = data.subsets["train"].rows
    originals = gather(data.images, rows[:: max(1, len(rows) // AUGMENTED)][:AUGMENTED])
    made = augmentations(augmentation, originals)
    what = f"{title}: augmentation of training pictures"
    return pictures.picture_grid(np.stack([originals, *made.values()]), ["original", *made], what)


def _examples(data: Data, table: pd.DataFrame, title: str) -> dict[str, Figure]:
    """Random test pictures, and the surest mistakes."""
    chance = np.random.default_rng(0).choice(len(table), min(EXAMPLES, len(table)), replace=False)
    shown = {
        "examples": (
            table.iloc[np.sort(chance)],
            "test pictures chosen at random, and how sure the answer is",
        ),
        "mistakes": (measures.most_confident_mistakes(table, MISTAKES), "the surest mistakes"),
    }
    return {
        stem: pictures.captioned_pictures(_of_test(data, rows), _captions(rows), f"{title}: {what}")
        for stem, (rows, what) in shown.items()
        if len(rows)
    }


def _confused(data: Data, found: dict[str, pd.DataFrame], title: str) -> dict[str, Figure]:
    """The pairs of classes confused most, a row each."""
    pairs = measures.most_confused(found["confusion"], PAIRS)
    if pairs.empty:
        return {}
    table, columns = found["predictions"], min(PER_PAIR, pairs["pictures"].max())
    # Where a pair has fewer pictures than the first, its row ends in white.
    rows = np.full((len(pairs), columns, *data.images.shape[1:]), 255, np.uint8)
    files = []
    for row, pair in zip(rows, pairs.itertuples(), strict=True):
        wrong = table[(table["actual"] == pair.actual) & (table["predicted"] == pair.predicted)].head(columns)
        row[: len(wrong)] = _of_test(data, wrong)
        files.append([PurePosixPath(path).name for path in wrong["path"]])
    names = [
        f"{pair.actual}, taken for {pair.predicted} ({pair.pictures} of {round(pair.pictures / pair.share)})"
        for pair in pairs.itertuples()
    ]
    what = f"{title}: the classes confused most"
    return {"confused_pairs": pictures.picture_grid(rows, names, what, files)}


def _explained(
    model: keras.Model, data: Data, table: pd.DataFrame, predicted: np.ndarray, title: str
) -> dict[str, Figure]:
    """Where the network looked: some pictures that it got right, and its surest mistakes."""
    right = table[table["actual"] == table["predicted"]]
    spread = np.linspace(0, len(right) - 1, min(EXPLAINED, len(right))).astype(int)
    rows = pd.concat([right.iloc[spread], measures.most_confident_mistakes(table, EXPLAINED)])
    originals = _of_test(data, rows)
    maps = grad_cam(model, originals, predicted[rows.index])
    if maps is None:
        return {}
    pairs = np.stack([originals, pictures.heat_overlays(originals, maps)], axis=1)
    what = f"{title}: what spoke for the answer (Grad-CAM)"
    return {"grad_cam": pictures.picture_pairs(pairs, _captions(rows), what)}


def _of_test(data: Data, table: pd.DataFrame) -> np.ndarray:
    """The test pictures that some rows of `predictions` are of."""
    return gather(data.images, data.subsets["test"].rows[table.index])


def _captions(table: pd.DataFrame) -> list[str]:
    """What to say of the pictures that some rows of `predictions` are of."""
    return [
        row.actual
        + ("" if row.actual == row.predicted else f", taken for {row.predicted}")
        + f" ({100 * row.probability:.0f}\N{NO-BREAK SPACE}%)\n{_short(PurePosixPath(row.path).name)}"
        for row in table.itertuples()
    ]


def _short(file: str) -> str:
    """A file's name, if it is long without its middle: what numbers it is at the end."""
    return file if len(file) <= 28 else f"{file[:13]}\N{HORIZONTAL ELLIPSIS}{file[-14:]}"
