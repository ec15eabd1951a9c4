"""What more is known of the scores: calibration, robustness, other seeds."""

from typing import Any

import pandas as pd

from menagerie.compare import leaderboard
from menagerie.report.findings.blocks import (
    Cell,
    Paragraph,
    Section,
    Table,
    model_names,
    names,
    numbers,
    prose,
)
from menagerie.report.findings.values import count, counted, decimal, number, percent, two
from menagerie.report.results import Results


def calibration(results: Results) -> Section:
    about = (
        "The expected calibration error (ECE) is how far confidence lies from accuracy. It and the loss are "
        "of test, as the model is and after its logits are divided by a temperature. That is fitted on val, "
        "with the 95 % interval of its likelihood; above 1 it says that the model was too sure. Where that "
        "interval has an open end val cannot tell the temperature, and what is said after scaling means "
        "little."
    )
    shared, n = results.data["test_pictures_also_in"]["val"], results.data["splits"]["test"]
    if shared:
        are = "is one" if shared == 1 else "are those"
        about += (
            f" {count(shared)} of the {counted(n, 'test picture')} {are} that the temperature was fitted on: "
            "after scaling, these numbers are not of new pictures."
        )
    if results.data["groups"]:
        about += " The temperature's interval takes pictures of one group for independent: it is too short."
    columns = model_names("model") + numbers(
        "temperature", "ECE (%)", "ECE after scaling (%)", "loss (nats)", "loss after scaling (nats)", "n"
    )
    rows = tuple(_calibrated(name, results.metrics[name]) for name in results.board["model"])
    return Section("calibration", "Calibration", (Paragraph(about), Table("Calibration", columns, rows)))


def _calibrated(name: str, metrics: dict[str, Any]) -> tuple[Cell, ...]:
    scaled = metrics["calibration"]
    return (
        Cell(name),
        _temperature(scaled),
        number(scaled["ece_before"], percent),
        number(scaled["ece_after"], percent),
        number(scaled["loss_before"], decimal),
        number(scaled["loss_after"], decimal),
        number(metrics["test"]["n"], count),
    )


def _temperature(scaled: dict[str, float | None]) -> Cell:
    low, high = scaled["temperature_low"], scaled["temperature_high"]
    if low is not None and high is not None:
        return number(scaled["temperature"], two, low, high)
    ends = {"above": low, "below": high}
    known = [f"{side} {two(end)}" for side, end in ends.items() if end is not None]
    return Cell("not determined", " and ".join(known), key=float("nan"))


def robustness(results: Results) -> Section | None:
    """None where no model was tested so."""
    tables = results.tables["robustness"]
    rows = leaderboard.robustness({name: tables[name] for name in results.board["model"]}).to_dict("records")
    if not rows:
        return None
    kinds = [kind for kind in rows[0] if kind != "model"]
    about = (
        "Accuracy in % on the test pictures as they are, and on corrupted ones: the mean over five strengths "
        "of each corruption, and over them all."
    )
    cells = tuple(
        (
            Cell(row["model"]),
            number(results.metrics[row["model"]]["test"]["accuracy"], percent),
            *(number(row[kind], percent) for kind in kinds),
        )
        for row in rows
    )
    table = Table("Accuracy under corruptions", model_names("model") + numbers("clean", *kinds), cells)
    return Section("robustness", "Robustness", (Paragraph(about), table))


def replicates(found: pd.DataFrame | None) -> Section | None:
    """None where nobody asked for them."""
    if found is None or found.empty:
        return None
    about = (
        "Runs that differ in nothing but their seed. n is the number of seeds; the interval is the 95 % "
        "interval of the mean by Student's t. It says what the seed makes of a training, not what other test "
        "pictures would."
    )
    columns = model_names("model") + prose("what differs from these settings") + names("seeds")
    columns += numbers(
        "n", "mean test accuracy (%)", "standard deviation (points)", "lowest (%)", "highest (%)"
    )
    rows = tuple(
        (
            Cell(row["model"]),
            Cell(row["changed"] or "nothing"),
            Cell(row["seeds"]),
            number(row["n"], count),
            number(row["accuracy_mean"], percent, row["low"], row["high"]),
            number(row["accuracy_std"], percent),
            number(row["accuracy_min"], percent),
            number(row["accuracy_max"], percent),
        )
        for row in found.to_dict("records")
    )
    table = Table("Runs with other seeds", columns, rows)
    return Section("replicates", "Other seeds", (Paragraph(about), table))
