"""Recipes over seeds and pictures: intervals that hold what they say, and what would tell more."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from scipy.stats import norm

from menagerie.compare.recipes import recipe_pairs, recipes
from menagerie.evaluate.intervals import wilson_interval

SEEDS, PICTURES = 5, 200


def runs(rng, centre, by_seed, by_picture, seeds=SEEDS, pictures=None):
    """Runs that get pictures right by a part of the seed and one of the picture, which may be given."""
    ease = by_picture * rng.standard_normal(PICTURES) if pictures is None else pictures
    logits = centre + by_seed * rng.standard_normal((seeds, 1)) + ease
    return rng.random(logits.shape) < expit(logits)


def truth(centre, by_seed, by_picture):
    """The mean accuracy over all seeds and pictures, by quadrature."""
    points, weights = np.polynomial.hermite_e.hermegauss(60)
    spread = math.hypot(by_seed, by_picture)
    return float((expit(centre + spread * points) * weights).sum() / weights.sum())


@pytest.mark.parametrize(
    ("centre", "by_seed", "by_picture"), [(1.5, 0.0, 2.0), (1.5, 0.6, 2.0), (3.0, 0.3, 1.0), (1.0, 1.0, 0.5)]
)
def test_the_interval_holds_the_mean_over_other_seeds_and_pictures_in_95_percent_of_cases(
    centre, by_seed, by_picture
):
    rng, sought = np.random.default_rng(0), truth(centre, by_seed, by_picture)
    found = [recipes({"a": runs(rng, centre, by_seed, by_picture)}).iloc[0] for _ in range(1000)]
    held = np.mean([row["low"] <= sought <= row["high"] for row in found])
    assert held == pytest.approx(0.95, abs=0.025)
    assert np.mean([row["mean"] for row in found]) == pytest.approx(sought, abs=0.01)


@pytest.mark.parametrize("by_seed", [0.0, 0.6])
def test_recipes_that_are_alike_are_told_apart_in_5_percent_of_cases_at_most(by_seed):
    rng, told = np.random.default_rng(1), []
    for _ in range(400):
        ease = 2 * rng.standard_normal(PICTURES)
        two = {name: runs(rng, 1.5, by_seed, 0, pictures=ease) for name in "ab"}
        told.append(recipe_pairs(two)["p"].iloc[0] < 0.05)
    assert 0.005 < np.mean(told) < 0.075


def test_runs_that_are_all_alike_know_as_much_as_one():
    one = np.arange(PICTURES) % 10 > 0
    (row,) = recipes({"a": np.stack([one] * SEEDS)}).to_dict("records")
    assert (row["mean"], row["std"], row["seeds"], row["n"]) == (0.9, 0, SEEDS, PICTURES)
    low, high = wilson_interval(0.9 * 199, 199)
    assert row["low"] == pytest.approx(low, abs=1e-3)
    assert row["high"] == pytest.approx(high, abs=1e-3)
    assert row["by_seed"] == 0


def test_runs_that_are_always_right_are_not_certain():
    (row,) = recipes({"a": np.ones((SEEDS, PICTURES), bool)}).to_dict("records")
    assert (row["low"], row["high"]) == pytest.approx(wilson_interval(PICTURES, PICTURES))


def test_the_variance_is_that_of_the_analysis_of_variance():
    """By the mean squares of a two-way table, as any textbook has them."""
    right = runs(np.random.default_rng(2), 1, 1, 1)
    table = pd.DataFrame(right.astype(float))
    grand = table.to_numpy().mean()
    of_runs = PICTURES * ((table.mean(axis=1) - grand) ** 2).sum() / (SEEDS - 1)
    of_pictures = SEEDS * ((table.mean(axis=0) - grand) ** 2).sum() / (PICTURES - 1)
    rest = table.sub(table.mean(axis=1), axis=0).sub(table.mean(axis=0), axis=1) + grand
    of_rest = (rest.to_numpy() ** 2).sum() / ((SEEDS - 1) * (PICTURES - 1))
    variance = (of_runs + of_pictures - of_rest) / (SEEDS * PICTURES)
    (row,) = recipes({"a": right}).to_dict("records")
    lessened = (of_runs - of_rest) / (SEEDS * PICTURES) + of_rest / (SEEDS * PICTURES)
    assert row["by_seed"] == pytest.approx(lessened / variance)


def test_pictures_that_belong_together_are_drawn_together():
    rng = np.random.default_rng(3)
    right = np.repeat(runs(rng, 1.5, 0, 2)[:, :40], 5, axis=1)
    groups = np.repeat(np.arange(40), 5)
    apart, together = recipes({"a": right}).iloc[0], recipes({"a": right}, groups).iloc[0]
    of_forty = recipes({"a": right[:, ::5]}).iloc[0]
    assert together["high"] - together["low"] > 1.2 * (apart["high"] - apart["low"])
    for end in ("low", "high"):
        assert together[end] == pytest.approx(of_forty[end], abs=0.01)


def test_a_recipe_of_one_run_is_left_out():
    found = recipes({"one": np.ones((1, 9), bool), "two": np.ones((2, 9), bool)})
    assert found["model"].tolist() == ["two"]
    assert recipe_pairs({"one": np.ones((1, 9), bool), "two": np.ones((2, 9), bool)}).empty


def test_with_the_seeds_that_are_said_the_difference_is_found_in_80_percent_of_cases():
    """The two recipes are drawn again, with as many seeds as a first draw asked for."""
    rng = np.random.default_rng(4)
    ease = 2 * rng.standard_normal(4000)
    two = {"a": runs(rng, 1.7, 0.2, 0, 20, ease), "b": runs(rng, 1.5, 0.2, 0, 20, ease)}
    (pair,) = recipe_pairs(two).to_dict("records")
    assert pair["p"] < 0.05
    share = pair["seeds_needed"]
    assert 2 <= share < 20
    found = []
    for _ in range(200):
        ease = 2 * rng.standard_normal(4000)
        seeds = int(share)
        two = {"a": runs(rng, 1.7, 0.2, 0, seeds, ease), "b": runs(rng, 1.5, 0.2, 0, seeds, ease)}
        found.append(recipe_pairs(two)["p"].iloc[0] < 0.05)
    assert 0.6 < np.mean(found) < 0.95


def test_what_is_needed_is_infinite_where_the_other_part_alone_hides_the_difference():
    rng = np.random.default_rng(5)
    wild = {name: runs(rng, 1.5, 2, 0, 3) for name in "ab"}
    assert recipe_pairs(wild)["pictures_needed"].iloc[0] == math.inf
    same = np.stack([rng.random(PICTURES) < 0.9] * 3)
    other = np.stack([rng.random(PICTURES) < 0.9] * 3)
    assert recipe_pairs({"a": same, "b": other})["seeds_needed"].iloc[0] == math.inf


def test_the_pictures_needed_for_equal_runs_are_those_of_the_paired_test():
    rng = np.random.default_rng(6)
    a, b = rng.random(PICTURES) < 0.9, rng.random(PICTURES) < 0.7
    (pair,) = recipe_pairs({"a": np.stack([a, a]), "b": np.stack([b, b])}).to_dict("records")
    spread = np.std(a.astype(float) - b, ddof=1)
    wanted = ((norm.isf(0.025) + norm.isf(0.2)) * spread / (a.mean() - b.mean())) ** 2
    assert pair["pictures_needed"] == math.ceil(wanted)
