"""Models against each other on the same pictures: is a difference more than chance, do they err alike."""

import math

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.stats import binomtest, norm

from menagerie.evaluate.intervals import percentiles

RESAMPLES = 20_000  # with fewer an end, which is a whole number of pictures, may be off by one
CHUNK = 1000  # of them that are drawn at a time
SEED = 0


def compare_pairs(names: list[str], correct: np.ndarray, groups: np.ndarray | None = None) -> pd.DataFrame:
    """Test every pair of models; `correct` bool (models, n) says which pictures each gets right.

    One row a pair, in the order of `names`. `difference` is the accuracy of model_a less that of
    model_b; low and high are its 95 % percentile interval under resamples of the pictures, which both
    models share (Efron and Tibshirani 1993). p is McNemar's exact test, p_holm the same after
    Holm's correction for all pairs of the table. `equivalent_within` is the margin of accuracy beyond which
    the two are equivalent at 5 %: two one-sided tests (Schuirmann 1987), whose 90 % interval of the
    difference lies within any wider one, by `tango_interval`. With `groups`, int (n,), whole groups are
    resampled, p is `grouped_p`, and that interval of their percentiles, where it reaches farther.
    """
    first, second = np.triu_indices(len(names), k=1)
    counts = correct.astype(np.int64)
    right, both = counts.sum(axis=1), counts @ counts.T
    only_a, only_b = right[first] - both[first, second], right[second] - both[first, second]
    n, alone = correct.shape[1], list(zip(only_a.tolist(), only_b.tolist(), strict=True))
    within = np.array([np.abs(tango_interval(*one, n, norm.isf(0.05))).max() for one in alone])
    if groups is None:
        low, high = np.array([_interval(*one, n) for one in alone]).reshape(len(first), 2).T
        p = np.array([mcnemar(*one) for one in alone])
    else:
        surplus = _by_group(counts[first] - counts[second], groups)
        low, high, of_groups = _group_intervals(surplus, np.unique(groups, return_counts=True)[1])
        within = np.maximum(within, of_groups)
        p = np.array([grouped_p(one) for one in surplus])
    return pd.DataFrame(
        {
            "model_a": np.array(names, dtype=object)[first],
            "model_b": np.array(names, dtype=object)[second],
            "n": n,
            "only_a_right": only_a,
            "only_b_right": only_b,
            "difference": (only_a - only_b) / n,
            "low": low,
            "high": high,
            "p": p,
            "p_holm": holm(p),
            "equivalent_within": within,
        }
    )


def mcnemar(only_a: int, only_b: int) -> float:
    """Two-sided exact p-value that each of the pictures only one model gets right fell to it by a fair coin.

    McNemar (1947) in its exact conditional form; 1 where there is no such picture.
    """
    if only_a + only_b == 0:
        return 1.0
    return float(binomtest(int(only_a), int(only_a + only_b)).pvalue)


def tango_interval(only_a: int, only_b: int, n: int, z: float) -> tuple[float, float]:
    """The difference of two accuracies of the same `n` pictures, at `z` standard errors: Tango (1998).

    Its ends are where his score test just does not refuse a difference. It has a width where no picture
    tells the two models apart, too, where resampling shows none.
    """
    return _tango_low(only_a, only_b, n, z), -_tango_low(only_b, only_a, n, z)


def _tango_low(only_a: int, only_b: int, n: int, z: float) -> float:
    def excess(difference: float) -> float:
        linear = only_a + only_b - (2 * n - only_a + only_b) * difference
        root = math.sqrt(max(linear**2 + 8 * n * only_b * difference * (1 - difference), 0))
        share_b = (root + linear) / (4 * n)  # the likeliest, of such a difference
        variance = n * (2 * share_b + difference * (1 - difference))
        return only_a - only_b - n * difference - z * math.sqrt(max(variance, 0))

    if only_b == n:
        return -1.0
    return float(brentq(excess, -1, (only_a - only_b) / n - 1e-9, xtol=1e-12))


def grouped_p(surplus: np.ndarray) -> float:
    """Two-sided exact p-value that in each group either model could have been the better, by a fair coin.

    `surplus` int (groups,): the pictures that the first gets right less those of the second. The test of
    signs flipped group by group (Fisher 1935), of all 2^groups ways; with one picture a group it is
    McNemar's.
    """
    chances, reach = np.ones(1), 0  # of sums from -reach to reach
    for size in np.abs(surplus):
        step = np.zeros(2 * size + 1)
        step[0] += 0.5
        step[-1] += 0.5
        chances, reach = np.convolve(chances, step), reach + int(size)
    sums = np.arange(-reach, reach + 1)
    return float(min(chances[np.abs(sums) >= abs(surplus.sum())].sum(), 1))


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


def _interval(only_a: int, only_b: int, n: int) -> tuple[float, float]:
    """Of the difference under resamples of n pictures: how often each kind of picture is drawn."""
    shares = np.array([only_a, only_b, n - only_a - only_b]) / n
    drawn = np.random.default_rng(SEED).multinomial(n, shares, size=RESAMPLES)
    return percentiles((drawn[:, 0] - drawn[:, 1]) / n)


def _by_group(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Sums int (pairs, groups) of values int (pairs, n) over the pictures of each group."""
    _, member = np.unique(groups, return_inverse=True)
    sums = np.zeros((len(values), member.max() + 1), dtype=np.int64)
    np.add.at(sums, (slice(None), member), values)
    return sums


def _group_intervals(surplus: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of the differences under resamples of whole groups, and the farther end of that of 90 %.

    `surplus` (pairs, groups), `sizes` (groups,).
    """
    count, random, parts = len(sizes), np.random.default_rng(SEED), []
    for _ in range(0, RESAMPLES, CHUNK):
        drawn = random.multinomial(count, np.full(count, 1 / count), size=CHUNK)
        parts.append(surplus @ drawn.T / (drawn @ sizes))
    differences = np.concatenate(parts, axis=1)
    within = np.abs(np.quantile(differences, [0.05, 0.95], axis=1)).max(axis=0)
    alike = tango_interval(0, 0, count, norm.isf(0.05))[1]  # as many groups that tell nothing apart
    return *percentiles(differences), np.where(within > 0, within, alike)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
