"""All that the stages wrote of one data set, read once, for both faces of the report."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from menagerie import paths
from menagerie.compare import leaderboard, seeds
from menagerie.errors import MenagerieError
from menagerie.files import read_json
from menagerie.params import Params

Tables = dict[str, dict[str, pd.DataFrame]]

# The tables of evaluate that are read, and of which of their columns; None: of all. Without groups there is
# no column `group`.
TO_COMPARE = {
    "history": None,
    "predictions": ["actual", "predicted", "group"],
    "roc": ["kind", "fpr", "tpr"],
    "robustness": None,
    "per_class": None,
    "areas": None,
}
TO_SHOW = {
    "predictions": None,
    "per_class": None,
    "areas": None,
    "confusion": None,
    "robustness": None,
    "layers": None,
}
NAMES = {
    "class",
    "actual",
    "predicted",
    "corruption",
    "phase",
    "model_a",
    "model_b",
    "layer",
    "kind",
    "output",
    "test_right",
}


@dataclass(frozen=True)
class Results:
    """What the stages wrote of one data set.

    `source` and `data` are data/<ds>/source.json and report.json; `metrics` is by model, `tables` by the
    name of a table that evaluate wrote and then by model; `pairs` as of leaderboard.pairs; `seeds` as of
    seeds.together, without the models that have one run; `right` as of seeds.right. The others
    depend on the machine or are pictures, and only the page shows them: `runs`, by model, may lack some,
    figures are PNG by name, `replicates` is as replicates.table gives it, None where nobody asked for it,
    `test_picture` gives the pixels, uint8 (height, width, 3), of a path in the test split; None without them.
    """

    source: dict[str, Any]
    data: dict[str, Any]
    metrics: dict[str, dict[str, Any]]
    tables: Tables
    pairs: pd.DataFrame
    seeds: dict[str, pd.DataFrame] = field(default_factory=dict)
    right: dict[str, np.ndarray] = field(default_factory=dict)
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    data_figures: dict[str, bytes] = field(default_factory=dict)
    comparison_figures: dict[str, bytes] = field(default_factory=dict)
    model_figures: dict[str, dict[str, bytes]] = field(default_factory=dict)
    replicates: pd.DataFrame | None = None
    test_picture: Callable[[str], np.ndarray] | None = None

    @property
    def model_files(self) -> dict[str, str]:
        """The SHA-256 of each model's file."""
        return {name: metrics["model_sha256"] for name, metrics in self.metrics.items()}

    @cached_property
    def board(self) -> pd.DataFrame:
        """The leaderboard: one row a model, the highest test accuracy first."""
        return leaderboard.leaderboard(self.metrics)

    @cached_property
    def best(self) -> pd.Series:
        """The row of the model that val chooses."""
        return leaderboard.selected(self.board)


def evaluated(params: Params) -> Results:
    """Read what the stages before `compare` wrote of the models of params.yaml, and compare each pair.

    Raises:
        MenagerieError: a file is not there.
    """
    tables = _tables(params, TO_COMPARE)
    pairs = leaderboard.pairs(tables["predictions"])
    return Results(**_written(params, tables["predictions"]), tables=tables, pairs=pairs)


def compared(params: Params, replicates: pd.DataFrame | None = None) -> Results:
    """Read what all stages wrote of the models of params.yaml, with their figures and run records.

    Raises:
        MenagerieError: a file is not there, or the comparison is of other models.
    """
    dataset, models, tables = params.dataset.name, list(params.models), _tables(params, TO_SHOW)
    records = {name: paths.run_record(dataset, name) for name in models}
    return Results(
        **_written(params, tables["predictions"]),
        tables=tables,
        pairs=_pairs(paths.comparison_plots(dataset) / "pairs.csv", models),
        runs={name: read_json(record) for name, record in records.items() if record.is_file()},
        data_figures=_figures(paths.data_plots(dataset)),
        comparison_figures=_figures(paths.comparison_plots(dataset)),
        model_figures={name: _figures(paths.model_plots(dataset, name)) for name in models},
        replicates=replicates,
    )


def made(path: Path) -> Path:
    """The path of a file that a stage writes.

    Raises:
        MenagerieError: it is not there.
    """
    if not path.is_file():
        raise MenagerieError(f"{path} is not there; make it with `dvc repro`")
    return path


def _written(params: Params, predictions: dict[str, pd.DataFrame]) -> dict[str, Any]:
    dataset = params.dataset.name
    metrics = {name: paths.metrics(dataset, name) / "metrics.json" for name in params.models}
    measured = {name: read_json(made(path)) for name, path in metrics.items()}
    further = {name: _table(paths.replicates(dataset, name)) for name in params.models}
    return {
        "source": read_json(made(paths.source(dataset))),
        "data": read_json(made(paths.data_report(dataset))),
        "metrics": measured,
        "seeds": seeds.together(measured, further),
        "right": seeds.right(predictions, further),
    }


def _tables(params: Params, wanted: Mapping[str, list[str] | None]) -> Tables:
    folders = {name: paths.metrics(params.dataset.name, name) for name in params.models}
    return {
        stem: {name: _table(folder / f"{stem}.csv", columns) for name, folder in folders.items()}
        for stem, columns in wanted.items()
    }


def _table(path: Path, columns: list[str] | None = None) -> pd.DataFrame:
    """Read a CSV of a stage. Names are text, whatever they look like: read as values, `007` would be `7`."""
    there = list(pd.read_csv(made(path), nrows=0).columns)
    values = set(there) - NAMES
    return pd.read_csv(
        path,
        usecols=[column for column in there if columns is None or column in columns],
        dtype=dict.fromkeys(NAMES, str),
        keep_default_na=False,
        na_values=dict.fromkeys(values, ""),
    )


def _pairs(path: Path, models: list[str]) -> pd.DataFrame:
    pairs = _table(path)
    compared = {*pairs["model_a"], *pairs["model_b"]} or set(models[:1])  # one model makes no pair
    if compared != set(models):
        raise MenagerieError(f"{path} is of other models than params.yaml; run `dvc repro`")
    return pairs


def _figures(folder: Path) -> dict[str, bytes]:
    return {path.stem: path.read_bytes() for path in sorted(folder.glob("*.png"))}
