"""What the run of a study gave: the few values that docs/results.md and the page over all studies need."""

from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import Field

from menagerie.compare.claims import claims
from menagerie.compare.published import against_reported
from menagerie.errors import MenagerieError, ParamsError
from menagerie.files import read_json, whole, write_json
from menagerie.params import Params
from menagerie.params.section import Count, Many, Name, Section, parse
from menagerie.report.results import Results

NO_NUMBER = "no number was reported"


class Reached(Section):
    """What a model reached on the split that its number was reported of; of several runs, their mean, too."""

    split: Literal["val", "test"]
    accuracy: float
    low: float
    high: float
    n: Count
    runs: Count
    mean: float | None
    mean_low: float | None
    mean_high: float | None
    verdict: str


class Pair(Section):
    """What ours say of a pair of models that a claim is of; claims are counted from 0."""

    claim: Annotated[int, Field(ge=0)]
    better: Name
    than: Name
    ours: str


class Given(Section):
    """A study's models that were run, what they say of its claims, and why the others were not run."""

    models: dict[Name, Reached]
    pairs: Many[Pair]
    left_out: dict[Name, str]


def given(params: Params, results: Results, left_out: dict[str, str]) -> Given:
    """What came of a study, beside what its notebook reported."""
    table = against_reported(results.metrics, params.reported, results.seeds)
    rows = {row["model"]: row for row in table.to_dict("records")}
    models = {
        name: _reached(rows[name]) if name in rows else _alone(results.metrics[name]["test"])
        for name in params.models
    }
    told = claims(params.reported, results.metrics, results.pairs, results.seeds)
    pairs = tuple(_pair(row) for row in told.to_dict("records") if not row["earlier"])
    return Given(models=models, pairs=pairs, left_out=left_out)


def _reached(row: dict[str, Any]) -> Reached:
    mean, low, high = (
        None if pd.isna(row[key]) else float(row[key]) for key in ("mean", "predicted_low", "predicted_high")
    )
    return Reached(
        split=row["split"],
        accuracy=float(row["reproduced"]),
        low=float(row["low"]),
        high=float(row["high"]),
        n=int(row["n"]),
        runs=int(row["runs"]),
        mean=mean,
        mean_low=low,
        mean_high=high,
        verdict=row["verdict"],
    )


def _alone(test: dict[str, Any]) -> Reached:
    values = {"accuracy": test["accuracy"], "low": test["accuracy_low"], "high": test["accuracy_high"]}
    nothing = dict.fromkeys(("mean", "mean_low", "mean_high"))
    return Reached(split="test", n=test["n"], runs=1, verdict=NO_NUMBER, **values, **nothing)


def _pair(row: dict[str, Any]) -> Pair:
    ours = row["verdict"].split("; ours: ")[1]
    return Pair(claim=int(row["claim"]), better=row["better"], than=row["than"], ours=ours)


def keep(value: Given, path: Path) -> None:
    with whole(path) as part:
        write_json(part, value.model_dump(mode="json"))


def kept(path: Path) -> Given | None:
    """What was kept, None where nothing was.

    Raises:
        MenagerieError: the file holds something else.
    """
    if not path.is_file():
        return None
    try:
        return parse(Given, read_json(path), str(path))
    except (ParamsError, ValueError) as error:
        why = str(error).splitlines()[-1].strip()
        fix = f"remove it; `menagerie notebooks {path.stem}` makes it anew"
        raise MenagerieError(f"{path} holds no results of a study ({why}); {fix}") from error
