"""Confident learning: which labels are probably wrong, by a model that did not train on them.

Northcutt, Jiang and Chuang (2021), "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR 70,
doi:10.1613/jair.1.12125; names and equations are theirs. In all functions `labels`, int (n,), are as given,
each of 0..classes-1 at least once; `probabilities`, float (n, classes), are out of fold.
"""

import numpy as np


def thresholds(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """How sure the model is of a class, float (classes,): its mean probability where that label is given."""
    means = []
    for label in range(probabilities.shape[1]):
        own = probabilities[labels == label, label]
        means.append(min(own.mean(), own.max()))  # the mean of equal values may round to more than they are
    return np.array(means)


def confident_joint(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Count pictures by the label given (rows) and the class they confidently are of: int (classes, classes).

    That is the most probable class of those that reach their thresholds; a picture that reaches none is not
    counted.
    """
    reached = probabilities >= thresholds(labels, probabilities)
    counted = reached.any(axis=1)
    of_class = np.where(reached, probabilities, -1).argmax(axis=1)
    counts = np.zeros((probabilities.shape[1],) * 2, np.int64)
    np.add.at(counts, (labels[counted], of_class[counted]), 1)
    return counts


def joint(counts: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The joint distribution of given and true labels, float (classes, classes), of a confident joint.

    Its rows are brought to what share of the pictures has each label, its sum to 1.
    """
    given = np.bincount(labels, minlength=len(counts))
    return counts / counts.sum(axis=1, keepdims=True) * (given / given.sum())[:, None]


def suspects(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Say of each label whether it is probably wrong, bool (n,), by "prune by class".

    For each label given, as many pictures as the joint says are of other classes: those with the least
    self-confidence. One whose given label is the most probable of all is none of them, whatever the joint
    says: there is nothing to suggest.
    """
    found, sure = np.zeros(len(labels), bool), self_confidence(labels, probabilities)
    shares = joint(confident_joint(labels, probabilities), labels)
    wrong = np.rint((shares.sum(axis=1) - shares.diagonal()) * len(labels)).astype(int)
    for label, count in enumerate(wrong):
        own = np.flatnonzero(labels == label)
        found[own[np.argsort(sure[own], kind="stable")[:count]]] = True
    return found & (probabilities.argmax(axis=1) != labels)


def self_confidence(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """The probability of the label given, float (n,): the lower it is, the more doubtful the label."""
    return probabilities[np.arange(len(labels)), labels]


def alternatives(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """The most probable class beside the given one, int (n,)."""
    others = probabilities.copy()
    others[np.arange(len(labels)), labels] = -1
    return others.argmax(axis=1)
