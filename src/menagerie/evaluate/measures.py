"""From logits to metrics, with intervals; what is counted and averaged as scikit-learn does it."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.special import log_softmax
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from menagerie.confidence import picture_losses
from menagerie.errors import ModelError
from menagerie.evaluate.bootstrap import group_interval, with_intervals
from menagerie.evaluate.intervals import Interval, newcombe_interval, wilson_interval


def scores(labels: np.ndarray, logits: np.ndarray, groups: np.ndarray | None = None) -> dict[str, float]:
    """Measure predictions, logits float (n, classes), against labels int (n,).

    `<metric>_low` and `<metric>_high` are the ends of its 95 % interval: Wilson's for accuracy and top-k
    accuracy, otherwise a bootstrap stratified by class (see bootstrap.with_intervals). With more than
    five classes there is `top5_accuracy`, with three to five `top2_accuracy`. Loss is the mean negative
    log-likelihood in nats, brier lies in [0, 2], ece has 15 bins, auc_macro is one class against the
    rest and is missing where no class has a ROC curve. Means over classes are as bootstrap.measure says.

    With `groups`, int (n,), pictures of one group are no independent evidence: whole groups are then
    resampled, and Wilson's intervals are of as many fewer pictures as `accuracy_design_effect` says (see
    bootstrap.group_interval; missing where it cannot be told).

    Raises:
        ModelError: a logit is infinite or no number.
    """
    if not np.isfinite(logits).all():
        raise ModelError("the model gives logits that are no numbers; train it with a lower learning_rate")
    predicted = logits.argmax(axis=1)
    result = _share("accuracy", predicted == labels, groups) | {"n": len(labels)}
    every = np.arange(logits.shape[1])
    if len(every) > 2:
        k = 5 if len(every) > 5 else 2
        best = np.argsort(logits, axis=1, kind="stable")[:, -k:]  # of equal ones the last, as scikit-learn
        share = _share(f"top{k}_accuracy", (best == labels[:, None]).any(axis=1), groups)
        result |= {key: value for key, value in share.items() if not key.endswith("design_effect")}
    for name, (value, low, high) in with_intervals(labels, logits, groups).items():
        result |= {name: value, f"{name}_low": low, f"{name}_high": high}
    weighted = precision_recall_fscore_support(
        labels, predicted, labels=every, average="weighted", zero_division=0
    )
    for name, value in zip(("precision", "recall", "f1"), weighted[:3], strict=True):
        result[f"{name}_weighted"] = float(value)
    return result


def accuracy_and_loss(
    labels: np.ndarray, logits: np.ndarray, groups: np.ndarray | None = None
) -> dict[str, float]:
    """The few of `scores` that are asked of train: accuracy with its interval, loss in nats, n."""
    loss = float(picture_losses(labels, logits).mean())
    accuracy = _share("accuracy", logits.argmax(axis=1) == labels, groups)
    return accuracy | {"loss": loss, "n": len(labels)}


def _share(name: str, right: np.ndarray, groups: np.ndarray | None = None) -> dict[str, float]:
    """The share of right pictures, bool (n,), with its interval; of groups with the design effect too."""
    if groups is None:
        low, high = wilson_interval(int(right.sum()), len(right))
        return {name: float(right.mean()), f"{name}_low": low, f"{name}_high": high}
    low, high, effect = group_interval(right, groups)
    share = {name: float(right.mean()), f"{name}_low": low, f"{name}_high": high}
    return share if np.isnan(effect) else share | {f"{name}_design_effect": effect}


def difference(first: Mapping[str, float], second: Mapping[str, float]) -> Interval:
    """The accuracy of `first` less that of `second`, both as `scores` gives them and of other pictures."""
    ends = ("accuracy", "accuracy_low", "accuracy_high")
    one, other = (tuple(measured[key] for key in ends) for measured in (first, second))
    return newcombe_interval(one, other)


def per_class(
    labels: np.ndarray, predicted: np.ndarray, classes: list[str], groups: np.ndarray | None = None
) -> pd.DataFrame:
    """Precision, recall, F1 and number of pictures (support) of each class.

    Recall is the share of right ones among the pictures of a class, precision among those taken for it; each
    has the 95 % interval of such a share as `scores` has it, `precision_low` and so on, NaN without such
    pictures. F1 has none.
    """
    columns = precision_recall_fscore_support(
        labels, predicted, labels=np.arange(len(classes)), zero_division=0
    )
    table = pd.DataFrame(
        dict(zip(("class", "precision", "recall", "f1", "support"), (classes, *columns), strict=True))
    )
    for name, chosen_by in (("precision", predicted), ("recall", labels)):
        ends = [_ends(labels, predicted, chosen_by == label, groups) for label in range(len(classes))]
        table[[f"{name}_low", f"{name}_high"]] = ends
    return table


def _ends(
    labels: np.ndarray, predicted: np.ndarray, chosen: np.ndarray, groups: np.ndarray | None
) -> tuple[float, float]:
    if not chosen.any():
        return float("nan"), float("nan")
    right = (labels == predicted)[chosen]
    share = _share("share", right, None if groups is None else groups[chosen])
    return share["share_low"], share["share_high"]


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
    paths: np.ndarray,
    labels: np.ndarray,
    logits: np.ndarray,
    classes: list[str],
    groups: np.ndarray | None = None,
) -> pd.DataFrame:
    """One row a picture: path, actual and predicted class, and the probability of the predicted one.

    Where there are `groups`, int (n,), `group` is the picture's.
    """
    names = np.asarray(classes, dtype=object)
    probability = np.exp(log_softmax(logits.astype(np.float64), axis=1).max(axis=1))
    table = pd.DataFrame(
        {
            "path": paths,
            "actual": names[labels],
            "predicted": names[logits.argmax(axis=1)],
            "probability": probability.round(6),
        }
    )
    return table if groups is None else table.assign(group=groups)


def most_confident_mistakes(table: pd.DataFrame, count: int) -> pd.DataFrame:
    """Of `predictions` the rows that are wrong, those with the highest probability first, at most `count`."""
    wrong = table[table["actual"] != table["predicted"]]
    return wrong.sort_values("probability", ascending=False, kind="stable").head(count)
