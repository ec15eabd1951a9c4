"""The classification report of one model: what both faces of the report tell by class."""

import pandas as pd

from menagerie.report.findings.blocks import Cell, Table, names, numbers
from menagerie.report.findings.values import DASH, count, number, percent, score
from menagerie.report.results import Results


def classes(name: str, results: Results, folded: str = "") -> Table:
    areas = results.tables["areas"][name]
    areas = areas[areas["kind"] == "class"].drop(columns=["kind", "pictures"])
    shares = ("f1", "auc", "average_precision")
    columns = names("class") + numbers(
        "test pictures",
        "precision (%)",
        "recall (%)",
        "F1 (%)",
        "area under ROC (%)",
        "average precision (%)",
    )
    rows = tuple(
        (
            Cell(row["class"]),
            number(row["support"], count),
            score(row, "precision") if pd.notna(row["precision_low"]) else Cell(DASH, key=float("nan")),
            score(row, "recall"),
            *(number(row[key], percent) for key in shares),
        )
        for row in results.tables["per_class"][name].merge(areas, on="class", how="left").to_dict("records")
    )
    return Table(f"Classes of {name}", columns, rows, sortable=True, folded=folded)
