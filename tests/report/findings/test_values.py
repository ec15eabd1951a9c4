"""How numbers are written, for both faces."""

import numpy as np
import pytest

from menagerie.report.findings import values
from menagerie.report.findings.values import DASH, number, score


@pytest.mark.parametrize(
    ("form", "value", "written"),
    [
        ("percent", 0.91990291, "91.99"),
        ("percent", None, DASH),
        ("percent", np.nan, DASH),
        ("points", -0.00001, "+0.00"),
        ("points", -0.0833, "-8.33"),
        ("decimal", 0.33124, "0.3312"),
        ("two", -0.001, "0.00"),
        ("count", 1204650, "1,204,650"),
        ("signed", -42, "-42"),
        ("megabytes", 14_500_000, "14.50"),
        ("three", 1983.4, "1,983"),
        ("three", 0.8512, "0.851"),
        ("three", 99.644, "99.6"),
        ("three", 0, "0"),
        ("three", np.nan, DASH),
        ("three", np.inf, "\N{INFINITY}"),
        ("duration", 24.956, "25.0 s"),
        ("duration", 59.99, "1 min 00 s"),
        ("duration", 191.7, "3 min 12 s"),
        ("duration", 3599.7, "1 h 00 min"),
        ("duration", 7384, "2 h 03 min"),
        ("duration", None, DASH),
        ("p_value", 0.00009, "< 0.0001"),
        ("p_value", 0.0001, "0.0001"),
        ("p_value", 0.0039, "0.0039"),
        ("p_value", np.nan, DASH),
    ],
)
def test_values_are_written_for_people(form, value, written):
    assert getattr(values, form)(value) == written


def test_a_number_is_sorted_by_its_value_and_has_its_interval_below():
    cell = number(0.123456, values.points, -0.1, 0.3)
    assert (cell.text, cell.below, cell.key) == ("+12.35", "-10.00 to +30.00", 0.123456)


@pytest.mark.parametrize(
    ("number", "thing", "said"),
    [
        (1, "picture", "1 picture"),
        (0, "picture", "0 pictures"),
        (1200, "class", "1,200 classes"),
        (1, "class", "1 class"),
    ],
)
def test_one_is_not_many(number, thing, said):
    assert values.counted(number, thing) == said


@pytest.mark.parametrize("missing", [None, np.nan])
def test_a_number_that_is_not_known_is_a_dash_without_an_interval(missing):
    cell = number(missing, values.percent, missing, missing)
    assert (cell.text, cell.below) == (DASH, "")
    assert np.isnan(cell.key)


def test_losses_are_written_in_nats_and_other_scores_in_percent():
    scores = {"loss": 0.5, "loss_low": 0.4, "loss_high": 0.6, "brier": 0.25, "ece": 0.0213}
    assert (score(scores, "loss").text, score(scores, "loss").below) == ("0.5000", "0.4000 to 0.6000")
    assert [score(scores, name).text for name in ("brier", "ece", "f1_macro")] == ["0.2500", "2.13", DASH]
