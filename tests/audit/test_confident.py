"""Confident learning: the published figure, a case worked out by hand, what holds for any probabilities."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from menagerie.audit.confident import (
    alternatives,
    confident_joint,
    joint,
    self_confidence,
    suspects,
    thresholds,
)

# Six pictures labelled 0 and two labelled 1, and the probability of the label 0. The thresholds are means:
# 3.60 / 6 = 0.60 of class 0, (0.8 + 0.6) / 2 = 0.7 of class 1.
LABELS = np.array([0, 0, 0, 0, 0, 0, 1, 1])
OF_ZERO = np.array([0.90, 0.90, 0.20, 0.48, 0.55, 0.57, 0.20, 0.40])
PROBABILITIES = np.stack([OF_ZERO, 1 - OF_ZERO], axis=1)


def test_the_case_worked_out_by_hand():
    """Pictures 0 and 1 reach the threshold of class 0, 2 that of class 1, 6 that of class 1; the others none.

    Of the six labelled 0 a third is then of class 1: two pictures, those least like it, 2 and 3.
    """
    assert thresholds(LABELS, PROBABILITIES) == pytest.approx([0.6, 0.7])
    counts = confident_joint(LABELS, PROBABILITIES)
    assert counts.tolist() == [[2, 1], [0, 1]]
    assert joint(counts, LABELS) == pytest.approx(np.array([[4, 2], [0, 2]]) / 8)
    assert np.flatnonzero(suspects(LABELS, PROBABILITIES)).tolist() == [2, 3]
    assert self_confidence(LABELS, PROBABILITIES) == pytest.approx([*OF_ZERO[:6], 0.8, 0.6])


def test_the_joint_of_the_published_figure():
    """Figure 1 of the paper: dogs, foxes and cows, 400 counted."""
    counts = np.array([[100, 40, 20], [56, 60, 0], [32, 12, 80]])
    labels = np.repeat([0, 1, 2], counts.sum(axis=1))
    published = [[0.25, 0.1, 0.05], [0.14, 0.15, 0], [0.08, 0.03, 0.2]]
    assert joint(counts, labels).round(2).tolist() == published


def test_a_label_that_is_the_most_probable_is_no_suspect_whatever_the_joint_says():
    """Class 1 is so rarely sure that zeros reach its threshold, though 0 is more probable in each."""
    labels = np.array([0, 0, 0, 0, 1, 1])
    of_one = np.array([0.1, 0.1, 0.4, 0.4, 0.3, 0.3])
    probabilities = np.stack([1 - of_one, of_one], axis=1)
    assert confident_joint(labels, probabilities)[0].tolist() == [2, 2]
    assert not suspects(labels, probabilities)[labels == 0].any()


def test_equal_probabilities_reach_their_mean_however_it_rounds():
    """The mean of three times 0.1 is more than 0.1 as numbers of 64 bits are added."""
    labels = np.array([0, 0, 0, 1, 1, 1])
    probabilities = np.full((6, 2), 0.1)
    assert confident_joint(labels, probabilities).sum() == 6


def test_swapped_labels_of_a_sure_model_are_the_suspects_and_nothing_else():
    true = np.repeat(np.arange(5), 40)
    labels = true.copy()
    labels[::25] = (true[::25] + 1) % 5
    probabilities = np.full((200, 5), 0.02)
    probabilities[np.arange(200), true] = 0.92
    assert np.flatnonzero(suspects(labels, probabilities)).tolist() == list(range(0, 200, 25))
    assert alternatives(labels, probabilities)[::25].tolist() == true[::25].tolist()


@st.composite
def judged(draw):
    """Labels of two to five classes, each there, and probabilities of any kind."""
    classes = draw(st.integers(2, 5))
    more = draw(st.lists(st.integers(0, classes - 1), max_size=30))
    labels = np.array([*range(classes), *more])
    weights = draw(arrays.arrays(float, (len(labels), classes), elements=st.floats(0.001, 1)))
    return labels, weights / weights.sum(axis=1, keepdims=True)


@given(judged())
def test_whatever_the_model_says(case):
    labels, probabilities = case
    counts = confident_joint(labels, probabilities)
    assert (counts.sum(axis=1) > 0).all()
    assert joint(counts, labels).sum() == pytest.approx(1)
    assert joint(counts, labels).sum(axis=1) == pytest.approx(np.bincount(labels) / len(labels))
    found, sure = suspects(labels, probabilities), self_confidence(labels, probabilities)
    assert (probabilities[found].argmax(axis=1) != labels[found]).all()
    assert (alternatives(labels, probabilities) != labels).all()
    doubted = probabilities.argmax(axis=1) != labels
    for label in np.unique(labels[found]):
        passed_over = sure[(labels == label) & doubted & ~found]
        assert sure[(labels == label) & found].max() <= min(passed_over, default=1)


@given(judged())
def test_a_model_that_is_sure_of_every_label_suspects_none(case):
    labels, probabilities = case
    sure = 0.01 * probabilities + 0.99 * np.eye(probabilities.shape[1])[labels]
    assert not suspects(labels, sure).any()


@given(judged())
def test_the_order_of_the_classes_does_not_matter(case):
    labels, probabilities = case
    backwards = probabilities.shape[1] - 1 - labels, probabilities[:, ::-1]
    assert thresholds(*backwards)[::-1].tolist() == thresholds(labels, probabilities).tolist()
    assert self_confidence(*backwards).tolist() == self_confidence(labels, probabilities).tolist()
    distinct = len(np.unique(probabilities)) == probabilities.size  # of equal ones the first class is taken
    if distinct:
        assert suspects(*backwards).tolist() == suspects(labels, probabilities).tolist()
