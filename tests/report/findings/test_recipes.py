"""Recipes over their seeds, as the report tells them."""

import numpy as np
import pandas as pd
import pytest

from helpers import entry, of_kind, results_of, rows_of, told
from menagerie.report.findings import recipes
from menagerie.report.findings.blocks import Table

N = 200
EASY = np.arange(N) % 10 > 0  # nine tenths


def runs(*wrong):
    """Runs that get the easy pictures right but for so many of them."""
    return np.stack([EASY & (np.arange(N) >= count) for count in wrong])


def results(**right):
    found = results_of({name: entry(373) for name in right})
    found.right.update(right)
    found.tables["predictions"] = {name: pd.DataFrame({"path": np.arange(N)}) for name in right}
    return found


def test_each_recipe_has_its_mean_its_spread_and_an_interval_over_seeds_and_pictures():
    section = recipes.section(results(cnn=runs(0, 0, 0), ann=runs(40, 50, 60)))
    cnn, ann = rows_of(section, "Recipes over seeds and pictures")
    assert (cnn["model"], ann["model"]) == ("cnn", "ann")
    assert cnn["mean test accuracy (%)"].startswith("90.00; 85.")
    assert ann["mean test accuracy (%)"].startswith("67.50; ")
    assert (cnn["seeds"], cnn["standard deviation (points)"], cnn["by seed (%)"]) == ("3", "0.00", "0.00")
    assert ann["standard deviation (points)"] == "4.50"  # of 36, 45 and 54 pictures more
    assert float(ann["by seed (%)"]) > 10


def test_two_recipes_are_compared_and_what_would_tell_them_apart_is_said():
    rng = np.random.default_rng(0)
    noisy = {name: rng.random((3, N)) < share for name, share in (("a", 0.70), ("b", 0.82))}
    (pair,) = rows_of(recipes.section(results(**noisy)), "Recipes against each other")
    assert float(pair["difference (points)"].split(";")[0]) == pytest.approx(-12, abs=4)
    assert 10 < int(pair["pictures needed"]) < N
    steady = {name: np.stack([rng.random(N) < 0.8] * 3) for name in "ab"}
    (pair,) = rows_of(recipes.section(results(**steady)), "Recipes against each other")
    assert pair["seeds needed"] == "none helps"


def test_one_recipe_is_compared_with_none():
    assert len(of_kind(Table, recipes.section(results(cnn=runs(0, 5))))) == 1


def test_groups_of_pictures_are_said_to_be_drawn_whole():
    found = results(cnn=runs(0, 5))
    assert "other pictures" in told(recipes.section(found))[0]
    for table in found.tables["predictions"].values():
        table["group"] = np.arange(N) // 5
    assert "other whole groups of pictures" in told(recipes.section(found))[0]


def test_models_of_one_run_have_no_such_section():
    assert recipes.section(results_of({"cnn": entry(373)})) is None
