import math

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss

from menagerie.confidence import fit_temperature, picture_losses, probabilities
from menagerie.errors import ModelError
from menagerie.evaluate.calibration import (
    check_probabilities,
    expected_calibration_error,
    picture_briers,
    reliability,
    temperature_interval,
    temperature_scaling,
)


def drawn(n, num_classes, random, scale):
    """Labels drawn from softmax(z), and logits scale * z: the temperature that mends them is `scale`."""
    z = random.normal(size=(n, num_classes)) * 2
    chances = softmax(z, axis=1).cumsum(axis=1)
    return (random.random((n, 1)) > chances[:, :-1]).sum(axis=1), z * scale


# what are probabilities


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ([0.5, 0.6, 0.0], "has the sum 1.1, not 1"),
        ([0.0, 0.0, 0.0], "has the sum 0, not 1"),
        ([1.2, -0.2, 0.0], r"lies outside 0 to 1 \(lowest -0.2, highest 1.2\)"),
        ([np.nan, 0.5, 0.5], "lies outside 0 to 1"),
        ([np.inf, 0.0, 0.0], "lies outside 0 to 1"),
        ([2.0, 1.0, 0.5], "lies outside 0 to 1"),
        ([0.3, 0.3, 0.3999], "has the sum 0.9999, not 1"),
    ],
)
@pytest.mark.parametrize("function", [expected_calibration_error, reliability])
def test_the_first_row_that_is_no_probabilities_is_named(row, said, function):
    values = np.array([[0.2, 0.3, 0.5], [1, 0, 0], row, [7, 7, 7]])
    with pytest.raises(ModelError, match=rf"^row 2 of the probabilities {said}.*; give the softmax"):
        function(np.array([0, 1, 2, 0]), values)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_softmax_is_probabilities_whatever_its_precision(dtype):
    logits = (np.random.default_rng(0).normal(size=(2000, 100)) * 30).astype(dtype)
    check_probabilities(softmax(logits, axis=1))
    check_probabilities(probabilities(logits))
    assert probabilities(logits).dtype == np.float64


# losses of single pictures


def test_losses_and_brier_scores_are_those_of_scikit_learn():
    labels, logits = drawn(200, 4, np.random.default_rng(1), 1.0)
    p = probabilities(logits)
    assert picture_losses(labels, logits).mean() == pytest.approx(log_loss(labels, p))
    assert picture_briers(labels, p).mean() == pytest.approx(brier_score_loss(labels, p))


def test_the_brier_score_is_that_of_the_scikit_learn_manual():
    """The example of brier_score_loss: 0.0375 for two classes, where scikit-learn halves it."""
    p = np.array([0.1, 0.9, 0.8, 0.3])
    briers = picture_briers(np.array([0, 1, 1, 0]), np.stack([1 - p, p], axis=1))
    assert briers.mean() / 2 == pytest.approx(0.0375)


# reliability


def test_the_reliability_table_by_hand():
    p = np.array([[0.55, 0.45], [0.45, 0.55], [0.05, 0.95], [1.0, 0.0], [0.96, 0.04]])
    table = reliability(np.array([0, 0, 1, 0, 1]), p)
    assert table["bin_low"].tolist() == pytest.approx([8 / 15, 14 / 15])
    assert table["bin_high"].tolist() == pytest.approx([9 / 15, 1])
    assert table["confidence"].tolist() == pytest.approx([0.55, (0.95 + 1 + 0.96) / 3])
    assert table["accuracy"].tolist() == pytest.approx([1 / 2, 2 / 3])
    assert table["count"].tolist() == [2, 3]
    expected = 2 / 5 * 0.05 + 3 / 5 * (0.97 - 2 / 3)
    assert expected_calibration_error(np.array([0, 0, 1, 0, 1]), p) == pytest.approx(expected)


def test_the_table_is_the_calibration_curve_of_scikit_learn():
    labels, logits = drawn(2000, 5, np.random.default_rng(2), 2.0)
    p = probabilities(logits)
    table = reliability(labels, p)
    accuracy, confidence = calibration_curve(p.argmax(axis=1) == labels, p.max(axis=1), n_bins=15)
    assert table["accuracy"].tolist() == pytest.approx(accuracy.tolist())
    assert table["confidence"].tolist() == pytest.approx(confidence.tolist())
    assert table["count"].sum() == 2000


@pytest.mark.parametrize("bin_number", range(8, 15))
def test_the_upper_edge_belongs_to_its_bin(bin_number):
    edge = np.linspace(0, 1, 16)[bin_number + 1]
    table = reliability(np.array([0]), np.array([[edge, 1 - edge]]))
    assert table["bin_high"].item() == edge


def test_the_calibration_error_of_known_classifiers():
    labels = np.arange(100) % 10
    assert expected_calibration_error(labels, np.eye(10)[labels]) == 0
    assert expected_calibration_error(labels, np.eye(10)[(labels + 1) % 10]) == 1
    assert expected_calibration_error(labels, np.full((100, 10), 0.1)) == pytest.approx(0)
    assert expected_calibration_error(np.zeros(2, int), np.array([[0.8, 0.2], [0.8, 0.2]])) == pytest.approx(
        0.2
    )


# temperature


@pytest.mark.parametrize("scale", [0.4, 1.0, 3.0])
def test_the_temperature_that_spoiled_the_logits_is_found(scale):
    labels, logits = drawn(20_000, 5, np.random.default_rng(3), scale)
    assert fit_temperature(labels, logits) == pytest.approx(scale, rel=0.03)


def test_the_temperature_is_the_logistic_regression_of_scikit_learn():
    """For two classes, 1/T is the slope of a regression of the label on the difference of the logits."""
    labels, logits = drawn(500, 2, np.random.default_rng(4), 2.5)
    regression = LogisticRegression(C=1e12, fit_intercept=False, tol=1e-10)
    slope = regression.fit(logits[:, 1:] - logits[:, :1], labels).coef_.item()
    assert fit_temperature(labels, logits) == pytest.approx(1 / slope, rel=1e-4)


def test_the_temperature_by_hand():
    """Right 3 times in 4 with a lead of 6: the best lead is log 3, so T is 6 / log 3."""
    logits = np.tile([6.0, 0.0], (4, 1)).astype(np.float32)
    assert fit_temperature(np.array([0, 0, 0, 1]), logits) == pytest.approx(6 / math.log(3), rel=1e-5)


@pytest.mark.parametrize("size", [1.0, 1000.0])
def test_pictures_without_a_mistake_leave_the_logits_alone(size):
    labels = np.arange(10)
    assert fit_temperature(labels, np.eye(10) * size) == 1


def test_logits_that_know_nothing_are_flattened_as_far_as_the_search_goes():
    labels = np.arange(10)
    assert fit_temperature(labels, np.roll(np.eye(10), 1, axis=1) * 5) == pytest.approx(100, rel=1e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scaling_by_val_mends_the_calibration_and_the_loss_of_test(dtype):
    random = np.random.default_rng(5)
    val_labels, val_logits = drawn(4000, 5, random, 3.0)
    labels, logits = drawn(4000, 5, random, 3.0)
    told = temperature_scaling(val_labels, val_logits.astype(dtype), labels, logits.astype(dtype))
    assert told["temperature"] == pytest.approx(3, rel=0.1)
    assert told["ece_before"] == pytest.approx(
        expected_calibration_error(labels, probabilities(logits)), abs=1e-6
    )
    assert told["ece_before"] > 0.1
    assert told["ece_after"] < 0.03
    assert told["loss_after"] < told["loss_before"]
    assert told["loss_before"] == pytest.approx(log_loss(labels, probabilities(logits)))


def test_the_temperature_is_that_of_val_even_where_it_spoils_test():
    random = np.random.default_rng(6)
    val_labels, val_logits = drawn(4000, 5, random, 3.0)
    labels, logits = drawn(4000, 5, random, 0.5)
    told = temperature_scaling(val_labels, val_logits, labels, logits)
    assert told["temperature"] == fit_temperature(val_labels, val_logits) == pytest.approx(3, rel=0.1)
    scaled = probabilities(logits / told["temperature"])
    assert told["ece_after"] == expected_calibration_error(labels, scaled) > told["ece_before"]
    assert told["loss_after"] == pytest.approx(log_loss(labels, scaled))
    assert told["loss_after"] > told["loss_before"]


# how well val tells the temperature


def test_the_interval_holds_the_temperature_in_nineteen_cases_of_twenty():
    random, held = np.random.default_rng(11), 0
    for _ in range(200):
        low, high = temperature_interval(*drawn(150, 4, random, 2.0))
        held += low <= 2.0 <= high
    assert 0.91 < held / 200 < 0.99


def test_at_the_ends_of_the_interval_the_loss_is_by_half_the_chi_square_above_the_lowest():
    labels, logits = drawn(300, 5, np.random.default_rng(12), 1.7)
    least = picture_losses(labels, logits / fit_temperature(labels, logits)).sum()
    for end in temperature_interval(labels, logits):
        assert picture_losses(labels, logits / end).sum() - least == pytest.approx(1.9207, abs=1e-3)


def test_pictures_without_a_mistake_bear_any_certainty():
    labels = np.arange(40) % 4
    low, high = temperature_interval(labels, 3.0 * np.eye(4)[labels])
    assert low is None
    assert 0.3 < high < 3


def test_logits_that_know_nothing_ask_for_no_certainty():
    labels, logits = np.arange(400) % 4, np.random.default_rng(13).normal(size=(400, 4)) * 0.01
    low, high = temperature_interval(labels, logits)
    assert 0.01 < low < 1
    assert high is None
