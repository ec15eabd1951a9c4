"""Trainings that differ in nothing but their seed: what another one would give, and which recipe is better.

All are tested on the same pictures, so that nothing here speaks of other ones.
"""

import math
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t, ttest_ind

PARTS = ("val", "test")


def together(metrics: dict[str, dict[str, Any]], further: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The accuracies of all runs of each model that has more than one, the leaderboard's first.

    `metrics` as evaluate wrote them, `further` what replicate wrote, by model. Gives one table a model, of
    val_accuracy and test_accuracy, in [0, 1].
    """
    return {
        name: pd.concat(
            [
                pd.DataFrame([{f"{part}_accuracy": metrics[name][part]["accuracy"] for part in PARTS}]),
                table[[f"{part}_accuracy" for part in PARTS]],
            ],
            ignore_index=True,
        )
        for name, table in further.items()
        if len(table)
    }


def right(predictions: dict[str, pd.DataFrame], further: dict[str, pd.DataFrame]) -> dict[str, np.ndarray]:
    """Which test pictures each run gets right, bool (runs, n), by model; that of the leaderboard first.

    Of models with more than one run. `predictions` have the columns actual and predicted, `further` the
    column test_right, as replicate wrote it.
    """
    return {
        name: np.stack(
            [
                (predictions[name]["actual"] == predictions[name]["predicted"]).to_numpy(),
                *(np.array(list(digits)) == "1" for digits in table["test_right"]),
            ]
        )
        for name, table in further.items()
        if len(table)
    }


def prediction_interval(accuracies: np.ndarray) -> tuple[float, float]:
    """The 95 % interval in which the accuracy of one more run from another seed lies.

    Of k >= 2 accuracies float (k,): mean -+ t s sqrt(1 + 1/k), of k - 1 degrees of freedom (Hahn and Meeker
    1991, section 4.6), cut to 0..1.
    """
    mean, half = accuracies.mean(), t.ppf(0.975, len(accuracies) - 1) * _spread(accuracies)
    return max(float(mean - half), 0.0), min(float(mean + half), 1.0)


def another_p(accuracies: np.ndarray, least: float, greatest: float) -> float:
    """The two-sided p that one more run gives an accuracy of `least` to `greatest`, the largest over these.

    So it lies below 0.05 exactly when `prediction_interval`, uncut, holds none of them.
    """
    mean = accuracies.mean()
    away = min(max(mean, least), greatest) - mean
    if math.isclose(away, 0, abs_tol=1e-12):
        return 1.0
    spread = _spread(accuracies)
    return float(2 * t.sf(abs(away) / spread, len(accuracies) - 1)) if spread > 0 else 0.0


def difference_p(first: np.ndarray, second: np.ndarray) -> float:
    """Welch's p (1947) that two recipes have equal mean accuracies over all seeds; of 2 runs or more."""
    if np.ptp(first) == np.ptp(second) == 0:
        return float(first[0] == second[0])
    return float(ttest_ind(first, second, equal_var=False).pvalue)


def _spread(accuracies: np.ndarray) -> float:
    """The standard error of one more run less the mean of these."""
    return float(accuracies.std(ddof=1) * math.sqrt(1 + 1 / len(accuracies)))
