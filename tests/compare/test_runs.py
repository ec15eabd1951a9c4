"""The runs of a sweep, side by side."""

import pandas as pd
import pytest
from scipy.stats import binomtest

from menagerie.compare import runs
from menagerie.errors import MenagerieError

CURRENT = {"cnn": {"seed": "1", "model.lr": "0.1", "data.sha256": "d", "split.sha256": "s"}}


def run(start, val_accuracy, lr="0.1", seed="1", **told):
    return {
        "model": "cnn",
        "experiment": f"exp-{start}",
        "start_time": pd.Timestamp(2026, 1, start),
        "val_accuracy": val_accuracy,
        "val_n": 200,
        "test_accuracy": 1 - val_accuracy,
        "data.sha256": "d",
        "split.sha256": "s",
        "params.seed": seed,
        "params.model.lr": lr,
    } | told


def test_runs_are_sorted_by_val_and_say_what_they_changed():
    told = pd.DataFrame([run(1, 0.7), run(2, 0.9, "0.3"), run(3, 0.8, seed="2")])
    found = runs.table(told, CURRENT)
    assert found["experiment"].to_list() == ["exp-2", "exp-3", "exp-1"]
    assert found["changed"].to_list() == ["lr=0.3", "", ""]
    assert found["seed"].to_list() == [1, 2, 1]
    interval = binomtest(180, 200).proportion_ci(method="wilson")
    assert (found["low"][0], found["high"][0]) == pytest.approx((interval.low, interval.high))


def test_of_a_run_repeated_the_latest_counts():
    found = runs.table(pd.DataFrame([run(1, 0.7), run(2, 0.75)]), CURRENT)
    assert found["experiment"].to_list() == ["exp-2"]


@pytest.mark.parametrize("lacking", [{"val_accuracy": None}, {"params.seed": None}])
def test_without_a_run_that_can_be_compared_the_way_to_some_is_told(lacking):
    with pytest.raises(MenagerieError, match="dvc exp run --queue"):
        runs.table(pd.DataFrame([run(1, 0.7) | lacking]), CURRENT)
