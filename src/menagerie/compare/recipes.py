"""Recipes, each trained from several seeds: what they would score from other seeds on other pictures.

Each run is tested on the same pictures, so that seeds and pictures are crossed: whether a run gets a picture
right has a part of the seed, a part of the picture, and a rest. Their variances are those of the analysis of
variance with two random effects (Searle, Casella and McCulloch, Variance Components, 1992, chapter 4; of
classifiers, Dietterich, Neural Computation 10, 1998, section 2), and the degrees of freedom of their sum are
Satterthwaite's (1946).
"""

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import norm, t

from menagerie.compare.paired import holm
from menagerie.evaluate.intervals import wilson_interval

# Standard errors of a difference that is found in 80 % of cases at 5 %.
FOUND = float(norm.isf(0.025) + norm.isf(0.2))


@dataclass(frozen=True)
class _Parts:
    """The variance of a mean over runs and pictures, by what it comes from.

    `pictures` is the part of the pictures with the rest, `seeds` that of the seeds alone, `rest` what of
    `pictures` would go with more seeds; the degrees of freedom go by `by_seed`, the plain variance of the
    mean over seeds.
    """

    pictures: float
    seeds: float
    rest: float
    by_seed: float


def recipes(right: dict[str, np.ndarray], groups: np.ndarray | None = None) -> pd.DataFrame:
    """One row for each of `right` with 2 runs or more, the highest mean first.

    `right` bool (runs, n) says which test pictures each run gets right; `groups`, int (n,), which pictures
    belong together, and are then drawn together. Columns: model, seeds, n; mean, the accuracy over all runs
    and pictures; std, of the runs' accuracies (n - 1 below); low and high, the 95 % interval of the mean:
    Wilson's, of as many pictures as give its variance over seeds and pictures, and as wide as the t of its
    degrees of freedom; by_seed, the share of that variance that more seeds, and not more pictures, would
    lessen.
    """
    rows = []
    for name, runs in right.items():
        if len(runs) < 2:
            continue
        share, parts = float(runs.mean()), _parts(runs, groups)
        variance = parts.pictures + parts.seeds
        drawn = _drawn(runs.shape[1], groups)
        freedom = _freedom([(parts.pictures, drawn - 1), (parts.by_seed, len(runs) - 1)])
        low, high = _interval(share, variance, freedom, drawn)
        rows.append(
            {
                "model": name,
                "seeds": len(runs),
                "n": runs.shape[1],
                "mean": share,
                "std": float(runs.mean(axis=1).std(ddof=1)),
                "low": low,
                "high": high,
                "by_seed": (parts.seeds + parts.rest) / variance if variance > 0 else 0.0,
            }
        )
    columns = ["model", "seeds", "n", "mean", "std", "low", "high", "by_seed"]
    found = pd.DataFrame(rows, columns=columns)
    return found.sort_values("mean", ascending=False, kind="stable", ignore_index=True)


def recipe_pairs(right: dict[str, np.ndarray], groups: np.ndarray | None = None) -> pd.DataFrame:
    """Each pair of the recipes with 2 runs or more: is the one better, from any seed, on any pictures.

    `right` and `groups` as for `recipes`, the pictures of all being the same. Columns: model_a, model_b;
    difference, the mean accuracy of the first less that of the second, with its 95 % interval low and high; p
    that it is none, by the same variance and t, and p_holm after Holm's correction for all pairs;
    pictures_needed (with the seeds that there are) and seeds_needed (of each, with the pictures that there
    are) to find a difference of this size in 80 % of cases at 5 %: infinite where the other part alone hides
    it.
    """
    rows = []
    several = {name: runs for name, runs in right.items() if len(runs) > 1}
    parts_of = {name: (_parts(runs, groups), len(runs)) for name, runs in several.items()}
    for one, other in combinations(several, 2):
        a, b = several[one], several[other]
        difference = float(a.mean() - b.mean())
        of_pictures = _of_pictures(a.mean(axis=0) - b.mean(axis=0), groups)
        sides = [parts_of[one], parts_of[other]]
        of_seeds = sum(parts.seeds for parts, _ in sides)
        error = math.sqrt(of_pictures + of_seeds)
        drawn = _drawn(a.shape[1], groups)
        of_runs = [(parts.by_seed, count - 1) for parts, count in sides]
        freedom = _freedom([(of_pictures, drawn - 1), *of_runs])
        half = t.ppf(0.975, freedom) * error if error else 0.0
        rows.append(
            {
                "model_a": one,
                "model_b": other,
                "difference": difference,
                "low": max(difference - half, -1.0),
                "high": min(difference + half, 1.0),
                "p": float(2 * t.sf(abs(difference) / error, freedom)) if error else float(difference == 0),
                "pictures_needed": _pictures_needed(difference, of_pictures * a.shape[1], of_seeds),
                "seeds_needed": _seeds_needed(difference, of_pictures, sides),
            }
        )
    columns = ["model_a", "model_b", "difference", "low", "high", "p", "pictures_needed", "seeds_needed"]
    pairs = pd.DataFrame(rows, columns=columns)
    return pairs.assign(p_holm=holm(pairs["p"].to_numpy(float)))


def _parts(runs: np.ndarray, groups: np.ndarray | None) -> _Parts:
    count, n = runs.shape
    by_run, by_picture = runs.mean(axis=1), runs.mean(axis=0)
    rest = runs - by_picture - by_run[:, np.newaxis] + runs.mean()
    error = float((rest**2).sum()) / ((count - 1) * (n - 1))
    of_seeds = float(by_run.var(ddof=1)) / count
    return _Parts(
        pictures=_of_pictures(by_picture, groups),
        seeds=max(of_seeds - error / (count * n), 0.0),
        rest=error / (count * n),
        by_seed=of_seeds,
    )


def _of_pictures(values: np.ndarray, groups: np.ndarray | None) -> float:
    """The variance of the mean of values float (n,) over other pictures: of whole groups, where there are."""
    away = values - values.mean()
    if groups is not None:
        _, member = np.unique(groups, return_inverse=True)
        away = np.bincount(member, away)
    return float((away**2).sum()) * len(away) / (len(away) - 1) / len(values) ** 2


def _drawn(n: int, groups: np.ndarray | None) -> int:
    """How many are drawn independently of each other: pictures, or groups of them."""
    return n if groups is None else len(np.unique(groups))


def _freedom(terms: list[tuple[float, int]]) -> float:
    """Satterthwaite's degrees of freedom of a sum of variances, each with its own."""
    below = sum(variance**2 / freedom for variance, freedom in terms)
    return sum(variance for variance, _ in terms) ** 2 / below if below else math.inf


def _interval(share: float, variance: float, freedom: float, drawn: int) -> tuple[float, float]:
    """Of runs that are all right, or all wrong, it is that of one run."""
    worth = share * (1 - share) / variance if variance else drawn
    return wilson_interval(share * worth, worth, float(t.ppf(0.975, freedom)))


def _pictures_needed(difference: float, of_one: float, of_seeds: float) -> float:
    left = (difference / FOUND) ** 2 - of_seeds
    return math.ceil(of_one / left) if left > 0 else math.inf


def _seeds_needed(difference: float, of_pictures: float, sides: list[tuple[_Parts, int]]) -> float:
    lessened = sum((parts.seeds + parts.rest) * count for parts, count in sides)
    fixed = max(of_pictures - sum(parts.rest for parts, _ in sides), 0.0)
    left = (difference / FOUND) ** 2 - fixed
    return max(math.ceil(lessened / left), 2) if left > 0 else math.inf
