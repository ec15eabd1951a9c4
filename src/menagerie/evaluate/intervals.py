"""Intervals of shares and of their differences, in closed form."""

import math

import numpy as np
from scipy.stats import norm

Z95 = float(norm.isf(0.025))  # standard errors on either side of a 95 % interval

Interval = tuple[float, float, float]  # value, low end, high end


def wilson_interval(correct: float, n: float, z: float = Z95) -> tuple[float, float]:
    """Wilson's score interval of correct/n at `z` standard errors, by default of 95 % (Wilson 1927)."""
    share = correct / n
    centre, half = share + z**2 / (2 * n), z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    low, high = (centre - half) / (1 + z**2 / n), (centre + half) / (1 + z**2 / n)
    # An end that is 0 or 1 is so exactly, whatever rounding does.
    return (low if correct else 0.0), (high if correct < n else 1.0)


def newcombe_interval(first: Interval, second: Interval) -> Interval:
    """The first share less the second, of other pictures: Newcombe (1998), method 10.

    Its ends come from those of the two intervals, which are of the same level.
    """
    (a, low_a, high_a), (b, low_b, high_b) = first, second
    return a - b, a - b - math.hypot(a - low_a, high_b - b), a - b + math.hypot(high_a - a, b - low_b)


def percentiles(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The 95 % percentile interval over the last axis."""
    low, high = np.quantile(samples, [0.025, 0.975], axis=-1)
    return low, high
