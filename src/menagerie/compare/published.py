"""The numbers that a notebook reported, beside what came out here."""

from typing import Any

import numpy as np
import pandas as pd

from menagerie.compare.margins import newcombe_p
from menagerie.compare.seeds import another_p, prediction_interval
from menagerie.params import Params
from menagerie.params.notebook import Notebook, Reported, Score

REPRODUCED = "reproduced"
LEVEL = 0.05  # of a test


def against_reported(
    metrics: dict[str, dict[str, Any]], notebook: Notebook, runs: dict[str, pd.DataFrame]
) -> pd.DataFrame:
    """Put the published accuracy beside ours, on the split that it was published for.

    The rule for a model of one run: a number is not reproduced when Newcombe's 95 % interval of ours less
    the reported one leaves out 0. Both have the chance of their pictures, so that two networks of equal
    accuracy fail it in about 5 % of cases. For a model of several `runs` (see seeds.together), on the very
    pictures that the number is of: when their 95 % prediction interval, `predicted_low` to
    `predicted_high`, leaves it out. Either is asked of every value that rounds to what was printed; `p` is
    the largest over them. There is no verdict where the number is of other pictures: of another data set,
    or, since their number differs, of another split.
    """
    rows = []
    for name in [name for name in notebook.models if name in metrics]:
        reported, ours = notebook.models[name], metrics[name][notebook.models[name].split]
        apart = incomparable(notebook, reported.score, ours["n"])
        seeds = runs[name][f"{reported.split}_accuracy"].to_numpy() if name in runs else None
        p = np.nan if apart else _p(reported.score, ours, seeds)
        centre = ours["accuracy"] if seeds is None else seeds.mean()
        rows.append(
            {"model": name, "split": reported.split, "printed": reported.score.accuracy}
            | _beside(reported, ours)
            | _predicted(seeds)
            | {"reported_epochs": reported.epochs, "epochs": metrics[name]["epochs"], "p": p}
            | {"verdict": apart or verdict(centre - reported.score.value, p), "note": reported.note}
        )
    return pd.DataFrame(rows)


def _p(reported: Score, ours: dict[str, Any], seeds: np.ndarray | None) -> float:
    if seeds is None:
        return agreement(round(ours["accuracy"] * ours["n"]), ours["n"], reported)
    least, greatest = reported.rights
    return another_p(seeds, least / reported.n, greatest / reported.n)


def _predicted(seeds: np.ndarray | None) -> dict[str, float]:
    if seeds is None:
        return {"runs": 1, "mean": np.nan, "predicted_low": np.nan, "predicted_high": np.nan}
    low, high = prediction_interval(seeds)
    return {"runs": len(seeds), "mean": seeds.mean(), "predicted_low": low, "predicted_high": high}


def _beside(reported: Reported, ours: dict[str, Any]) -> dict[str, Any]:
    return {
        "reported": reported.score.value,
        "reported_n": reported.score.n,
        "reproduced": ours["accuracy"],
        "low": ours["accuracy_low"],
        "high": ours["accuracy_high"],
        "n": ours["n"],
        "difference": ours["accuracy"] - reported.score.value,
        "reported_loss": np.nan if reported.score.loss is None else reported.score.loss,
        "loss": ours["loss"],
    }


def agreement(right: int, n: int, reported: Score) -> float:
    """The p of `right` of `n` against what was reported, the largest over all that rounds to it."""
    least, greatest = reported.rights
    nearest = min(max(round(right / n * reported.n), least), greatest)
    return newcombe_p(right, n, nearest, reported.n)


def verdict(difference: float, p: float) -> str:
    """Say whether a number is reproduced, of the p of ours less the reported one."""
    if p >= LEVEL:
        return REPRODUCED
    return f"no: ours is {'higher' if difference > 0 else 'lower'}, p {p:.2g}"


def reported_accuracies(params: Params) -> dict[str, float]:
    """The published accuracy of each model of this run that has one for this data set."""
    if params.reported is None or params.reported.dataset != params.dataset.name:
        return {}
    return {
        name: params.reported.models[name].score.value
        for name in params.models
        if name in params.reported.models
    }


def incomparable(notebook: Notebook, reported: Score, n: int) -> str:
    """Why our `n` pictures are not those of a reported number; nothing where they are."""
    if notebook.published_on != notebook.dataset:
        return f"not comparable: of {notebook.published_on}"
    return "" if n == reported.n else f"not comparable: of {reported.n} other pictures"
