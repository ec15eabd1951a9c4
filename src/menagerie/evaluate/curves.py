"""ROC and precision-recall curves, one class against the rest, and the areas under them."""

import heapq

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from menagerie.evaluate.calibration import check_probabilities

POINTS = 500
TOLERANCE = 1 / 2000  # half a pixel of an axis of 1,000
MACRO, MICRO = "macro average", "micro average"


def areas(labels: np.ndarray, probabilities: np.ndarray, classes: list[str]) -> pd.DataFrame:
    """Area under the ROC curve and average precision of each class, and their macro and micro averages.

    Columns: kind (`class`, `macro`, `micro`), class, pictures (of the class, or of all), auc,
    average_precision. `probabilities` float64 (n, classes). A class has curves when some pictures are of
    it and some are not; without, its areas are NaN and the macro average leaves it out. The micro average
    takes every pair of picture and class for one yes-or-no question.

    Raises:
        ModelError: they are no probabilities.
    """
    check_probabilities(probabilities)
    truth = labels[:, None] == np.arange(len(classes))
    rows = []
    for column, name in enumerate(classes):
        inside, score = truth[:, column], probabilities[:, column]
        both = _has_curves(inside)
        rows.append(
            {
                "kind": "class",
                "class": name,
                "pictures": int(inside.sum()),
                "auc": float(roc_auc_score(inside, score)) if both else np.nan,
                "average_precision": float(average_precision_score(inside, score)) if both else np.nan,
            }
        )
    table = pd.DataFrame(rows)
    macro = {"kind": "macro", "class": MACRO, "pictures": len(labels)} | dict(
        table[["auc", "average_precision"]].mean()
    )
    micro = {
        "kind": "micro",
        "class": MICRO,
        "pictures": len(labels),
        "auc": float(roc_auc_score(truth.ravel(), probabilities.ravel())),
        "average_precision": float(average_precision_score(truth.ravel(), probabilities.ravel())),
    }
    return pd.concat([table, pd.DataFrame([macro, micro])], ignore_index=True)


def roc_table(labels: np.ndarray, probabilities: np.ndarray, classes: list[str]) -> pd.DataFrame:
    """Points of the ROC curves, to be joined by straight lines: kind, class, fpr, tpr.

    One curve for each class that has one, then the macro average (the mean of their heights, Fawcett 2006)
    and the micro average; at most 500 points each, see `thinned`.

    Raises:
        ModelError: `probabilities` are none.
    """
    check_probabilities(probabilities)
    truth = labels[:, None] == np.arange(len(classes))
    single = {
        name: roc_curve(truth[:, column], probabilities[:, column])[:2]
        for column, name in enumerate(classes)
        if _has_curves(truth[:, column])
    }
    curves = [("class", name, *curve) for name, curve in single.items()]
    if single:
        curves.append(("macro", MACRO, *_mean_curve(list(single.values()))))
    curves.append(("micro", MICRO, *roc_curve(truth.ravel(), probabilities.ravel())[:2]))
    return _points(curves, "fpr", "tpr")


def precision_recall_table(labels: np.ndarray, probabilities: np.ndarray, classes: list[str]) -> pd.DataFrame:
    """Points of the precision-recall curves by rising recall: kind, class, recall, precision.

    One curve for each class that has one, and the micro average; at most 500 points each, see `thinned`.
    The area under straight lines between them is not the average precision, which is a sum of steps
    (Davis and Goadrich 2006).

    Raises:
        ModelError: `probabilities` are none.
    """
    check_probabilities(probabilities)
    truth = labels[:, None] == np.arange(len(classes))
    questions = [
        ("class", name, truth[:, column], probabilities[:, column])
        for column, name in enumerate(classes)
        if _has_curves(truth[:, column])
    ]
    questions.append(("micro", MICRO, truth.ravel(), probabilities.ravel()))
    curves = []
    for kind, name, inside, score in questions:
        precision, recall, _ = precision_recall_curve(inside, score, drop_intermediate=True)
        curves.append((kind, name, recall[::-1], precision[::-1]))
    return _points(curves, "recall", "precision")


def thinned(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Which points of a curve to keep, int, ascending, both ends among them, so that it is drawn alike.

    The point farthest from the line drawn so far comes next (Douglas and Peucker 1973), until none is
    farther than 1/2000 of the axes or 500 are kept.
    """
    kept = {0, len(x) - 1}
    spans = [_farthest(x, y, 0, len(x) - 1)]
    while len(kept) < POINTS and spans[0][0] < -TOLERANCE:
        _, start, middle, stop = heapq.heappop(spans)
        kept.add(middle)
        heapq.heappush(spans, _farthest(x, y, start, middle))
        heapq.heappush(spans, _farthest(x, y, middle, stop))
    return np.array(sorted(kept))


def _farthest(x: np.ndarray, y: np.ndarray, start: int, stop: int) -> tuple[float, int, int, int]:
    """Of the points between two, the farthest from the piece of line: minus its distance, start, it, stop."""
    if stop - start < 2:
        return 0.0, start, start, stop
    along = np.array([x[stop] - x[start], y[stop] - y[start]])
    points = np.stack([x[start + 1 : stop] - x[start], y[start + 1 : stop] - y[start]])
    length = along @ along
    share = np.clip(along @ points / length, 0, 1) if length > 0 else np.zeros(points.shape[1])
    distance = np.hypot(*(points - along[:, None] * share))
    best = int(distance.argmax())
    return -float(distance[best]), start, start + 1 + best, stop


def _mean_curve(curves: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """The mean height of ROC curves, exact: each grid point has the height before and after its rise."""
    grid = np.unique(np.concatenate([fpr for fpr, _ in curves]))
    before = np.mean([np.interp(-grid, -fpr[::-1], tpr[::-1]) for fpr, tpr in curves], axis=0)
    after = np.mean([np.interp(grid, fpr, tpr) for fpr, tpr in curves], axis=0)
    return grid.repeat(2), np.stack([before, after], axis=1).ravel()


def _has_curves(inside: np.ndarray) -> bool:
    return inside.any() and not inside.all()


def _points(curves: list[tuple[str, str, np.ndarray, np.ndarray]], x_name: str, y_name: str) -> pd.DataFrame:
    tables = []
    for kind, name, x, y in curves:
        kept = thinned(x, y)
        tables.append(pd.DataFrame({"kind": kind, "class": name, x_name: x[kept], y_name: y[kept]}))
    return pd.concat(tables, ignore_index=True)
