"""From logits to metrics, with intervals; what is counted and averaged as scikit-learn does it."""

import numpy as np
import pandas as pd
from scipy.special import log_softmax
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support, top_k_accuracy_score

from menagerie.errors import ModelError
from menagerie.evaluate.bootstrap import with_intervals
from menagerie.evaluate.calibration import picture_losses


def scores(labels: np.ndarray, logits: np.ndarray) -> dict[str, float]:
    """Measure predictions, logits float (n, classes), against labels int (n,).

    `<metric>_low` and `<metric>_high` are the ends of its 95 % interval: Wilson's for accuracy and top-k
    accuracy, otherwise a bootstrap stratified by class (see bootstrap.with_intervals). With more than
    five classes there is `top5_accuracy`, with three to five `top2_accuracy`. Loss is the mean negative
    log-likelihood in nats, brier lies in [0, 2], ece has 15 bins, auc_macro is one class against the
    rest and is missing where no class has a ROC curve. Means over classes are as bootstrap.measure says.

    Raises:
        ModelError: a logit is infinite or no number.
    """
    if not np.isfinite(logits).all():
        raise ModelError("the model gives logits that are no numbers; train it with a lower learning_rate")
    predicted = logits.argmax(axis=1)
    result = _share("accuracy", int((predicted == labels).sum()), len(labels)) | {"n": len(labels)}
    every = np.arange(logits.shape[1])
    if len(every) > 2:
        k = 5 if len(every) > 5 else 2
        found = top_k_accuracy_score(labels, logits, k=k, labels=every, normalize=False)
        result |= _share(f"top{k}_accuracy", int(found), len(labels))
    for name, (value, low, high) in with_intervals(labels, logits).items():
        result |= {name: value, f"{name}_low": low, f"{name}_high": high}
    weighted = precision_recall_fscore_support(
        labels, predicted, labels=every, average="weighted", zero_division=0
    )
    for name, value in zip(("precision", "recall", "f1"), weighted[:3], strict=True):
        result[f"{name}_weighted"] = float(value)
    return result


def accuracy_and_loss(labels: np.ndarray, logits: np.ndarray) -> dict[str, float]:
    """The few of `scores` that are asked of train: accuracy with its interval, loss in nats, n."""
    correct = int((logits.argmax(axis=1) == labels).sum())
    loss = float(picture_losses(labels, logits).mean())
    return _share("accuracy", correct, len(labels)) | {"loss": loss, "n": len(labels)}


def wilson_interval(correct: int, n: int) -> tuple[float, float]:
    """The 95 % Wilson score interval of correct/n (Wilson 1927)."""
    interval = binomtest(correct, n).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


def _share(name: str, correct: int, n: int) -> dict[str, float]:
    low, high = wilson_interval(correct, n)
    return {name: correct / n, f"{name}_low": low, f"{name}_high": high}


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


def confusion_table(counts: np.ndarray, classes: list[str]) -> pd.DataFrame:
    """The cells of `confusion` that have pictures: actual, predicted, pictures, share of the actual class."""
    actual, predicted = np.nonzero(counts)
    names, pictures = np.asarray(classes, dtype=object), counts[actual, predicted]
    return pd.DataFrame(
        {
            "actual": names[actual],
            "predicted": names[predicted],
            "pictures": pictures,
            "share": pictures / counts.sum(axis=1)[actual],
        }
    )


def most_confused(table: pd.DataFrame, count: int) -> pd.DataFrame:
    """Of `confusion_table` the wrong cells with the most pictures, at most `count`."""
    wrong = table[table["actual"] != table["predicted"]]
    return wrong.sort_values(["pictures", "share"], ascending=False, kind="stable").head(count)


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


def most_confident_mistakes(table: pd.DataFrame, count: int) -> pd.DataFrame:
    """Of `predictions` the rows that are wrong, those with the highest probability first, at most `count`."""
    wrong = table[table["actual"] != table["predicted"]]
    return wrong.sort_values("probability", ascending=False, kind="stable").head(count)
