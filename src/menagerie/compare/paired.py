"""Models against each other on the same pictures: is a difference more than chance, do they err alike."""

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.stats import binomtest

from menagerie.evaluate.bootstrap import percentiles, resamples


def compare_pairs(names: list[str], correct: np.ndarray) -> pd.DataFrame:
    """Test every pair of models; `correct` bool (models, n) says which pictures each gets right.

    One row a pair, in the order of `names`. `difference` is the accuracy of model_a less that of
    model_b; low and high are its 95 % percentile interval under resamples of the pictures that are the
    same for all models (Efron and Tibshirani 1993). p is McNemar's exact test, p_holm the same after
    Holm's correction for all pairs of the table.
    """
    first, second = np.triu_indices(len(names), k=1)
    counts = correct.astype(np.int64)
    right, both = counts.sum(axis=1), counts @ counts.T
    only_a, only_b = right[first] - both[first, second], right[second] - both[first, second]
    low, high = percentiles(_differences(correct, first, second))
    p = np.array([mcnemar(a, b) for a, b in zip(only_a, only_b, strict=True)])
    return pd.DataFrame(
        {
            "model_a": np.array(names, dtype=object)[first],
            "model_b": np.array(names, dtype=object)[second],
            "n": correct.shape[1],
            "only_a_right": only_a,
            "only_b_right": only_b,
            "difference": (only_a - only_b) / correct.shape[1],
            "low": low,
            "high": high,
            "p": p,
            "p_holm": holm(p),
        }
    )


def mcnemar(only_a: int, only_b: int) -> float:
    """Two-sided exact p-value that each of the pictures only one model gets right fell to it by a fair coin.

    McNemar (1947) in its exact conditional form; 1 where there is no such picture.
    """
    if only_a + only_b == 0:
        return 1.0
    return float(binomtest(int(only_a), int(only_a + only_b)).pvalue)


def holm(p: np.ndarray) -> np.ndarray:
    """Adjust p-values for their number, step-down (Holm 1979), in the order given, as R's p.adjust does."""
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(stepped, 1)
    return adjusted


def error_agreement(names: list[str], correct: np.ndarray) -> pd.DataFrame:
    """How far models err on the same pictures, one row a pair; `correct` bool (models, n).

    `both_wrong` counts pictures. `common_errors` is their share of the pictures that either gets wrong
    (Jaccard), NaN where there is none. `kappa` is Cohen's (1960) of right or wrong: 1 the same pictures, 0
    no more than their accuracies make likely, NaN where neither ever or both always err.
    """
    first, second = np.triu_indices(len(names), k=1)
    n, wrong = correct.shape[1], (~correct).astype(np.int64)
    errors, shared = wrong.sum(axis=1), wrong @ wrong.T
    a, b, both = errors[first], errors[second], shared[first, second]
    observed = 1 - (a + b - 2 * both) / n
    expected = (a * b + (n - a) * (n - b)) / n**2
    return pd.DataFrame(
        {
            "model_a": np.array(names, dtype=object)[first],
            "model_b": np.array(names, dtype=object)[second],
            "both_wrong": both,
            "common_errors": _ratio(both, a + b - both),
            "kappa": _ratio(observed - expected, 1 - expected),
        }
    )


def _differences(correct: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Accuracy of one less the other under each resample, float64 (pairs, resamples)."""
    n = correct.shape[1]
    hits = csr_array(correct.astype(np.float64))
    right = np.concatenate([hits @ weights for weights in resamples(np.zeros(n, dtype=int))], axis=1)
    return (right[first] - right[second]) / n


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
