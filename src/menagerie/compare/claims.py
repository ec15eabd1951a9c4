"""What a notebook claims, beside what its own numbers can show and what came out here."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from menagerie.compare.leaderboard import both_ways
from menagerie.compare.margins import mcnemar_bounds, pictures_needed
from menagerie.compare.paired import holm
from menagerie.compare.published import LEVEL, incomparable
from menagerie.compare.seeds import difference_p
from menagerie.params.notebook import Claim, Notebook, Pair, Score

OURS = ["difference", "low", "high", "p", "seeds", "mean_difference"]
SHOWN, OPPOSITE, IMPOSSIBLE, OPEN = "shown", "the opposite is shown", "cannot be shown", "open"

Ours = dict[tuple[str, str], dict[str, float]]


def claims(
    notebook: Notebook,
    metrics: dict[str, dict[str, Any]],
    pairs: pd.DataFrame | None,
    runs: dict[str, pd.DataFrame],
) -> pd.DataFrame:
    """One row for each pair of models that a claim is of: can the notebook's numbers show it, and do ours.

    `claim` counts the notebook's claims from 0. Of the published numbers, on `split`: n,
    `reported_difference` (accuracy of `better` less that of `than`), `reported_pictures` (the same in
    pictures of n), the epochs of both, and `p_min` and `p_max`, the bounds of McNemar's exact p whichever
    pictures each got right. `needed` pictures a model, other ones for each, would show such a difference in
    80 % of cases. `can_show` is "shown" or "the opposite is shown" where p_max is below 0.05 after Holm's
    correction for the rows of the claim, "cannot be shown" where p_min is not, else "open". `earlier`
    marks a row of the numbers of `than` at an earlier epoch, which ours has none of. `elsewhere_pictures` of
    `elsewhere_n` are those of the split that the claim is not of, NaN where one has no number there.

    Of ours, on test: difference, low, high and p of `pairs`, better less than; NaN where one of the two was
    not run. Where both have several `runs` (see seeds.together), of which the one with fewer has `seeds`,
    `mean_difference` is that of their means, and p is the larger of that one and Welch's over the seeds, 1
    where the two differences point apart: what is shown holds for other pictures and for other seeds.
    `p_holm` is p after Holm's correction for the pairs of the claim that were run. Ours support a claim when
    it is below 0.05 and the difference is positive. `verdict` says both.
    """
    ours = _ours(pairs, runs)
    tables = [
        _claim(notebook, claim, metrics, ours).assign(claim=place)
        for place, claim in enumerate(notebook.claims)
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _claim(notebook: Notebook, claim: Claim, metrics: dict[str, dict[str, Any]], ours: Ours) -> pd.DataFrame:
    table = pd.DataFrame(list(_rows(notebook, claim, ours)))
    shown, possible = (_adjusted(table[name]) < LEVEL for name in ("p_max", "p_min"))
    ahead = table["reported_pictures"] > 0
    table["can_show"] = np.select([shown & ahead, shown, possible], [SHOWN, OPPOSITE, OPEN], IMPOSSIBLE)
    table["p_holm"] = _adjusted(table["p"])
    where = [_where(notebook, claim, pair, metrics) for pair in table.itertuples()]
    told = zip(table.to_dict("records"), where, strict=True)
    table["verdict"] = [f"{_published_verdict(row)}; {_our_verdict(row, here)}" for row, here in told]
    return table


def _rows(notebook: Notebook, claim: Claim, ours: Ours) -> Iterator[dict[str, Any]]:
    for pair in claim.pairs:
        better, than = notebook.models[pair.better], notebook.models[pair.than]
        score = getattr(better, claim.split)
        names = {"better": pair.better, "than": pair.than, "split": claim.split}
        whole = {"epochs": better.epochs, "than_epochs": than.epochs, "earlier": False}
        yield (
            names
            | whole
            | _published(score, getattr(than, claim.split))
            | _elsewhere(notebook, claim, pair)
            | ours.get((pair.better, pair.than), dict.fromkeys(OURS, np.nan))
        )
        if earlier := claim.earlier.get(pair.than):
            early = {"epochs": better.epochs, "than_epochs": earlier.epoch, "earlier": True}
            yield names | early | _published(score, earlier) | _nothing()


def _published(better: Score, than: Score) -> dict[str, Any]:
    p_min, p_max = mcnemar_bounds(better.right, than.right, better.n)
    return {
        "n": better.n,
        "better_accuracy": better.accuracy,
        "than_accuracy": than.accuracy,
        "reported_difference": better.value - than.value,
        "reported_pictures": better.right - than.right,
        "p_min": p_min,
        "p_max": p_max,
        "needed": pictures_needed(better.right, better.n, than.right, than.n),
    }


def _elsewhere(notebook: Notebook, claim: Claim, pair: Pair) -> dict[str, float]:
    other = "val" if claim.split == "test" else "test"
    better, than = (getattr(notebook.models[name], other) for name in (pair.better, pair.than))
    both = better is not None and than is not None
    return {
        "elsewhere_pictures": better.right - than.right if both else np.nan,
        "elsewhere_n": better.n if both else np.nan,
    }


def _ours(pairs: pd.DataFrame | None, runs: dict[str, pd.DataFrame]) -> Ours:
    """OURS of each pair of models, either way round."""
    if pairs is None:
        return {}
    found = {}
    for row in both_ways(pairs).to_dict("records"):
        names = row["model_a"], row["model_b"]
        values = {key: float(row[key]) for key in ("difference", "low", "high", "p")}
        values |= {"seeds": 1, "mean_difference": np.nan}
        if all(name in runs for name in names):
            one, other = (runs[name]["test_accuracy"].to_numpy() for name in names)
            mean = float(one.mean() - other.mean())
            agree = np.sign(mean) == np.sign(values["difference"])
            values["p"] = max(values["p"], difference_p(one, other)) if agree else 1.0
            values |= {"seeds": min(len(one), len(other)), "mean_difference": mean}
        found[names] = values
    return found


def _nothing() -> dict[str, float]:
    return dict.fromkeys([*OURS, "elsewhere_pictures", "elsewhere_n"], np.nan)


def _adjusted(p: pd.Series) -> np.ndarray:
    """Holm's correction for those that there are."""
    adjusted = p.to_numpy(dtype=float, copy=True)
    known = ~np.isnan(adjusted)
    adjusted[known] = holm(adjusted[known])
    return adjusted


def _published_verdict(row: dict[str, Any]) -> str:
    pictures = row["reported_pictures"]
    noun, side = "picture" if abs(pictures) == 1 else "pictures", "fewer" if pictures < 0 else "more"
    return f"published: {row['can_show']}, {abs(pictures)} {noun} of {row['n']:,} {side}"


def _our_verdict(row: dict[str, Any], where: str) -> str:
    if np.isnan(row["p_holm"]):
        return "ours: not run here"
    on = f"on {where} pictures" + (f" and {row['seeds']:.0f} seeds" if row["seeds"] > 1 else "")
    if row["p_holm"] >= LEVEL:
        return f"ours: not shown, {on}"
    return f"ours: {'supported' if row['difference'] > 0 else 'the opposite'}, {on}"


def _where(notebook: Notebook, claim: Claim, pair: Pair, metrics: dict[str, dict[str, Any]]) -> str:
    """Whether our test pictures come from those that the claim is of: `test`, or `other`."""
    apart = [
        incomparable(notebook, getattr(notebook.models[name], claim.split), metrics[name][claim.split]["n"])
        for name in {pair.better, pair.than} & set(metrics)
    ]
    return "other" if any(apart) else "test"
