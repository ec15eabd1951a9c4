"""Each model in detail, for the page alone."""

from dataclasses import dataclass
from typing import Any

import pandas as pd
import yaml

from menagerie.evaluate.measures import most_confused
from menagerie.params import Params
from menagerie.report.again import again
from menagerie.report.findings.blocks import Cell, Code, Facts, Paragraph, Section, Table, names, numbers
from menagerie.report.findings.classes import classes
from menagerie.report.findings.costs import hardware
from menagerie.report.findings.values import (
    count,
    counted,
    duration,
    megabytes,
    number,
    percent,
    score,
    three,
)
from menagerie.report.results import Results

CONFUSED = 10  # pairs of classes in a table
MEASURES = {
    "accuracy": "Accuracy (%)",
    "top2_accuracy": "Top-2 accuracy (%)",
    "top5_accuracy": "Top-5 accuracy (%)",
    "balanced_accuracy": "Balanced accuracy (%)",
    "precision_macro": "Precision, macro (%)",
    "recall_macro": "Recall, macro (%)",
    "f1_macro": "F1, macro (%)",
    "precision_weighted": "Precision, weighted (%)",
    "recall_weighted": "Recall, weighted (%)",
    "f1_weighted": "F1, weighted (%)",
    "auc_macro": "Area under ROC, macro (%)",
    "ece": "Calibration error, ECE (%)",
    "loss": "Loss (nats)",
    "brier": "Brier score (0 to 2)",
}


@dataclass(frozen=True)
class Model:
    """What is told of one model; `told` is one line of it."""

    name: str
    told: str
    chosen: bool
    sections: tuple[Section, ...]


def section(models: int) -> Section:
    others = "The best by val is open; choose another to open it. " if models > 1 else ""
    about = f"{others}Small numbers are 95 % intervals."
    return Section("models", "Models" if models > 1 else "The model", (Paragraph(about),))


def model(name: str, params: Params, results: Results) -> Model:
    metrics, test = results.metrics[name], results.metrics[name]["test"]
    settings = yaml.safe_dump(
        {name: params.model(name).model_dump(mode="json")}, sort_keys=False, allow_unicode=True
    )
    parts = {
        "Scores": _scores(name, metrics),
        "Classes": classes(name, results),
        "Confused most": _confused(name, results),
        "Layers": _layers(name, results),
        "Cost and machine": _cost(metrics, results.runs.get(name, {})),
        "Settings": Code(settings, folded=f"{name} in params.yaml"),
        "Repeat this": Code(again(params, [name])),
    }
    return Model(
        name=name,
        told=f"{percent(test['accuracy'])} % of {counted(test['n'], 'test picture')}",
        chosen=name == results.best["model"],
        sections=tuple(
            Section(f"{title} of {name}", title, (block,)) for title, block in parts.items() if block
        ),
    )


def _scores(name: str, metrics: dict[str, Any]) -> Table:
    parts = ("test", "val", "train")
    columns = names("measure") + numbers(*(f"{part}, n = {count(metrics[part]['n'])}" for part in parts))
    rows = tuple(
        (Cell(title), *(score(metrics[part], key) for part in parts))
        for key, title in MEASURES.items()
        if key in metrics["test"]
    )
    return Table(f"Scores of {name}", columns, rows)


def _confused(name: str, results: Results) -> Table | None:
    columns = names("true class", "taken for") + numbers("test pictures", "of the true class (%)")
    rows = tuple(
        (
            Cell(row["actual"]),
            Cell(row["predicted"]),
            number(row["pictures"], count),
            number(row["share"], percent),
        )
        for row in most_confused(results.tables["confusion"][name], CONFUSED).to_dict("records")
    )
    return Table(f"Classes that {name} confuses most", columns, rows) if rows else None


def _epochs(metrics: dict[str, Any]) -> str:
    if metrics["kept_epochs"] == [metrics["epochs"]]:
        return count(metrics["epochs"])
    kept = ", ".join(map(count, metrics["kept_epochs"]))
    return f"{count(metrics['epochs'])}; the weights are of epoch {kept}"


def _layers(name: str, results: Results) -> Table:
    columns = names("layer", "kind", "output") + numbers("parameters", "trainable")
    rows = tuple(
        (
            Cell(row["layer"]),
            Cell(row["kind"]),
            Cell(row["output"]),
            number(row["parameters"], count),
            number(row["trainable"], count),
        )
        for row in results.tables["layers"][name].to_dict("records")
    )
    return Table(f"Layers of {name}", columns, rows, folded=counted(len(rows), "layer"))


def _cost(metrics: dict[str, Any], run: dict[str, Any]) -> Facts:
    facts = [
        ("Parameters", f"{count(metrics['params'])}, trainable {count(metrics['trainable_params'])}"),
        ("Model file", f"{megabytes(metrics['model_bytes'])} MB"),
        ("Epochs", _epochs(metrics)),
    ]
    if pd.notna(run.get("fit_seconds")):
        speed = f"{three(run['pictures_per_second'])} pictures/s"
        facts.append(("Training", f"{duration(run['fit_seconds'])}, {speed}"))
    if pd.notna(run.get("milliseconds_per_picture")):
        facts.append(("Prediction", f"{three(run['milliseconds_per_picture'])} ms a picture"))
    if not run:
        return Facts((*facts, ("Machine", "not recorded")))
    versions = f"Python {run['python']}, Keras {run['keras']}, {run['backend']} {run['backend_version']}"
    lock = f", lock {run['lock_sha256'][:8]}" if "lock_sha256" in run else ""
    return Facts(
        (
            *facts,
            ("Machine", f"{hardware(run)}, {run['platform']}"),
            ("Versions", f"{versions}, NumPy {run['numpy']}{lock}; seed {run['seed']}"),
        )
    )
