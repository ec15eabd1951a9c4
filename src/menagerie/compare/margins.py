"""What two accuracies can show when which pictures each model got right is not known."""

import math

from scipy.optimize import brentq
from scipy.stats import norm

from menagerie.compare.paired import mcnemar
from menagerie.evaluate.intervals import newcombe_interval, wilson_interval


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


def newcombe_p(right_a: int, n_a: int, right_b: int, n_b: int) -> float:
    """1 less the level at which Newcombe's interval of a less b just touches 0; 1 for equal accuracies.

    Of independent pictures. So p lies below 0.05 exactly when the 95 % interval leaves 0 out.
    """
    if right_a / n_a < right_b / n_b:
        return newcombe_p(right_b, n_b, right_a, n_a)
    if right_a / n_a == right_b / n_b:
        return 1.0

    def lower_end(z: float) -> float:
        a, b = wilson_interval(right_a, n_a, z), wilson_interval(right_b, n_b, z)
        return newcombe_interval((right_a / n_a, *a), (right_b / n_b, *b))[1]

    widest = 1.0
    while lower_end(widest) > 0:
        widest *= 2
    return float(2 * norm.sf(brentq(lower_end, 0, widest, xtol=1e-9)))
