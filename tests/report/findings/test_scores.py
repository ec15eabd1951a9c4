"""Calibration, robustness and other seeds."""

import numpy as np
import pandas as pd
import pytest

from helpers import corrupted, data_report, entry, of_kind, results_of, rows_of
from menagerie.report.findings import scores
from menagerie.report.findings.blocks import Paragraph
from menagerie.report.findings.values import DASH


def test_calibration_is_told_in_the_order_of_the_leaderboard():
    rows = rows_of(scores.calibration(results_of({"ann": entry(300), "cnn": entry(373)})))
    scaled = {
        "temperature": "1.73; 1.51 to 2.00",
        "ECE (%)": "2.13",
        "ECE after scaling (%)": "0.88",
        "loss (nats)": "0.5000",
        "loss after scaling (nats)": "0.4900",
        "n": "412",
    }
    assert rows == [{"model": "cnn"} | scaled, {"model": "ann"} | scaled]


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(None, 0.31, "below 0.31"), (7.25, None, "above 7.25"), (None, None, "")],
)
def test_a_temperature_that_val_cannot_tell_is_not_stated(low, high, said):
    metrics = {"cnn": entry(373)}
    metrics["cnn"]["calibration"] |= {"temperature_low": low, "temperature_high": high}
    (row,) = rows_of(scores.calibration(results_of(metrics)))
    assert row["temperature"] == "; ".join(filter(None, ["not determined", said]))


@pytest.mark.parametrize("shared", [0, 60])
def test_calibration_says_when_it_is_told_of_the_pictures_it_was_fitted_on(shared):
    data = data_report(in_val=shared)
    (about,) = of_kind(Paragraph, scores.calibration(results_of({"cnn": entry(373)}, data=data)))
    test = data["splits"]["test"]
    assert (f"{shared} of the {test} test pictures are those that" in about.text) == bool(shared)


def test_robustness_is_told_in_the_order_of_the_leaderboard_of_models_that_have_it():
    metrics = {"ann": entry(300), "cnn": entry(373), "cnn_augmented": entry(350)}
    tested = {"ann": corrupted(noise=[0.5, 0.3]), "cnn": corrupted(noise=[0.9, 0.7])}
    tables = {"robustness": {"cnn_augmented": corrupted()} | tested}
    assert rows_of(scores.robustness(results_of(metrics, tables=tables))) == [
        {"model": "cnn", "clean": "90.53", "noise": "80.00", "mean": "80.00"},
        {"model": "ann", "clean": "72.82", "noise": "40.00", "mean": "40.00"},
    ]


def test_without_corrupted_pictures_nothing_is_told_of_robustness():
    assert scores.robustness(results_of({"cnn": entry(373)})) is None


def test_replicates_are_told_when_they_were_asked_for():
    columns = ["model", "changed", "n", "seeds", "accuracy_mean", "accuracy_std", "low", "high"]
    rows = [
        ("sign_cnn", "", 3, "1, 2, 3", 0.9, 0.0123, 0.87, 0.93, 0.88, 0.92),
        ("sign_cnn", "batch_size=8", 1, "1", 0.8, np.nan, np.nan, np.nan, 0.8, 0.8),
    ]
    table = pd.DataFrame(rows, columns=[*columns, "accuracy_min", "accuracy_max"])
    assert [list(row.values()) for row in rows_of(scores.replicates(table))] == [
        ["sign_cnn", "nothing", "1, 2, 3", "3", "90.00; 87.00 to 93.00", "1.23", "88.00", "92.00"],
        ["sign_cnn", "batch_size=8", "1", "1", "80.00", DASH, "80.00", "80.00"],
    ]
    assert scores.replicates(None) is None
