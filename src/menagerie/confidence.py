"""How sure a network is: logits to probabilities, and the temperature that makes them mean what they say."""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

TEMPERATURES = (0.01, 100.0)


def probabilities(logits: np.ndarray) -> np.ndarray:
    """Softmax float64 (n, classes) of logits (n, classes)."""
    return softmax(logits.astype(np.float64), axis=1)


def picture_losses(labels: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Negative log-likelihood float64 (n,) of each picture in nats."""
    return -log_softmax(logits.astype(np.float64), axis=1)[np.arange(len(labels)), labels]


def fit_temperature(labels: np.ndarray, logits: np.ndarray) -> float:
    """The T > 0 for which logits / T have the lowest loss (temperature scaling, Guo et al. 2017).

    It is searched from 0.01 to 100. Where no picture is misjudged the loss falls for ever with T: such
    pictures cannot tell, and T is 1. Fit it on val; test only reports on it.
    """
    if (logits.argmax(axis=1) == labels).all():
        return 1.0

    def loss(log_temperature: float) -> float:
        return float(picture_losses(labels, logits / np.exp(log_temperature)).mean())

    # The loss is convex in 1/T, so it has one valley in log T as well.
    found = minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))
