"""Replicates: by hand and against SciPy, in the long run, and out of a real MLflow store."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from menagerie import tracking
from menagerie.compare.replicates import current_settings, table
from menagerie.errors import MenagerieError
from menagerie.files import write_json
from menagerie.tracking import store

HASHES = {"data.sha256": "d" * 64, "split.sha256": "a" * 64}
CURRENT = {"cnn": {"seed": "42", "model.rate": "0.1", "dataset.title": "Digits"} | HASHES}


def runs(*rows, model="cnn"):
    """Rows of (seed, accuracy, what differs from CURRENT), in the order of their start."""
    start = pd.Timestamp("2026-01-01", tz="UTC")
    found = []
    for number, (seed, accuracy, changed) in enumerate(rows):
        settings = CURRENT["cnn"] | {"seed": str(seed)} | changed
        hashes = {tag: settings.pop(tag) for tag in HASHES}
        found.append(
            {
                "model": model,
                "run_id": f"{model} {number}",
                "start_time": start + pd.Timedelta(number, unit="s"),
                "test_accuracy": accuracy,
                **hashes,
                **{f"params.{key}": value for key, value in settings.items()},
            }
        )
    return pd.DataFrame(found)


def changes(found):
    return list(zip(found["changed"], found["n"], strict=True))


def test_mean_deviation_and_interval_of_three_seeds():
    (row,) = table(runs((3, 0.80, {}), (1, 0.82, {}), (10, 0.87, {})), CURRENT).to_dict("records")
    assert (row["model"], row["changed"], row["n"], row["seeds"]) == ("cnn", "", 3, "1, 3, 10")
    assert row["accuracy_mean"] == pytest.approx(0.83)
    assert row["accuracy_std"] == pytest.approx(0.0013**0.5)  # (0.03^2 + 0.01^2 + 0.04^2) / 2
    assert (row["accuracy_min"], row["accuracy_max"]) == (0.80, 0.87)
    interval = stats.ttest_1samp([0.80, 0.82, 0.87], 0).confidence_interval(0.95)
    assert (row["low"], row["high"]) == pytest.approx(tuple(interval))


def test_one_seed_has_a_mean_and_no_spread():
    (row,) = table(runs((42, 0.9, {})), CURRENT).to_dict("records")
    assert (row["n"], row["seeds"], row["accuracy_mean"]) == (1, "42", 0.9)
    assert np.isnan([row["accuracy_std"], row["low"], row["high"]]).all()


def test_an_interval_ends_where_accuracies_end():
    found = table(
        pd.concat([runs((1, 0.9, {}), (2, 1.0, {})), runs((1, 0.0, {}), (2, 0.1, {}), model="b")]), CURRENT
    )
    assert found.set_index("model").loc["cnn", "high"] == 1
    assert found.set_index("model").loc["b", "low"] == 0


def test_the_interval_holds_the_true_mean_19_times_in_20():
    accuracies = np.random.default_rng(0).normal(0.8, 0.02, 12_000)
    one = runs(*((seed, 0, {}) for seed in range(3)))
    rows = pd.concat([one.assign(model=f"model {number}") for number in range(4000)])
    rows["test_accuracy"] = accuracies
    found = table(rows, {})
    assert len(found) == 4000
    assert 0.94 < ((found["low"] <= 0.8) & (found["high"] >= 0.8)).mean() < 0.96


def test_a_repeated_seed_counts_once_and_its_latest_run_counts():
    found = table(runs((1, 0.5, {}), (2, 0.7, {}), (1, 0.9, {})).iloc[::-1], CURRENT)
    assert list(found["n"]) == [2]
    assert list(found["accuracy_min"]) == [0.7]
    assert list(found["accuracy_max"]) == [0.9]


def test_other_settings_are_another_row_and_those_of_params_yaml_come_first():
    better = {"model.rate": "0.01"}
    found = table(runs((1, 0.5, {}), (1, 0.8, better), (2, 0.9, better), (2, 0.6, {})), CURRENT)
    assert changes(found) == [("", 2), ("rate=0.01", 2)]
    assert list(found["accuracy_mean"]) == pytest.approx([0.55, 0.85])


def test_among_current_settings_the_highest_mean_comes_first():
    current = dict.fromkeys("abc", CURRENT["cnn"])
    rows = [runs((1, accuracy, {}), model=name) for name, accuracy in (("a", 0.7), ("b", 0.9), ("c", 0.7))]
    assert list(table(pd.concat(rows), current)["model"]) == ["b", "a", "c"]


def test_one_run_with_other_settings_is_no_replicate():
    assert changes(table(runs((1, 0.5, {}), (1, 0.8, {"model.rate": "0.01"})), CURRENT)) == [("", 1)]


@pytest.mark.parametrize("tag", HASHES)
def test_other_pictures_or_another_split_are_never_mixed_in(tag):
    other = {tag: "0123456789" * 6 + "0123"}
    found = table(runs((1, 0.5, {}), (2, 0.9, other), (3, 0.8, other)), CURRENT)
    assert changes(found) == [("", 1), (f"{tag}=01234567", 2)]


@pytest.mark.parametrize(
    "key",
    ["compute.cache_gb", *(f"dataset.{key}" for key in ("name", "title", "homepage", "licence", "citation"))],
)
def test_what_cannot_change_a_result_parts_no_replicates(key):
    found = table(runs((1, 0.5, {}), (2, 0.9, {key: "another"})), CURRENT)
    assert changes(found) == [("", 2)]


def test_a_setting_that_a_run_did_not_know_is_told():
    old = {"model.decay": "None"}
    old = runs((1, 0.5, old), (2, 0.6, old)).drop(columns="params.model.rate")
    assert changes(table(old, CURRENT)) == [("decay=None, no rate", 2)]
    assert changes(table(pd.concat([old, runs((3, 0.9, {}))]), CURRENT)) == [
        ("", 1),
        ("decay=None, no rate", 2),
    ]


def test_a_mapping_in_place_of_a_value_is_told_once():
    current = {"cnn": CURRENT["cnn"] | {"model.plateau.patience": "5", "model.plateau.factor": "0.2"}}
    without = {"model.plateau": "None"}
    assert changes(table(runs((1, 0.5, without), (2, 0.6, without)), current)) == [("plateau=None", 2)]


def test_a_model_that_params_yaml_has_not_is_told_apart_by_its_latest_run():
    first = {"model.rate": "1"}
    found = table(runs((1, 0.5, first), (2, 0.6, first), (1, 0.9, {}), (2, 0.8, {}), model="vgg"), CURRENT)
    assert changes(found) == [("not in params.yaml", 2), ("not in params.yaml, rate=1", 2)]


def test_runs_without_parameters_are_left_out():
    restored = pd.DataFrame([{"model": "cnn", "start_time": pd.Timestamp.now("UTC"), "test_accuracy": 0.1}])
    both = pd.concat([runs((1, 0.9, {})), restored])
    assert changes(table(both, CURRENT)) == [("", 1)]
    with pytest.raises(MenagerieError, match=r"tells the seed.*`dvc exp run --queue -S 'seed=1,2,3'`"):
        table(both[both["params.seed"].isna()], CURRENT)


def test_replicates_out_of_a_real_store(tmp_path, monkeypatch, params, empty_store):
    mlflow = pytest.importorskip("mlflow")
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    (tmp_path / "data" / "digits").mkdir(parents=True)
    write_json(tmp_path / "data" / "digits" / "source.json", {"content_sha256": HASHES["data.sha256"]})
    faster = "models.cnn.phases.main.learning_rate=0.01"
    try:
        for seed, accuracy, split, *changed in [
            (1, 0.1, "a" * 64),
            (1, 0.90, "a" * 64),
            (2, 0.92, "a" * 64),
            (3, 0.97, "a" * 64),
            (1, 0.5, "a" * 64, faster),
            (2, 0.6, "a" * 64, faster),
            (2, 0.98, "b" * 64),
            (3, 0.96, "b" * 64),
        ]:
            trained(params("model=cnn", f"seed={seed}", *changed), accuracy, split)
        with tracking.evaluation_run(params("model=cnn"), "cnn", "trained elsewhere") as run:
            run.log_metrics({"test_accuracy": 0.2})
        found = table(store.evaluated_runs("digits"), current_settings(params("model=cnn"), *HASHES.values()))
    finally:
        mlflow.set_tracking_uri(None)
    assert list(zip(found["changed"], found["seeds"], found["accuracy_mean"], strict=True)) == [
        ("", "1, 2, 3", pytest.approx(0.93)),
        ("split.sha256=bbbbbbbb", "2, 3", pytest.approx(0.97)),
        ("phases.main.learning_rate=0.01", "1, 2", pytest.approx(0.55)),
    ]


def trained(chosen, accuracy, split):
    with tracking.training_run(chosen, "cnn", {"split.sha256": split}, Path("begun")) as run:
        run.set_tags({"model.sha256": f"{accuracy}"})
    with tracking.evaluation_run(chosen, "cnn", f"{accuracy}") as run:
        run.log_metrics({"test_accuracy": accuracy})
