"""What a notebook reported and claimed, beside what came out here."""

from typing import Any

import numpy as np
import pandas as pd

from menagerie.compare.leaderboard import both_ways
from menagerie.evaluate.measures import wilson_interval
from menagerie.params import Claim, Notebook, Params, Reported

REPRODUCED = "inside our interval"
LEVEL = 0.05  # of a test
PAIRED = ["difference", "low", "high", "p_holm"]


def against_reported(metrics: dict[str, dict[str, Any]], notebook: Notebook) -> pd.DataFrame:
    """Put the published accuracy beside ours, on the split that it was published for.

    The rule: a number counts as reproduced when it lies inside the 95 % interval of ours; if it does
    not, the verdict says by how much it misses the nearer end. There is none where the number is of other
    pictures: of another data set, or, since their number differs, of another split.
    """
    rows = []
    for name in [name for name in notebook.models if name in metrics]:
        reported, ours = notebook.models[name], metrics[name][notebook.models[name].split]
        rows.append(
            {
                "model": name,
                "split": reported.split,
                "reported": reported.accuracy,
                "reported_n": reported.n,
                "reproduced": ours["accuracy"],
                "low": ours["accuracy_low"],
                "high": ours["accuracy_high"],
                "n": ours["n"],
                "difference": ours["accuracy"] - reported.accuracy,
                "verdict": _incomparable(notebook, reported, ours["n"])
                or verdict(reported.accuracy, ours["accuracy_low"], ours["accuracy_high"]),
                "note": reported.note,
            }
        )
    return pd.DataFrame(rows)


def reported_accuracies(params: Params) -> dict[str, float]:
    """The published accuracy of each model of this run that has one for this data set."""
    if params.reported is None or params.reported.dataset != params.dataset.name:
        return {}
    return {
        name: params.reported.models[name].accuracy
        for name in params.models
        if name in params.reported.models
    }


def verdict(reported: float, low: float, high: float) -> str:
    """Say whether the published accuracy lies in our interval; all in [0, 1], misses in points of 100."""
    if reported < low:
        return f"no: ours is higher, {100 * (low - reported):.2f} points outside"
    if reported > high:
        return f"no: ours is lower, {100 * (reported - high):.2f} points outside"
    return REPRODUCED


def claims(notebook: Notebook, metrics: dict[str, dict[str, Any]], pairs: pd.DataFrame) -> pd.DataFrame:
    """What the notebook claims, one row a claim: can its numbers show it, and do ours.

    Of the published numbers: split, n, `reported_difference` (accuracy of `better` less that of `than`),
    `reported_pictures` (the same in pictures of n) and `intervals_overlap` (of their 95 % Wilson
    intervals). n and `reported_pictures` are NaN where the two are of different pictures. Of ours, on test:
    difference, low, high and p_holm of `pairs`, better less than; NaN where one of the two was not run.

    The rule of `verdict`: the published numbers show a difference when their intervals do not overlap. That
    is cautious, and an overlap proves nothing: the notebooks do not say which pictures each model got
    right. Ours support the claim when p_holm is below 0.05 and the difference is positive.
    """
    rows = []
    for claim in notebook.claims:
        published = _published(notebook.models[claim.better], notebook.models[claim.than])
        ours = _ours(claim, metrics, pairs)
        told = f"{_published_verdict(published)}; {_our_verdict(ours, _where(notebook, claim, metrics))}"
        rows.append(claim.model_dump() | published | ours | {"verdict": told})
    return pd.DataFrame(rows)


def _published(better: Reported, than: Reported) -> dict[str, Any]:
    right = [round(one.accuracy * one.n) for one in (better, than)]
    (low, high), (other_low, other_high) = (
        wilson_interval(right[0], better.n),
        wilson_interval(right[1], than.n),
    )
    same = (better.split, better.n) == (than.split, than.n)
    return {
        "split": better.split if better.split == than.split else f"{better.split} / {than.split}",
        "n": better.n if same else np.nan,
        "reported_difference": better.accuracy - than.accuracy,
        "reported_pictures": right[0] - right[1] if same else np.nan,
        "intervals_overlap": low <= other_high and other_low <= high,
    }


def _published_verdict(published: dict[str, Any]) -> str:
    pictures, n = published["reported_pictures"], published["n"]
    if np.isnan(n):
        return "the published numbers are of different pictures"
    noun, side = "picture" if abs(pictures) == 1 else "pictures", "fewer" if pictures < 0 else "more"
    size = f"{abs(pictures)} {noun} of {n} {side}"
    if published["intervals_overlap"]:
        return f"the published intervals overlap: {size}, the published numbers alone do not show it"
    return f"the published intervals do not overlap: {'the opposite, ' if pictures < 0 else ''}{size}"


def _ours(claim: Claim, metrics: dict[str, dict[str, Any]], pairs: pd.DataFrame) -> dict[str, float]:
    if not {claim.better, claim.than} <= set(metrics):
        return dict.fromkeys(PAIRED, np.nan)
    table = both_ways(pairs)
    row = table[(table["model_a"] == claim.better) & (table["model_b"] == claim.than)].iloc[0]
    return {key: float(row[key]) for key in PAIRED}


def _our_verdict(ours: dict[str, float], where: str) -> str:
    if np.isnan(ours["p_holm"]):
        return "ours: not run here"
    if ours["p_holm"] >= LEVEL:
        return f"ours: not shown, on {where} pictures"
    return f"ours: {'supported' if ours['difference'] > 0 else 'the opposite'}, on {where} pictures"


def _where(notebook: Notebook, claim: Claim, metrics: dict[str, dict[str, Any]]) -> str:
    """Whether our test pictures come from those that the claim is of: `test`, or `other`."""
    apart = [
        _incomparable(notebook, notebook.models[name], metrics[name][notebook.models[name].split]["n"])
        for name in {claim.better, claim.than} & set(metrics)
    ]
    return "other" if any(apart) else "test"


def _incomparable(notebook: Notebook, reported: Reported, n: int) -> str:
    if notebook.published_on != notebook.dataset:
        return f"not comparable: of {notebook.published_on}"
    return "" if n == reported.n else f"not comparable: of {reported.n} other pictures"
