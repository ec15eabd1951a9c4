"""The result tables of README.md: what notebooks reported, beside what the committed summaries hold.

A table stands between `<!-- results: begin NAME -->` and `<!-- results: end -->`; docs/readme.yaml says what
it shows.
"""

import re
from collections.abc import Mapping
from typing import Any

from menagerie.errors import MenagerieError
from menagerie.params import Params
from menagerie.params.notebook import Reported
from menagerie.params.section import Many, Name, Section
from menagerie.report.claims_told import claims_told
from menagerie.report.findings.values import as_printed, count, interval, percent

MARKED = re.compile(r"(<!-- results: begin (\w+) -->\n).*?(?=<!-- results: end -->)", re.DOTALL)
NOT_RUN = "not run"

Summaries = Mapping[str, dict[str, Any]]  # by data set, its summary.json; none where nothing was run


class Beside(Section):
    study: Name
    model: Name


class Beyond(Section):
    """A model that no notebook has; `beside` is the reported one of its kind, if there is one."""

    model: Name
    dataset: Name
    pictures: str
    kind: str
    beside: Beside | None


class Notebooks(Section):
    """Studies, each with the data set whose results stand beside its numbers, and what those are called."""

    studies: dict[Name, Name]
    ours: str


class Tables(Section):
    notebooks: dict[Name, Notebooks]
    claims: Many[Name]  # studies
    beyond: Many[Beyond]

    @property
    def studies(self) -> list[str]:
        """The names of all studies whose numbers are shown."""
        shown = [study for one in self.notebooks.values() for study in one.studies]
        beside = [row.beside.study for row in self.beyond if row.beside]
        return list(dict.fromkeys([*shown, *self.claims, *beside]))

    @property
    def datasets(self) -> list[str]:
        """The names of all data sets whose results are shown."""
        shown = [dataset for one in self.notebooks.values() for dataset in one.studies.values()]
        return list(dict.fromkeys(shown + [row.dataset for row in self.beyond]))


def filled(text: str, tables: Tables, studies: Mapping[str, Params], summaries: Summaries) -> str:
    """The README's `text` with each table between its markers made anew, the rest as it is.

    `studies` has those of `tables.studies`, `summaries` what there is of `tables.datasets`.

    Raises:
        MenagerieError: a table has no markers, or markers have no table.
    """
    made = {name: _notebooks(one, studies, summaries) for name, one in tables.notebooks.items()}
    told = [
        [f"{studies[name].dataset.title}: {words}", *shown]
        for name in tables.claims
        for words, *shown in claims_told(studies[name].reported)
    ]
    made["claims"] = _table(["claim", "published", "can these numbers show it?"], told)
    made["beyond"] = _beyond(tables.beyond, studies, summaries)
    marked = [name for _, name in MARKED.findall(text)]
    if sorted(marked) != sorted(made):
        raise MenagerieError(
            f"README.md marks the tables {', '.join(marked) or 'none'}, docs/readme.yaml has "
            f"{', '.join(made)}; each needs, once and in this order, the lines "
            "<!-- results: begin NAME --> and <!-- results: end -->"
        )
    return MARKED.sub(lambda found: f"{found[1]}{made[found[2]]}\n", text)


def _notebooks(shown: Notebooks, studies: Mapping[str, Params], summaries: Summaries) -> str:
    """One row for each model of the suites; one that its notebook has no number of says so."""
    rows = []
    for study, dataset in shown.studies.items():
        reported = studies[study].reported.models
        for model in studies[study].models:
            rows.append([_link(model), *_compared(reported.get(model), _ours(summaries, dataset, model))])
    return _table(["model", "reported", "of", f"{shown.ours}, 95 % interval"], rows)


def _compared(reported: Reported | None, measured: dict[str, Any] | None) -> list[str]:
    if reported is None:
        return ["no number", "", _measured(measured, "test")]
    ours = _measured(measured, reported.split)
    if measured and measured["val_n" if reported.split == "val" else "n"] != reported.score.n:
        ours += ", of other pictures"
    return [as_printed(reported.score.accuracy), f"{reported.split}, {count(reported.score.n)}", ours]


def _beyond(rows: tuple[Beyond, ...], studies: Mapping[str, Params], summaries: Summaries) -> str:
    cells = []
    for row in rows:
        measured = _ours(summaries, row.dataset, row.model)
        pictures = f"{row.pictures} (n {count(measured['n'])})" if measured else row.pictures
        ours, best = _measured(measured, "test"), _best_reported(row, studies)
        cells.append([_link(row.model), pictures, row.kind, ours, best])
    columns = ["model", "pictures", "kind", "test accuracy, 95 % interval", "best reported of its kind"]
    return _table(columns, cells)


def _best_reported(row: Beyond, studies: Mapping[str, Params]) -> str:
    if row.beside is None:
        return "none"
    study = studies[row.beside.study]
    elsewhere = f", on {study.dataset.title}" if study.dataset.name != row.dataset else ""
    return as_printed(study.reported.models[row.beside.model].score.accuracy) + elsewhere


def _ours(summaries: Summaries, dataset: str, model: str) -> dict[str, Any] | None:
    return summaries[dataset]["models"].get(model) if dataset in summaries else None


def _measured(summary: dict[str, Any] | None, split: str) -> str:
    if summary is None:
        return NOT_RUN
    key = "val_accuracy" if split == "val" else "accuracy"
    return f"{percent(summary[key])} ({interval(summary[f'{key}_low'], summary[f'{key}_high'])})"


def _link(model: str) -> str:
    return f"[`{model}`](conf/model/{model}.yaml)"


def _table(columns: list[str], rows: list[list[str]]) -> str:
    head = f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}\n"
    return head + "\n".join(f"| {' | '.join(row)} |" for row in rows)
