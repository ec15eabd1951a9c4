import tracemalloc

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import softmax
from sklearn import metrics

from menagerie.confidence import picture_losses
from menagerie.evaluate import bootstrap
from menagerie.evaluate.bootstrap import measure, resamples, with_intervals
from menagerie.evaluate.calibration import expected_calibration_error
from menagerie.evaluate.intervals import percentiles, wilson_interval


def guesses(labels, num_classes, random, spread=1.0):
    """Logits that know a little of the labels, with ties."""
    known = np.eye(num_classes)[labels] * 1.5
    return ((random.normal(size=(len(labels), num_classes)) + known) * spread).round(1)


@pytest.fixture(scope="module")
def weights():
    """All resamples of 40, 1 and 259 pictures in turn."""
    strata = np.random.default_rng(0).permutation(np.repeat([0, 3, 7], [40, 1, 259]))
    return strata, np.concatenate(list(resamples(strata)), axis=1)


# resamples


def test_a_resample_draws_each_class_as_often_as_it_has_pictures(weights):
    strata, drawn = weights
    assert drawn.shape == (300, bootstrap.RESAMPLES)
    for stratum, size in ((0, 40), (3, 1), (7, 259)):
        assert (drawn[strata == stratum].sum(axis=0) == size).all()


def test_the_weights_are_multinomial_counts(weights):
    strata, drawn = weights
    counts = np.bincount(drawn[strata == 7].astype(int).ravel(), minlength=5)[:5]
    expected = stats.binom(259, 1 / 259).pmf(np.arange(5)) * drawn[strata == 7].size
    assert counts == pytest.approx(expected, rel=0.03)
    pair = np.flatnonzero(strata == 0)[:2]
    assert np.cov(drawn[pair])[0, 0] == pytest.approx(1 - 1 / 40, rel=0.1)


def test_resamples_are_the_same_every_time(weights):
    strata, drawn = weights
    assert (np.concatenate(list(resamples(strata)), axis=1) == drawn).all()


# metrics under weights


@pytest.mark.parametrize("absent", [False, True])
def test_weighted_metrics_are_those_of_scikit_learn_with_sample_weights(absent):
    random = np.random.default_rng(1)
    labels = random.permutation(np.repeat(np.arange(5 - absent), 30))
    logits, every = guesses(labels, 5, random), np.arange(5)
    p, predicted = softmax(logits, axis=1), logits.argmax(axis=1)
    drawn = next(resamples(labels))[:, :4]
    values = measure(labels, logits, [drawn[:, :3], drawn[:, 3:]])
    for column, w in enumerate(drawn.T):
        told = {name: array[..., column] for name, array in values.items()}
        macro = metrics.precision_recall_fscore_support(
            labels, predicted, labels=every, average="macro", sample_weight=w, zero_division=0
        )
        assert [told[f"{k}_macro"] for k in ("precision", "recall", "f1")] == pytest.approx(macro[:3])
        assert told["loss"] == pytest.approx(metrics.log_loss(labels, p, sample_weight=w, labels=every))
        brier = metrics.brier_score_loss(labels, p, sample_weight=w, labels=every, scale_by_half=False)
        assert told["brier"] == pytest.approx(brier)
        areas = [metrics.roc_auc_score(labels == c, p[:, c], sample_weight=w) for c in np.unique(labels)]
        assert told["auc_macro"] == pytest.approx(np.mean(areas))
        again = np.arange(len(labels)).repeat(w.astype(int))
        assert told["ece"] == pytest.approx(expected_calibration_error(labels[again], p[again]))
        assert np.abs(told["gaps"]).sum() == pytest.approx(told["ece"])
        recalls = [(predicted[again] == c)[labels[again] == c].mean() for c in np.unique(labels)]
        assert told["balanced_accuracy"] == pytest.approx(np.mean(recalls))


# intervals


def test_the_interval_of_a_mean_is_that_of_scipy():
    random = np.random.default_rng(3)
    labels = np.zeros(150, dtype=int)
    logits = random.normal(size=(150, 2))
    losses = picture_losses(labels, logits)
    scipys = stats.bootstrap((losses,), np.mean, n_resamples=20_000, method="percentile", rng=0)
    value, low, high = with_intervals(labels, logits)["loss"]
    assert value == pytest.approx(losses.mean())
    width = high - low
    assert low == pytest.approx(scipys.confidence_interval.low, abs=0.05 * width)
    assert high == pytest.approx(scipys.confidence_interval.high, abs=0.05 * width)


def test_classes_of_two_difficulties_are_resampled_apart():
    """All of one class right, all of the other wrong: resampling within classes sees no spread."""
    labels = np.repeat([0, 1], 50)
    told = with_intervals(labels, np.tile([1.0, 0.0], (100, 1)))
    assert told["balanced_accuracy"] == (0.5, 0.5, 0.5)


def test_intervals_of_ten_thousand_pictures_need_little_memory():
    random = np.random.default_rng(4)
    labels = random.integers(0, 10, 10_000)
    logits = guesses(labels, 10, random).astype(np.float32)
    tracemalloc.start()
    try:
        with_intervals(labels, logits)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 100 * 2**20


def test_the_percentiles_leave_a_fortieth_on_each_side():
    low, high = percentiles(np.stack([np.arange(1001.0), np.zeros(1001)]))
    assert low == pytest.approx([25, 0])
    assert high == pytest.approx([975, 0])


# coverage: how often intervals hold the truth, over many test sets drawn from one population


def covered(draw, n, trials):
    """The share of trials in which the interval of each metric holds the value of the population."""
    labels, logits = draw(200_000)
    truth = measure(labels, logits, [np.ones((len(labels), 1))])
    held = []
    for _ in range(trials):
        told = with_intervals(*draw(n))
        held.append({name: low <= truth[name][0] <= high for name, (_, low, high) in told.items()})
    return pd.DataFrame(held).mean()


@pytest.mark.parametrize("spread", [1.0, 2.0], ids=["well calibrated", "too sure"])
def test_bootstrap_intervals_hold_the_truth_19_times_in_20(monkeypatch, spread):
    monkeypatch.setattr(bootstrap, "RESAMPLES", 400)
    random = np.random.default_rng(5)

    def draw(n):
        labels = np.repeat([0, 1, 2], [n // 2, n * 3 // 10, n // 5])
        return labels, (random.normal(size=(n, 3)) + 1.5 * np.eye(3)[labels]) * 1.5 * spread

    shares = covered(draw, n=500, trials=1200)
    assert len(shares) == 8
    assert shares.min() >= 0.93
    assert shares.drop("ece").max() <= 0.97
    assert shares["ece"] <= 0.98  # its high end is cautious


@pytest.mark.parametrize(("n", "share"), [(400, 0.9), (4000, 0.987), (100, 0.5)])
def test_wilsons_interval_holds_the_truth_19_times_in_20(n, share):
    correct = np.random.default_rng(6).binomial(n, share, 4000)
    ends = {k: wilson_interval(k, n) for k in np.unique(correct).tolist()}
    held = [ends[k][0] <= share <= ends[k][1] for k in correct.tolist()]
    assert 0.93 <= np.mean(held) <= 0.97
