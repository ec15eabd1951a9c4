"""What each model costs on which machine, for the page alone: these numbers differ from run to run."""

from dataclasses import replace
from typing import Any

import pandas as pd

from menagerie.report.findings.blocks import Cell, Paragraph, Section, Table, model_names, names, numbers
from menagerie.report.findings.values import counted, duration, interval, megabytes, number, three
from menagerie.report.results import Results

MEASURED = {  # of a run record: how its column is called, and how it is written
    "fit_seconds": ("training", duration),
    "pictures_per_second": ("pictures/s", three),
    "milliseconds_per_picture": ("ms a picture", three),
}


def costs(results: Results) -> pd.DataFrame:
    """What each model costs and gives, as plots.comparison.cost_against_accuracy takes it."""
    measured = [[results.runs.get(name, {}).get(key) for key in MEASURED] for name in results.board["model"]]
    return results.board.assign(**pd.DataFrame(measured, columns=list(MEASURED), dtype=float))


def section(results: Results) -> Section:
    about = (
        "Training time, pictures a second in training and milliseconds a picture in prediction are of the "
        "machine named under each model, and time depends on the number of epochs, too; compare them only "
        "between models trained on the same machine."
    )
    columns = model_names("model") + numbers("size (MB)", *(title for title, _ in MEASURED.values()))
    rows = tuple(
        (
            Cell(row["model"], target=f"model-{row['model']}"),
            number(row["model_bytes"], megabytes),
            *(number(row[key], form) for key, (_, form) in MEASURED.items()),
        )
        for row in costs(results).to_dict("records")
    )
    table = Table("Cost of each model", columns, rows, sortable=len(rows) > 1)
    return Section("cost", "Cost and accuracy", (Paragraph(about), table))


def machines(results: Results) -> Paragraph:
    """What the models were trained on, each once."""
    told = dict.fromkeys(
        f"{hardware(run)} with Keras {run['keras']} on {run['backend']} {run['backend_version']}"
        for run in results.runs.values()
        if "fit_seconds" in run  # else the model came from DVC's cache, and was only tested here
    )
    if not told:
        what = "them" if len(results.metrics) > 1 else "it"
        return Paragraph(f"Nothing is recorded of the machine that trained {what}.", quiet=True)
    return Paragraph(f"Trained on {'; '.join(told)}.", quiet=True)


def hardware(run: dict[str, Any]) -> str:
    """Devices, processor, threads and driver of a run record; of one of an earlier version, its devices."""
    told = [run["devices"]]
    if "cpu" in run:
        told += [f"{run['cpu']} ({run['cpu_features']})", counted(int(run["threads"]), "thread")]
    if "gpu" in run:
        told.append(f"{run['gpu']} (driver {run['gpu_driver']})")
    return ", ".join(told)


def with_intervals(leaderboard: Section, results: Results) -> Section:
    """The section of the leaderboard with drawn intervals, and names that lead to their model."""
    low, high = results.board["accuracy_low"].min(), results.board["accuracy_high"].max()
    about = f"The drawn intervals run from {interval(low, high)} %."
    if len(results.board) > 1:
        about = f"Choose a column's head to sort by it. {about}"
    blocks = []
    for block in leaderboard.blocks:
        if isinstance(block, Table):
            blocks += [_widened(block, results.board, low, high), Paragraph(about, quiet=True)]
        else:
            blocks.append(block)
    return replace(leaderboard, blocks=tuple(blocks))


def _widened(table: Table, board: pd.DataFrame, low: float, high: float) -> Table:
    """The table with a column more; `low` and `high` are the ends of what is drawn."""
    (model, accuracy, *others), rows = table.columns, []
    for (name, score, *scores), row in zip(table.rows, board.to_dict("records"), strict=True):
        ends = (row["accuracy_low"], row["accuracy"], row["accuracy_high"])
        drawn = Cell("", key=ends[0], drawn=tuple((end - low) / (high - low) for end in ends))
        rows.append((replace(name, target=f"model-{name.text}"), score, drawn, *scores))
    return replace(table, columns=(model, accuracy, *names("interval"), *others), rows=tuple(rows))
