"""Intervals by resampling pictures (Efron and Tibshirani 1993), stratified by class and seeded.

Pictures that belong together are drawn together: whole groups, with replacement, whatever their classes
(Davison and Hinkley 1997, section 3.8). A resample is a column of weights: how often each picture was
drawn. Metrics are made of sums over pictures, so one sparse product measures many resamples at once.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

import numpy as np
from scipy.optimize import brentq
from scipy.sparse import csr_array

from menagerie.confidence import picture_losses, probabilities
from menagerie.evaluate.calibration import BINS, confidence_bins, picture_briers
from menagerie.evaluate.intervals import percentiles, wilson_interval

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


def group_resamples(groups: np.ndarray) -> Iterator[np.ndarray]:
    """Draw groups with replacement, as often as there are groups; each brings all its pictures.

    `groups` int (n,). Yields weights as `resamples` does.
    """
    numbers, member = np.unique(groups, return_inverse=True)
    for weights in resamples(np.zeros(len(numbers), dtype=int)):
        yield weights[member]


def group_interval(right: np.ndarray, groups: np.ndarray) -> tuple[float, float, float]:
    """The 95 % interval of the share of right pictures that come in groups, and their design effect.

    `right` bool (n,), `groups` int (n,). The design effect (Kish 1965) is the variance of that share under
    resampled groups, divided by that of as many independent pictures. By so much fewer pictures Wilson's
    interval is made of, never of more than there are (Dean and Pagano 2015): percentiles of the resamples
    miss too often near 0 and 1. Where all groups score alike, resampling shows no spread: the pictures then
    count as many as there are groups, and the design effect is NaN.
    """
    share, ones, n = float(right.mean()), np.ones(len(right)), len(right)
    drawn = np.concatenate(
        [(right * 1.0) @ weights / (ones @ weights) for weights in group_resamples(groups)]
    )
    if np.ptp(drawn) == 0:
        count = len(np.unique(groups))
        return *wilson_interval(round(share * count), count), float("nan")
    effect = float(drawn.var() * n / (share * (1 - share)))
    worth = n / max(effect, 1.0)
    return *wilson_interval(share * worth, worth), effect


def with_intervals(
    labels: np.ndarray, logits: np.ndarray, groups: np.ndarray | None = None
) -> dict[str, tuple[float, float, float]]:
    """Each metric of `measure` with the ends of its 95 % interval: value, low, high.

    Pictures are resampled by class, or, where there are `groups` int (n,), in whole groups. The intervals
    are percentiles over the resamples, but for the low end of `ece`, and always hold the
    value. Where the pictures show no spread (no mistake, one picture a class) they have no width.
    """
    unweighted = np.ones((len(labels), 1))
    drawn = resamples(labels) if groups is None else group_resamples(groups)
    measured = measure(labels, logits, chain([unweighted], drawn))
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
    """Metrics of predictions under weights (n, r): how often each picture counts.

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
    members = csr_array((np.ones(len(labels)), (labels, every)), shape=(num_classes, len(labels)))

    def meter(weights: np.ndarray) -> dict[str, np.ndarray]:
        right, called, support = hits @ weights, calls @ weights, members @ weights
        recall = _ratio(right, support)
        return {
            "balanced_accuracy": recall.sum(axis=0) / (support > 0).sum(axis=0),
            "precision_macro": _ratio(right, called).mean(axis=0),
            "recall_macro": recall.mean(axis=0),
            "f1_macro": _ratio(2 * right, called + support).mean(axis=0),
        }

    return meter


def _mean_meter(labels: np.ndarray, logits: np.ndarray, values: np.ndarray) -> Meter:
    sums = csr_array(np.stack([picture_losses(labels, logits), picture_briers(labels, values)]))
    confidence = values.max(axis=1)
    surplus = confidence - (values.argmax(axis=1) == labels)
    cells = (confidence_bins(confidence), np.arange(len(labels)))
    surpluses = csr_array((surplus, cells), shape=(BINS, len(labels)))

    def meter(weights: np.ndarray) -> dict[str, np.ndarray]:
        count = weights.sum(axis=0)
        loss, brier = (sums @ weights) / count
        gaps = (surpluses @ weights) / count
        return {"loss": loss, "brier": brier, "ece": np.abs(gaps).sum(axis=0), "gaps": gaps}

    return meter


def _rank_meter(labels: np.ndarray, values: np.ndarray) -> Meter:
    """Area under the ROC curve: the share of pairs ranked rightly, ties by half (Hanley and McNeil 1982)."""
    support = np.bincount(labels, minlength=values.shape[1])
    drawn = np.flatnonzero((support > 0) & (support < len(labels)))
    sides = [_sides(labels == column, values[:, column]) for column in drawn]
    members = csr_array((labels == drawn[:, None]) * 1.0)

    def meter(weights: np.ndarray) -> dict[str, np.ndarray]:
        if not sides:
            return {}
        won = [((inside @ weights) * (below @ weights).cumsum(axis=0)).sum(axis=0) for inside, below in sides]
        positive = members @ weights
        pairs = positive * (weights.sum(axis=0) - positive)
        # A resample of groups may lack a class: the mean is over those that have a curve in it.
        return {"auc_macro": _ratio(np.stack(won), pairs).sum(axis=0) / (pairs > 0).sum(axis=0)}

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
