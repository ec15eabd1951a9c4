import tracemalloc
from itertools import product

import numpy as np
import pytest
from scipy import stats
from scipy.stats import norm
from sklearn.metrics import cohen_kappa_score, jaccard_score

from menagerie.compare.paired import (
    compare_pairs,
    error_agreement,
    grouped_p,
    holm,
    mcnemar,
    tango_interval,
)


def pictures(both, only_a, only_b, neither):
    """Which pictures two models get right, bool (2, n)."""
    counts = [both, only_a, only_b, neither]
    return np.array([[1, 1, 0, 0], [1, 0, 1, 0]], dtype=bool).repeat(counts, axis=1)


# McNemar's test


@pytest.mark.parametrize(
    ("only_a", "only_b", "p"),
    [
        # Armitage and Berry 1994, p. 127: two media for tubercle bacilli, P = 0.0129
        (12, 2, 2 * (1 + 14 + 91) / 2**14),
        # by hand
        (1, 7, 2 * (1 + 8) / 2**8),
        (5, 1, 0.21875),
        (10, 0, 2 / 1024),
        (3, 3, 1.0),
        (1, 0, 1.0),
        (0, 0, 1.0),
    ],
)
def test_mcnemars_exact_test(only_a, only_b, p):
    assert mcnemar(only_a, only_b) == pytest.approx(p)
    assert mcnemar(only_b, only_a) == pytest.approx(p)


def test_mcnemars_exact_test_is_near_the_chi_square_for_many_pictures():
    """Agresti 1990, p. 350: 150 and 86 people changed their mind of the President."""
    corrected = (150 - 86 - 1) ** 2 / (150 + 86)
    assert mcnemar(150, 86) == pytest.approx(stats.chi2.sf(corrected, 1), rel=0.1)
    assert mcnemar(150, 86) == pytest.approx(2 * stats.binom.cdf(86, 236, 0.5))


# groups of pictures


@pytest.mark.parametrize(("only_a", "only_b"), [(12, 2), (1, 7), (5, 1), (3, 3), (0, 0)])
def test_with_one_picture_a_group_flipped_signs_are_mcnemars_test(only_a, only_b):
    surplus = np.array([1] * only_a + [-1] * only_b + [0] * 5)
    assert grouped_p(surplus) == pytest.approx(mcnemar(only_a, only_b))


def test_all_ways_to_flip_the_signs_of_groups_are_counted():
    surplus = np.array([5, -2, 3, 1, 0, -4, 7])
    sums = np.abs(np.array(list(product((-1, 1), repeat=7))) @ surplus)
    assert grouped_p(surplus) == pytest.approx(np.mean(sums >= surplus.sum()))


def test_equal_models_on_grouped_pictures_are_told_apart_in_one_case_of_twenty():
    """Each signer suits one of two equal models: McNemar's test takes that for a difference too often."""
    random, groups = np.random.default_rng(9), np.arange(42).repeat(10)
    found, by_mcnemar = 0, 0
    for _ in range(400):
        chance = np.clip(0.8 + random.normal(scale=0.25, size=(2, 42)), 0, 1).repeat(10, axis=1)
        table = compare_pairs(["a", "b"], random.random((2, 420)) < chance, groups)
        found += table["p"].item() < 0.05
        by_mcnemar += mcnemar(table["only_a_right"].item(), table["only_b_right"].item()) < 0.05
    assert 0.03 < found / 400 < 0.075
    assert by_mcnemar / 400 > 0.15


def test_differences_on_grouped_pictures_have_intervals_of_groups():
    groups = np.arange(50).repeat(4)
    correct = np.stack([np.arange(200) % 40 < 30, np.arange(200) % 40 < 25])
    row = compare_pairs(["a", "b"], correct, groups).iloc[0]
    surplus = np.add.reduceat(correct[0].astype(int) - correct[1], np.arange(0, 200, 4))
    error = surplus.std() * np.sqrt(50) / 200
    ends = 0.125 - 1.96 * error, 0.125 + 1.96 * error
    assert (row["low"], row["high"]) == pytest.approx(ends, abs=0.01)


# Holm's correction


@pytest.mark.parametrize(
    ("p", "adjusted"),
    [
        # what p.adjust(p, "holm") of R gives
        ([0.01, 0.02, 0.03, 0.04, 0.05], [0.05, 0.08, 0.09, 0.09, 0.09]),
        ([0.319, 0.201, 0.4, 0.374, 0.113], [0.957, 0.804, 0.957, 0.957, 0.565]),
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.7, 0.5, 0.6], [1.0, 1.0, 1.0]),
        ([0.02, 0.02], [0.04, 0.04]),
        ([0.03], [0.03]),
        ([], []),
    ],
)
def test_holms_correction(p, adjusted):
    assert holm(np.array(p)).tolist() == pytest.approx(adjusted)


def test_holms_correction_keeps_the_chance_of_any_false_alarm():
    p = np.random.default_rng(0).random((4000, 10))
    alarms = np.mean([(holm(row) <= 0.05).any() for row in p])
    assert alarms == pytest.approx(0.05, abs=0.01)


# pairs of models


def test_a_pair_by_hand():
    table = compare_pairs(["a", "b"], pictures(20, 12, 2, 16))
    row = table.iloc[0]
    assert len(table) == 1
    assert row[["model_a", "model_b"]].tolist() == ["a", "b"]
    assert row[["n", "only_a_right", "only_b_right"]].tolist() == [50, 12, 2]
    assert row["difference"] == pytest.approx(0.2)
    assert row["p"] == row["p_holm"] == pytest.approx(0.01294, abs=5e-6)


def test_every_pair_is_compared_in_the_order_of_the_names():
    correct = np.random.default_rng(1).random((4, 200)) < np.array([[0.9], [0.6], [0.62], [0.9]])
    table = compare_pairs(["z", "y", "x", "w"], correct)
    pairs = list(zip(table["model_a"], table["model_b"], strict=True))
    assert pairs == [("z", "y"), ("z", "x"), ("z", "w"), ("y", "x"), ("y", "w"), ("x", "w")]
    first = correct[[0, 0, 0, 1, 1, 2]]
    second = correct[[1, 2, 3, 2, 3, 3]]
    assert table["only_a_right"].tolist() == (first & ~second).sum(axis=1).tolist()
    assert table["only_b_right"].tolist() == (~first & second).sum(axis=1).tolist()
    assert table["difference"].tolist() == pytest.approx((first.mean(axis=1) - second.mean(axis=1)).tolist())
    for _, row in table.iterrows():
        assert row["p"] == mcnemar(row["only_a_right"], row["only_b_right"])
        assert row["low"] <= row["difference"] <= row["high"]
    assert table["p_holm"].tolist() == holm(table["p"].to_numpy()).tolist()


def test_the_interval_of_the_difference_is_that_of_scipys_paired_bootstrap():
    correct = pictures(150, 40, 20, 30)
    row = compare_pairs(["a", "b"], correct).iloc[0]
    scipys = stats.bootstrap(
        correct.astype(float),
        lambda a, b, axis: a.mean(axis=axis) - b.mean(axis=axis),
        paired=True,
        n_resamples=20_000,
        method="percentile",
        rng=0,
    ).confidence_interval
    assert row["low"] == pytest.approx(scipys.low, abs=0.01)
    assert row["high"] == pytest.approx(scipys.high, abs=0.01)


def test_models_that_are_right_on_the_same_pictures_do_not_differ():
    correct = pictures(30, 0, 0, 10)
    row = compare_pairs(["a", "b"], correct).iloc[0]
    assert row[["difference", "low", "high"]].tolist() == [0, 0, 0]
    assert row[["p", "p_holm"]].tolist() == [1, 1]


def test_seven_pictures_of_3933_are_chance_unless_the_errors_are_the_same():
    """Seed 000's best networks: 3,881 and 3,874 right. Which pictures they share decides."""
    row = compare_pairs(["finetune", "transfer"], pictures(3850, 31, 24, 28)).iloc[0]
    assert row["low"] < 0 < row["high"]
    assert row["p"] == pytest.approx(2 * stats.binom.cdf(24, 55, 0.5))
    assert row["p"] > 0.4
    row = compare_pairs(["finetune", "transfer"], pictures(3874, 7, 0, 52)).iloc[0]
    assert row["low"] > 0
    assert row["p"] == pytest.approx(2 / 2**7)


def test_two_pictures():
    row = compare_pairs(["a", "b"], np.array([[True, False], [False, True]])).iloc[0]
    assert row[["only_a_right", "only_b_right", "difference", "p"]].tolist() == [1, 1, 0, 1]
    assert (row["low"], row["high"]) == (-1, 1)


def test_one_model_has_no_pairs():
    assert compare_pairs(["a"], np.ones((1, 5), dtype=bool)).empty
    assert error_agreement(["a"], np.ones((1, 5), dtype=bool)).empty


def test_intervals_hold_the_true_difference_19_times_in_20():
    random = np.random.default_rng(2)
    held = []
    for _ in range(200):  # 10 pairs of models each
        easy = random.random(300)
        correct = (easy + random.normal(size=(5, 300)) * 0.3) > 0.4
        held += [
            row["low"] <= 0 <= row["high"] for _, row in compare_pairs(list("abcde"), correct).iterrows()
        ]
    assert 0.93 <= np.mean(held) <= 0.97


def test_thirty_models_on_ten_thousand_pictures_need_little_memory():
    correct = np.random.default_rng(3).random((30, 10_000)) < np.linspace(0.7, 0.99, 30)[:, None]
    tracemalloc.start()
    try:
        table = compare_pairs([f"m{i}" for i in range(30)], correct)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(table) == 30 * 29 // 2
    assert peak < 200 * 2**20


# errors in common


def test_agreement_of_errors_is_that_of_scikit_learn():
    correct = np.random.default_rng(4).random((3, 300)) < np.array([[0.9], [0.7], [0.8]])
    correct[2] |= correct[0]
    table = error_agreement(["a", "b", "c"], correct)
    for (_, row), (i, j) in zip(table.iterrows(), [(0, 1), (0, 2), (1, 2)], strict=True):
        assert row["kappa"] == pytest.approx(cohen_kappa_score(correct[i], correct[j]))
        assert row["common_errors"] == pytest.approx(jaccard_score(~correct[i], ~correct[j]))
        assert row["both_wrong"] == (~correct[i] & ~correct[j]).sum()


@pytest.mark.parametrize(
    ("counts", "common", "kappa"),
    [
        ((8, 0, 0, 2), 1, 1),
        ((0, 5, 5, 0), 0, -1),
        ((25, 25, 25, 25), 1 / 3, 0),
        ((8, 2, 0, 0), 0, 0),
        ((10, 0, 0, 0), np.nan, np.nan),
        ((0, 0, 0, 10), 1, np.nan),
    ],
    ids=["the same", "opposite", "independent", "one perfect", "both perfect", "both always wrong"],
)
def test_agreement_with_known_answers(counts, common, kappa):
    row = error_agreement(["a", "b"], pictures(*counts)).iloc[0]
    assert row["common_errors"] == pytest.approx(common, nan_ok=True)
    assert row["kappa"] == pytest.approx(kappa, nan_ok=True)


@pytest.mark.parametrize(
    ("only_a", "only_b", "n", "low", "high"),
    [
        (1, 7, 21, -0.517, -0.026),  # Fagerland, Lydersen and Laake 2017, chapter 8: Bentur et al. 2009
        (0, 0, 412, -0.0092378, 0.0092378),  # by hand: z^2 / (n + z^2)
        (0, 54, 54, -1, -0.867),
    ],
)
def test_tangos_interval_is_that_of_the_book(only_a, only_b, n, low, high):
    assert tango_interval(only_a, only_b, n, norm.isf(0.025)) == pytest.approx((low, high), abs=5e-4)
    turned = tango_interval(only_b, only_a, n, norm.isf(0.025))
    assert turned == pytest.approx((-high, -low), abs=5e-4)


def test_models_that_lie_a_margin_apart_are_called_equivalent_within_it_in_5_percent_of_cases():
    """The error of the two one-sided tests, at the very edge of a margin of 3 points."""
    n, margin = 1000, 0.03
    drawn = np.random.default_rng(3).multinomial(n, [0.06, 0.03, 0.91], 2000)
    wider = [tango_interval(int(a), int(b), n, norm.isf(0.05)) for a, b, _ in drawn]
    assert 0.035 < np.mean([max(abs(low), abs(high)) < margin for low, high in wider]) < 0.065


def test_the_margin_of_equivalence_is_the_farther_end_of_the_90_percent_interval():
    correct = np.ones((2, 500), dtype=bool)
    correct[0, :10] = correct[1, 5:20] = False
    (row,) = compare_pairs(["a", "b"], correct).to_dict("records")
    ends = tango_interval(row["only_a_right"], row["only_b_right"], 500, norm.isf(0.05))
    assert row["equivalent_within"] == pytest.approx(max(map(abs, ends)))


def test_models_that_agree_on_every_group_are_equivalent_no_closer_than_so_many_groups_allow():
    alike = np.ones((2, 90), dtype=bool)
    (row,) = compare_pairs(["a", "b"], alike, np.arange(90) // 3).to_dict("records")
    z = norm.isf(0.05)
    assert row["equivalent_within"] == pytest.approx(z**2 / (30 + z**2), abs=1e-6)


def test_one_picture_apart_is_told_no_closer_in_groups_than_of_independent_pictures():
    """Percentiles of drawn groups reach 3 of 412 pictures there, 0.73 points; Tango's interval 1.08."""
    correct = np.ones((2, 412), dtype=bool)
    correct[1, 7] = False
    (row,) = compare_pairs(["a", "b"], correct, np.arange(412) // 4).to_dict("records")
    assert row["equivalent_within"] == pytest.approx(tango_interval(1, 0, 412, norm.isf(0.05))[1])
    assert row["equivalent_within"] == pytest.approx(0.010805, abs=1e-6)  # by likelihood maximised apart
