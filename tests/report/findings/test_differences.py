"""The best model against each other one, and all pairs."""

import numpy as np

from helpers import entry, of_kind, predictions, results_of, rows_of, told
from menagerie.compare import leaderboard
from menagerie.report.findings import differences
from menagerie.report.findings.blocks import Table
from menagerie.report.findings.values import DASH

BEST, ALL = "The best model against each other one", "All pairs of models"


def compared(right, best):
    """Models that have these of ten pictures right; val chooses `best`."""
    metrics = {
        name: entry(300 + len(rows), val_correct=400 if name == best else 300) for name, rows in right.items()
    }
    pairs = leaderboard.pairs({name: predictions(rows) for name, rows in right.items()})
    return results_of(metrics, pairs=pairs)


def test_the_best_model_is_set_against_the_other():
    """9 against 1 of 10 pictures, seen from the one that val chooses, whichever was run first."""
    right = {"worse": [9], "better": range(9)}
    (row,) = rows_of(differences.section(compared(right, best="better")))
    low, high = row.pop("difference (points)").removeprefix("+80.00; ").split(" to ")
    assert 0 < float(low) < 80 < float(high) <= 100
    assert row == {
        "best by val": "better",
        "against": "worse",
        "only the first right": "9",
        "only the second right": "1",
        "p": "0.0215",
        "equivalent within (points)": "95.47",
        "kappa of errors": "-0.22",
    }
    (turned,) = rows_of(differences.section(compared(right, best="worse")))
    assert (turned["best by val"], turned["against"]) == ("worse", "better")
    assert turned["difference (points)"] == f"-80.00; -{high[1:]} to -{low[1:]}"
    assert (turned["only the first right"], turned["only the second right"]) == ("1", "9")


def test_the_others_stand_in_the_order_of_the_leaderboard_and_the_pairs_as_they_were_run():
    right = {"c": [9], "a": range(9), "b": range(5)}
    section = differences.section(compared(right, best="b"))
    assert [(row["best by val"], row["against"]) for row in rows_of(section, BEST)] == [
        ("b", "a"),
        ("b", "c"),
    ]
    assert [(row["first"], row["second"]) for row in rows_of(section, ALL)] == [
        ("c", "a"),
        ("c", "b"),
        ("a", "b"),
    ]
    assert "after Holm's correction for all 3 pairs" in told(section)[0]
    assert "On the same 10 test pictures" in told(section)[0]


def test_the_p_that_is_shown_is_the_one_after_holms_correction():
    """Twice 9 against 1 of 10 has p = 0.0215; of three pairs Holm's is three times as much."""
    found = compared({"a": range(9), "b": range(9), "c": [9]}, best="a")
    section = differences.section(found)
    assert found.pairs["p"].round(4).tolist() == [1, 0.0215, 0.0215]
    for name in (BEST, ALL):
        assert "0.0645" in {row["p"] for row in rows_of(section, name)} <= {"0.0645", "1.0000"}


def test_a_kappa_that_cannot_be_had_and_a_tiny_p_are_told():
    found = compared({"a": range(9), "b": range(9), "c": [9]}, best="a")
    pairs = found.pairs.assign(kappa=[np.nan, -0.001, 0.5], p_holm=[1e-9, 0.5, 1])
    rows = rows_of(differences.section(results_of(found.metrics, pairs=pairs)), ALL)
    assert [(row["kappa of errors"], row["p"]) for row in rows] == [
        (DASH, "< 0.0001"),
        ("0.00", "0.5000"),
        ("0.50", "1.0000"),
    ]


def test_of_two_models_there_is_but_one_pair():
    (table,) = of_kind(Table, differences.section(compared({"a": range(9), "b": [9]}, best="a")))
    assert table.name == BEST


def test_one_model_has_nothing_to_be_compared_with():
    assert differences.section(results_of({"cnn": entry(373)})) is None
