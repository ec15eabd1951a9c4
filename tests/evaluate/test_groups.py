"""Pictures that belong together: intervals that resample whole groups."""

import numpy as np
import pytest
from sklearn import metrics

from menagerie.evaluate.bootstrap import group_interval, group_resamples, measure
from menagerie.evaluate.intervals import wilson_interval
from menagerie.evaluate.measures import accuracy_and_loss, per_class, scores

SIGNERS, EACH, TRUE = 42, 10, 0.85


def clustered(random, groups=SIGNERS, each=EACH):
    """Right or wrong, bool (groups * each,): a group's own accuracy is beta, 0.85 on average."""
    own = random.beta(4 * TRUE, 4 * (1 - TRUE), size=groups)
    return random.random((groups, each)).ravel() < own.repeat(each), np.arange(groups).repeat(each)


def test_the_interval_of_groups_holds_the_truth_where_that_of_single_pictures_does_not():
    random, held, held_by_wilson = np.random.default_rng(5), 0, 0
    for _ in range(400):
        right, groups = clustered(random)
        low, high, _ = group_interval(right, groups)
        held += low <= TRUE <= high
        low, high = wilson_interval(int(right.sum()), len(right))
        held_by_wilson += low <= TRUE <= high
    assert 0.92 < held / 400 < 0.97
    assert held_by_wilson / 400 < 0.85


def test_the_design_effect_is_that_of_the_pictures_likeness():
    """Kish 1965: 1 + (m - 1) rho for groups of m; rho of a beta is 1 / (1 + a + b), here 1 / 5."""
    right, groups = clustered(np.random.default_rng(6), groups=4000)
    assert group_interval(right, groups)[2] == pytest.approx(1 + 9 / 5, rel=0.1)
    alike = np.repeat(np.arange(500) % 5 > 0, 10)
    assert group_interval(alike, np.arange(500).repeat(10))[2] == pytest.approx(10, rel=0.1)


def test_groups_of_one_picture_change_next_to_nothing():
    right = np.arange(400) % 10 > 0
    low, high, effect = group_interval(right, np.arange(400))
    assert (low, high) == pytest.approx(wilson_interval(360, 400), abs=0.006)
    assert effect == pytest.approx(1, abs=0.1)


def test_without_a_mistake_there_are_as_many_pictures_as_groups():
    low, high, effect = group_interval(np.ones(420, bool), np.arange(42).repeat(10))
    assert (low, high) == wilson_interval(42, 42)
    assert np.isnan(effect)


@pytest.mark.parametrize("true", [0.95, 0.98, 0.99])
def test_near_certainty_the_interval_of_groups_is_not_too_sure(true):
    """Percentiles of the resamples leave 0.99 out in one case of ten, nearly always as too low."""
    random, held, groups = np.random.default_rng(12), 0, np.arange(SIGNERS).repeat(EACH)
    for _ in range(400):
        own = random.beta(19 * true, 19 * (1 - true), size=SIGNERS)
        low, high, _ = group_interval(random.random(len(groups)) < own.repeat(EACH), groups)
        held += low <= true <= high
    assert 0.92 < held / 400 < 0.985


def test_one_mistake_of_419_pictures_is_worth_no_more_than_419_independent_ones():
    """By hand, of Wilson: 98.66 to 99.96 %; percentiles of drawn groups would begin at 99.28."""
    right = np.arange(419) > 0
    low, high, effect = group_interval(right, np.arange(419) // 10)
    assert (low, high) == pytest.approx((0.98660, 0.99958), abs=2e-5)
    assert effect < 1.05


def test_pictures_worth_fewer_have_wilsons_interval_of_so_many():
    """Wilson's ends are the roots of the quadratic of his score test."""
    right, groups = clustered(np.random.default_rng(6))
    low, high, effect = group_interval(right, groups)
    worth, z = len(right) / effect, 1.959964
    share = right.mean()
    roots = np.roots([worth + z**2, -(2 * worth * share + z**2), worth * share**2])
    assert (low, high) == pytest.approx(sorted(roots))


def test_metrics_under_drawn_groups_are_those_of_scikit_learn_with_sample_weights():
    random = np.random.default_rng(7)
    labels, groups = random.integers(4, size=120), np.arange(120) // 8
    logits = random.normal(size=(120, 4)) + 1.5 * np.eye(4)[labels]
    weights = next(group_resamples(groups))[:, :5]
    assert set(weights.sum(axis=0)) == {120.0}
    found, predicted = measure(labels, logits, [weights]), logits.argmax(axis=1)
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    for column, weight in enumerate(weights.T):
        expected = {
            "f1_macro": metrics.f1_score(labels, predicted, average="macro", sample_weight=weight),
            "balanced_accuracy": metrics.balanced_accuracy_score(labels, predicted, sample_weight=weight),
            "loss": metrics.log_loss(labels, chances, sample_weight=weight),
            "auc_macro": np.mean(
                [metrics.roc_auc_score(labels == k, chances[:, k], sample_weight=weight) for k in range(4)]
            ),
        }
        assert {name: found[name][column] for name in expected} == pytest.approx(expected)


def test_all_scores_of_grouped_pictures_have_intervals_of_groups():
    random = np.random.default_rng(8)
    right, groups = clustered(random)
    labels = np.arange(len(right)) % 7
    logits = 4.0 * np.eye(7)[np.where(right, labels, (labels + 1) % 7)] + random.normal(size=(len(right), 7))
    alone, together = scores(labels, logits), scores(labels, logits, groups)
    assert together["accuracy_design_effect"] > 1.3
    for name in ("accuracy", "top5_accuracy", "f1_macro", "loss"):
        assert alone[name] == together[name]
        assert together[f"{name}_low"] <= together[name] <= together[f"{name}_high"]
    for name in ("accuracy", "f1_macro", "loss"):
        width = [one[f"{name}_high"] - one[f"{name}_low"] for one in (alone, together)]
        assert width[1] > 1.1 * width[0]
    few = accuracy_and_loss(labels, logits, groups)
    assert few == pytest.approx({key: together[key] for key in few})
    by_class = per_class(labels, logits.argmax(axis=1), [str(label) for label in range(7)], groups)
    chosen = labels == 3
    low, high, _ = group_interval((logits.argmax(axis=1) == labels)[chosen], groups[chosen])
    assert by_class.loc[3, ["recall_low", "recall_high"]].tolist() == [low, high]
