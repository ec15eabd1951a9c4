"""The ceiling that wrong labels put on an accuracy."""

import numpy as np
import pytest

from helpers import ROOT
from menagerie.compare.labels import ceiling
from menagerie.report.findings.values import count, interval, percent


def test_two_percent_of_wrong_labels_leave_98_percent_to_be_reached():
    """By hand: 1 - 483 / 23,999, and 1.96 x sqrt(0.97987 x 0.02013 x (1 / 3,933 + 1 / 23,999))."""
    assert ceiling(483, 23_999, 3933) == pytest.approx((0.97987, 0.97514, 0.98461), abs=1e-5)


def test_both_inception_networks_of_seed_000_lie_above_it(params):
    notebook = params("study=animals10").reported
    labels = notebook.labels
    scores = {name: model.test for name, model in notebook.models.items()}
    above = {
        name for name, test in scores.items() if test.value > ceiling(labels.wrong, labels.checked, test.n)[2]
    }
    assert above == {"inception_v3_transfer", "inception_v3_finetune"}


def test_the_interval_holds_the_accuracy_of_a_network_that_is_never_wrong_in_nineteen_cases_of_twenty():
    random, true, checked, n = np.random.default_rng(0), 0.02, 23_999, 3933
    wrong = random.binomial(checked, true, 4000)
    reached = 1 - random.binomial(n, true, 4000) / n
    ends = np.array([ceiling(int(one), checked, n) for one in wrong])
    assert np.mean((ends[:, 1] <= reached) & (reached <= ends[:, 2])) == pytest.approx(0.95, abs=0.012)


def test_an_interval_ends_at_certainty():
    assert ceiling(1, 100, 10)[2] == 1


def test_the_readme_tells_the_ceiling_of_the_study(params):
    labels, n = params("study=animals10").reported.labels, 3933
    share, *ends = ceiling(labels.wrong, labels.checked, n)
    text = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert f"{count(labels.wrong)} of {count(labels.checked)}" in text
    assert f"{percent(share)} % of {count(n)} labels (95 % prediction interval {interval(*ends)} %)" in text
