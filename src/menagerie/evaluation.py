"""From logits to metrics, with intervals; what is counted and averaged as scikit-learn does it."""

import numpy as np
import pandas as pd
from scipy.special import log_softmax
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from menagerie.errors import ModelError


def scores(labels: np.ndarray, logits: np.ndarray) -> dict[str, float]:
    """Measure predictions, logits float (n, classes), against labels int (n,).

    Accuracy comes with its 95 % Wilson interval and n; loss is the mean negative log-likelihood in
    nats; a class that is never predicted has precision 0.

    Raises:
        ModelError: a logit is infinite or no number.
    """
    if not np.isfinite(logits).all():
        raise ModelError("the model gives logits that are no numbers; train it with a lower learning_rate")
    predicted = logits.argmax(axis=1)
    correct = int((predicted == labels).sum())
    low, high = wilson_interval(correct, len(labels))
    result = {
        "accuracy": correct / len(labels),
        "accuracy_low": low,
        "accuracy_high": high,
        "n": len(labels),
        "loss": negative_log_likelihood(labels, logits),
    }
    every = np.arange(logits.shape[1])
    for average in ("macro", "weighted"):
        values = precision_recall_fscore_support(
            labels, predicted, labels=every, average=average, zero_division=0
        )
        for name, value in zip(("precision", "recall", "f1"), values[:3], strict=True):
            result[f"{name}_{average}"] = float(value)
    return result


def negative_log_likelihood(labels: np.ndarray, logits: np.ndarray) -> float:
    """Mean cross-entropy in nats, computed in float64."""
    return float(-log_softmax(logits.astype(np.float64), axis=1)[np.arange(len(labels)), labels].mean())


def wilson_interval(correct: int, n: int) -> tuple[float, float]:
    """The 95 % Wilson score interval of correct/n (Wilson 1927)."""
    interval = binomtest(correct, n).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


def per_class(labels: np.ndarray, predicted: np.ndarray, classes: list[str]) -> pd.DataFrame:
    """Precision, recall, F1 and number of pictures (support) of each class."""
    columns = precision_recall_fscore_support(
        labels, predicted, labels=np.arange(len(classes)), zero_division=0
    )
    return pd.DataFrame(
        dict(zip(("class", "precision", "recall", "f1", "support"), (classes, *columns), strict=True))
    )


def confusion(labels: np.ndarray, predicted: np.ndarray, num_classes: int) -> np.ndarray:
    """Count pictures int (classes, classes): rows are the true class, columns the predicted one."""
    return confusion_matrix(labels, predicted, labels=np.arange(num_classes))


def predictions(
    paths: np.ndarray, labels: np.ndarray, logits: np.ndarray, classes: list[str]
) -> pd.DataFrame:
    """One row a picture: path, actual and predicted class, and the probability of the predicted one."""
    names = np.asarray(classes, dtype=object)
    probability = np.exp(log_softmax(logits.astype(np.float64), axis=1).max(axis=1))
    return pd.DataFrame(
        {
            "path": paths,
            "actual": names[labels],
            "predicted": names[logits.argmax(axis=1)],
            "probability": probability.round(6),
        }
    )
