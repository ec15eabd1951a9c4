"""Do probabilities mean what they say: reliability, calibration error, and the temperature that mends it."""

import numpy as np
import pandas as pd
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import chi2

from menagerie.confidence import TEMPERATURES, fit_temperature, picture_losses, probabilities
from menagerie.errors import ModelError

BINS = 15


def check_probabilities(values: np.ndarray) -> None:
    """Refuse what are no probabilities (n, classes): each in [0, 1], each row with the sum 1.

    A sum may be off by the square root of the type's epsilon, as in scikit-learn's log_loss.

    Raises:
        ModelError: with the first row (counted from 0) that is none.
    """
    outside = ~((values >= 0) & (values <= 1)).all(axis=1)
    sums = values.sum(axis=1, dtype=np.float64)
    wrong = outside | ~(np.abs(sums - 1) <= np.sqrt(np.finfo(values.dtype).eps))
    if not wrong.any():
        return
    row = int(wrong.argmax())
    if outside[row]:
        what = f"lies outside 0 to 1 (lowest {values[row].min():.6g}, highest {values[row].max():.6g})"
    else:
        what = f"has the sum {sums[row]:.6g}, not 1"
    raise ModelError(f"row {row} of the probabilities {what}; give the softmax of the model's logits")


def picture_briers(labels: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Brier score float64 (n,) of each picture, in [0, 2].

    The squared distance of its probabilities from the truth, summed over all classes (Brier 1950);
    some halve it when there are two classes.
    """
    return np.square(values - np.eye(values.shape[1])[labels]).sum(axis=1)


def confidence_bins(confidence: np.ndarray) -> np.ndarray:
    """The bin, 0 to 14, of each confidence: of equal width, open below, closed above (Guo et al. 2017)."""
    return np.digitize(confidence, np.linspace(0, 1, BINS + 1)[1:-1], right=True)


def reliability(labels: np.ndarray, values: np.ndarray) -> pd.DataFrame:
    """One row a bin of confidence that has pictures: its range, mean confidence, accuracy and count.

    Confidence is the probability of the predicted class; `values` float64 (n, classes).

    Raises:
        ModelError: `values` are no probabilities.
    """
    check_probabilities(values)
    confidence = values.max(axis=1)
    pictures = pd.DataFrame({"confidence": confidence, "accuracy": values.argmax(axis=1) == labels})
    bins = pictures.groupby(confidence_bins(confidence))
    table = bins.mean().assign(count=bins.size())
    edges = np.linspace(0, 1, BINS + 1)
    table.insert(0, "bin_low", edges[table.index])
    table.insert(1, "bin_high", edges[table.index + 1])
    return table.reset_index(drop=True)


def expected_calibration_error(labels: np.ndarray, values: np.ndarray) -> float:
    """Mean distance of accuracy from confidence over the bins, weighted by their pictures (Guo et al. 2017).

    Raises:
        ModelError: `values` are no probabilities.
    """
    table = reliability(labels, values)
    gaps = (table["accuracy"] - table["confidence"]).abs()
    return float(np.average(gaps, weights=table["count"]))


def temperature_interval(labels: np.ndarray, logits: np.ndarray) -> tuple[float | None, float | None]:
    """The 95 % interval of the temperature by the profile of its likelihood; None: no end from 0.01 to 100.

    It holds every T whose loss, summed over the pictures, lies less than 1.92 above the lowest (half of
    the 95 % point of chi-squared with one degree of freedom, Wilks 1938); pictures count as independent.
    Without a low end the pictures would bear any certainty, without a high end none: T is not determined.
    """

    def excess(log_temperature: float) -> float:
        return float(picture_losses(labels, logits / np.exp(log_temperature)).sum()) - most

    ends = np.log(TEMPERATURES)
    valley = minimize_scalar(
        lambda place: picture_losses(labels, logits / np.exp(place)).sum(), bounds=ends, method="bounded"
    )
    most = float(valley.fun) + chi2.ppf(0.95, 1) / 2
    low, high = (float(np.exp(brentq(excess, end, valley.x))) if excess(end) > 0 else None for end in ends)
    return low, high


def temperature_scaling(
    val_labels: np.ndarray, val_logits: np.ndarray, labels: np.ndarray, logits: np.ndarray
) -> dict[str, float | None]:
    """Fit the temperature on val; measure calibration error and loss of test without and with it.

    `temperature_low` and `temperature_high` are as of temperature_interval.
    """
    temperature = fit_temperature(val_labels, val_logits)
    low, high = temperature_interval(val_labels, val_logits)
    result = {"temperature": temperature, "temperature_low": low, "temperature_high": high}
    exact = logits.astype(np.float64)
    for name, scaled in (("before", exact), ("after", exact / temperature)):
        result[f"ece_{name}"] = expected_calibration_error(labels, probabilities(scaled))
        result[f"loss_{name}"] = float(picture_losses(labels, scaled).mean())
    return result
