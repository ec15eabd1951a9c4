"""What margins can show: golden numbers of an audit apart from this code, and of Newcombe's paper."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from menagerie.compare.margins import mcnemar_bounds, newcombe_p, pictures_needed
from menagerie.compare.paired import mcnemar
from menagerie.evaluate.intervals import newcombe_interval, wilson_interval


def ends(right_a, n_a, right_b, n_b, level=0.95):
    z = norm.isf((1 - level) / 2)
    both = (right_a, n_a), (right_b, n_b)
    return newcombe_interval(*((k / n, *wilson_interval(k, n, z)) for k, n in both))[1:]


ANIMALS5, ANIMALS10, SIGNS = 1497, 3933, 412


@pytest.mark.parametrize(
    ("accuracies", "n", "surplus", "smallest", "largest"),
    [
        ((0.9446, 0.9212), ANIMALS5, 35, 5.8e-11, 0.016),
        ((0.9432, 0.9185), ANIMALS5, 37, 1.5e-11, 0.012),
        ((0.9486, 0.9185), ANIMALS5, 45, 5.7e-14, 0.0017),
        ((0.9279, 0.9212), ANIMALS5, 10, 0.002, 0.55),
        ((0.9519, 0.9352), ANIMALS5, 25, 6e-8, 0.065),
        ((0.9359, 0.9352), ANIMALS5, 1, 1, 1),
        ((0.98678, 0.98500), ANIMALS10, 7, 0.016, 0.57),
        ((0.9486, 0.9519), ANIMALS5, -5, 0.062, 0.74),
        ((0.8034, 0.8544), SIGNS, -21, 9.5e-7, 0.092),
        ((0.8034, 0.9053), SIGNS, -42, 4.5e-13, 0.00016),
        ((0.8034, 0.8374), SIGNS, -14, 0.00012, 0.29),
    ],
)
def test_margins_of_the_notebooks_bound_the_p_of_the_paired_test(accuracies, n, surplus, smallest, largest):
    a, b = (round(accuracy * n) for accuracy in accuracies)
    assert a - b == surplus
    assert mcnemar_bounds(a, b, n) == pytest.approx((smallest, largest), rel=0.05)
    assert mcnemar_bounds(b, a, n) == mcnemar_bounds(a, b, n)


@given(st.integers(1, 30), st.data())
def test_no_way_in_which_two_models_can_err_leaves_the_bounds(n, data):
    a, b = data.draw(st.integers(0, n)), data.draw(st.integers(0, n))
    both = range(max(0, a + b - n), min(a, b) + 1)
    found = [mcnemar(a - shared, b - shared) for shared in both]
    assert mcnemar_bounds(a, b, n) == (pytest.approx(min(found)), pytest.approx(max(found)))


def test_the_interval_of_a_difference_is_that_of_newcombes_paper():
    assert ends(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=5e-5)


@pytest.mark.parametrize(("ours", "reported", "p"), [(367, 352, 0.12), (347, 331, 0.14)])
def test_two_recipes_of_the_sign_digits_do_not_differ_from_what_was_reported(ours, reported, p):
    assert newcombe_p(ours, SIGNS, reported, SIGNS) == pytest.approx(p, abs=0.006)


@given(st.integers(1, 500), st.integers(1, 500), st.data())
def test_p_is_the_level_at_which_the_interval_touches_zero(n_a, n_b, data):
    a, b = data.draw(st.integers(0, n_a)), data.draw(st.integers(0, n_b))
    p = newcombe_p(a, n_a, b, n_b)
    assert newcombe_p(b, n_b, a, n_a) == p
    low, high = ends(a, n_a, b, n_b, level=1 - max(p, 1e-9))
    assert min(abs(low), abs(high)) < 1e-6 or p < 1e-9
    low, high = ends(a, n_a, b, n_b)
    assert (low > 0 or high < 0) == (p < 0.05)


def test_the_interval_against_a_model_of_endlessly_many_pictures_is_wilsons():
    low, high = wilson_interval(352, SIGNS)
    many = 10**12
    assert ends(352, SIGNS, many // 2, many) == pytest.approx((low - 0.5, high - 0.5), abs=1e-5)


@pytest.mark.parametrize(
    ("first", "second", "needed"),
    [
        ((3881, 3933), (3874, 3933), 69_000),
        ((1420, 1497), (1425, 1497), 66_500),
        ((1414, 1497), (1379, 1497), 1_800),
        # Fleiss, Levin and Paik 2003, table A.4 less its continuity correction: 0.6 against 0.7
        ((600, 1000), (700, 1000), 356),
    ],
)
def test_pictures_needed_to_tell_two_models_apart(first, second, needed):
    assert pictures_needed(*first, *second) == pytest.approx(needed, rel=0.005)


def test_no_number_of_pictures_tells_equal_models_apart():
    assert pictures_needed(5, 10, 50, 100) == float("inf")
