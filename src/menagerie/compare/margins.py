"""What two accuracies can show when which pictures each model got right is not known."""

import math

from scipy.optimize import brentq
from scipy.stats import norm

from menagerie.compare.paired import mcnemar


def mcnemar_bounds(right_a: int, right_b: int, n: int) -> tuple[float, float]:
    """The smallest and the largest p that McNemar's exact test can give two models of the same `n` pictures.

    Only how many each gets right is known. The difference fixes how many more pictures fall to the better
    one; p grows with those that fall to either alone. There are fewest when the errors of the better model
    are all among those of the other, most when the two err on different pictures as far as n allows.
    """
    surplus = abs(right_a - right_b)
    only_a, only_b = min(right_a, n - right_b), min(right_b, n - right_a)
    return mcnemar(surplus, 0), mcnemar(only_a, only_b)


def pictures_needed(right_a: int, n_a: int, right_b: int, n_b: int) -> float:
    """How many pictures a model would need to be told from one of the other accuracy, each on its own.

    In 80 % of cases the two-sided test of two proportions then finds them different at 5 % (Fleiss, Levin and
    Paik 2003, section 4.2, without continuity correction); infinite for equal accuracies.
    """
    a, b = right_a / n_a, right_b / n_b
    if a == b:
        return math.inf
    mean, one, other = (a + b) / 2, norm.isf(0.025), norm.isf(0.2)
    spread = one * math.sqrt(2 * mean * (1 - mean)) + other * math.sqrt(a * (1 - a) + b * (1 - b))
    return (spread / (a - b)) ** 2


def newcombe_interval(
    right_a: int, n_a: int, right_b: int, n_b: int, level: float = 0.95
) -> tuple[float, float]:
    """The interval of accuracy a less accuracy b, of independent pictures; in [-1, 1].

    Newcombe (1998), method 10: Wilson's intervals of the two, joined.
    """
    return _joined(right_a / n_a, n_a, right_b / n_b, n_b, norm.isf((1 - level) / 2))


def newcombe_p(right_a: int, n_a: int, right_b: int, n_b: int) -> float:
    """1 less the level at which `newcombe_interval` just touches 0; 1 for equal accuracies.

    So p lies below 0.05 exactly when the 95 % interval leaves 0 out.
    """
    if right_a / n_a < right_b / n_b:
        return newcombe_p(right_b, n_b, right_a, n_a)
    if right_a / n_a == right_b / n_b:
        return 1.0

    def lower_end(z: float) -> float:
        return _joined(right_a / n_a, n_a, right_b / n_b, n_b, z)[0]

    widest = 1.0
    while lower_end(widest) > 0:
        widest *= 2
    return float(2 * norm.sf(brentq(lower_end, 0, widest, xtol=1e-9)))


def _joined(p_a: float, n_a: int, p_b: float, n_b: int, z: float) -> tuple[float, float]:
    (low_a, high_a), (low_b, high_b) = _wilson(p_a, n_a, z), _wilson(p_b, n_b, z)
    difference = p_a - p_b
    return (
        difference - math.hypot(p_a - low_a, high_b - p_b),
        difference + math.hypot(high_a - p_a, p_b - low_b),
    )


def _wilson(p: float, n: int, z: float) -> tuple[float, float]:
    """Wilson's score interval of the share `p` of `n` at `z` standard errors."""
    centre, half = p + z**2 / (2 * n), z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return (centre - half) / (1 + z**2 / n), (centre + half) / (1 + z**2 / n)
