"""Intervals by resampling pictures (Efron and Tibshirani 1993), stratified by class and seeded.

A resample is a column of weights: how often each picture was drawn. Metrics are made of sums over
pictures, so one sparse product measures many resamples at once.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

import numpy as np
from scipy.optimize import brentq
from scipy.sparse import csr_array

from menagerie.evaluate.calibration import (
    BINS,
    confidence_bins,
    picture_briers,
    picture_losses,
    probabilities,
)

RESAMPLES = 2000
SEED = 0
CELLS = 1_000_000  # weights of one chunk: 8 MB, and a few arrays like it

Meter = Callable[[np.ndarray], dict[str, np.ndarray]]


def resamples(strata: np.ndarray) -> Iterator[np.ndarray]:
    """Draw pictures with replacement within each stratum, as often as it has pictures.

    `strata` int (n,). Yields weights float64 (n, r) in chunks of r columns, 2,000 columns in all; the
    same strata always give the same weights.
    """
    random = np.random.default_rng(SEED)
    groups = [np.flatnonzero(strata == stratum) for stratum in np.unique(strata)]
    step = max(1, CELLS // len(strata))
    for start in range(0, RESAMPLES, step):
        columns = min(step, RESAMPLES - start)
        weights = np.empty((len(strata), columns))
        for members in groups:
            size = len(members)
            drawn = random.integers(size, size=(size, columns)) * columns + np.arange(columns)
            weights[members] = np.bincount(drawn.ravel(), minlength=drawn.size).reshape(size, columns)
        yield weights


def percentiles(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The 95 % percentile interval over the last axis."""
    low, high = np.quantile(samples, [0.025, 0.975], axis=-1)
    return low, high


def with_intervals(labels: np.ndarray, logits: np.ndarray) -> dict[str, tuple[float, float, float]]:
    """Each metric of `measure` with the ends of its 95 % interval: value, low, high.

    The intervals are percentiles over the resamples, but for the low end of `ece`, and always hold the
    value. Where the pictures show no spread (no mistake, one picture a class) they have no width.
    """
    unweighted = np.ones((len(labels), 1))
    measured = measure(labels, logits, chain([unweighted], resamples(labels)))
    gaps = measured.pop("gaps")
    ends = {name: percentiles(values[1:]) for name, values in measured.items()}
    ends["ece"] = calibration_error_interval(gaps[:, 0], gaps[:, 1:])
    result = {}
    for name, values in measured.items():
        value, (low, high) = float(values[0]), ends[name]
        result[name] = value, min(float(low), value), max(float(high), value)
    return result


def calibration_error_interval(gaps: np.ndarray, resampled: np.ndarray) -> tuple[float, float]:
    """The 95 % interval of the calibration error, from the gaps (bins,) and those of resamples (bins, r).

    Chance alone makes gaps, and a resample adds to them, so that the lower percentile lies above the error
    of a well calibrated model. The low end is therefore the least error that is not refused by the one
    measured (test inversion, Carpenter 1999): the measured gaps, shrunk by a factor, with the resamples'
    spread added, still reach it in 2.5 % of resamples. The high end is the percentile.
    """
    error, spread = float(np.abs(gaps).sum()), resampled - gaps[:, None]

    def excess(factor: float) -> float:
        return percentiles(np.abs(factor * gaps[:, None] + spread).sum(axis=0))[1] - error

    high = error + excess(1)
    if excess(0) >= 0:
        return 0.0, high
    if high <= error:
        return error, high
    # A quantile of convex functions that starts below zero crosses it once.
    return error * brentq(excess, 0, 1, xtol=1e-4), high


def measure(labels: np.ndarray, logits: np.ndarray, chunks: Iterable[np.ndarray]) -> dict[str, np.ndarray]:
    """Metrics of predictions under weights (n, r) that leave each class its number of pictures.

    Gives for each metric one value a column, over all chunks. `gaps` (bins, columns) are what `ece` sums
    the sizes of: confidence less accuracy of a bin, times its share of the pictures. As in scikit-learn, a
    class that is never predicted has precision 0, one without pictures has recall 0, and both count in the
    macro means; balanced accuracy leaves classes without pictures out. `auc_macro` is the mean over the
    classes that have a ROC curve, and is missing where none has.
    """
    values = probabilities(logits)
    meters = (
        _class_meter(labels, logits.argmax(axis=1), logits.shape[1]),
        _mean_meter(labels, logits, values),
        _rank_meter(labels, values),
    )
    parts = [{k: v for meter in meters for k, v in meter(weights).items()} for weights in chunks]
    return {name: np.concatenate([part[name] for part in parts], axis=-1) for name in parts[0]}


def _class_meter(labels: np.ndarray, predicted: np.ndarray, num_classes: int) -> Meter:
    every = np.arange(len(labels))
    hits = csr_array(((predicted == labels) * 1.0, (labels, every)), shape=(num_classes, len(labels)))
    calls = csr_array((np.ones(len(labels)), (predicted, every)), shape=(num_classes, len(labels)))
    support = np.bincount(labels, minlength=num_classes)[:, None]

    def meter(weights: np.ndarray) -> dict[str, np.ndarray]:
        right, called = hits @ weights, calls @ weights
        recall = _ratio(right, support)
        return {
            "balanced_accuracy": recall[support[:, 0] > 0].mean(axis=0),
            "precision_macro": _ratio(right, called).mean(axis=0),
            "recall_macro": recall.mean(axis=0),
            "f1_macro": _ratio(2 * right, called + support).mean(axis=0),
        }

    return meter


def _mean_meter(labels: np.ndarray, logits: np.ndarray, values: np.ndarray) -> Meter:
    means = csr_array(
        np.stack([picture_losses(labels, logits), picture_briers(labels, values)]) / len(labels)
    )
    confidence = values.max(axis=1)
    surplus = (confidence - (values.argmax(axis=1) == labels)) / len(labels)
    cells = (confidence_bins(confidence), np.arange(len(labels)))
    surpluses = csr_array((surplus, cells), shape=(BINS, len(labels)))

    def meter(weights: np.ndarray) -> dict[str, np.ndarray]:
        loss, brier = means @ weights
        gaps = surpluses @ weights
        return {"loss": loss, "brier": brier, "ece": np.abs(gaps).sum(axis=0), "gaps": gaps}

    return meter


def _rank_meter(labels: np.ndarray, values: np.ndarray) -> Meter:
    """Area under the ROC curve: the share of pairs ranked rightly, ties by half (Hanley and McNeil 1982)."""
    support = np.bincount(labels, minlength=values.shape[1])
    drawn = np.flatnonzero((support > 0) & (support < len(labels)))
    sides = [_sides(labels == column, values[:, column]) for column in drawn]
    pairs = support[drawn] * (len(labels) - support[drawn])

    def meter(weights: np.ndarray) -> dict[str, np.ndarray]:
        if not sides:
            return {}
        won = [((inside @ weights) * (below @ weights).cumsum(axis=0)).sum(axis=0) for inside, below in sides]
        return {"auc_macro": (np.stack(won) / pairs[:, None]).mean(axis=0)}

    return meter


def _sides(inside: np.ndarray, scores: np.ndarray) -> tuple[csr_array, csr_array]:
    """Rows are the scores of the class, ascending: who has this one, and who of the rest comes just below.

    One of the rest with the very score counts half below it and half above.
    """
    levels, level = np.unique(scores[inside], return_inverse=True)
    rest, n = np.flatnonzero(~inside), len(scores)
    rows = np.concatenate([np.searchsorted(levels, scores[rest], side) for side in ("left", "right")])
    columns, beaten = np.tile(rest, 2), rows < len(levels)
    below = csr_array((np.full(beaten.sum(), 0.5), (rows[beaten], columns[beaten])), shape=(len(levels), n))
    return csr_array((np.ones(len(level)), (level, np.flatnonzero(inside))), shape=(len(levels), n)), below


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
