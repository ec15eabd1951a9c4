"""The tables of the comparison, on known numbers: the notebooks', and of ten pictures counted by hand."""

import json

import numpy as np
import pandas as pd
import pytest

from helpers import N, corrupted, entry, predictions
from menagerie.compare import leaderboard
from menagerie.evaluate.curves import roc_table
from menagerie.evaluate.measures import wilson_interval
from menagerie.files import write_json


@pytest.fixture
def study(params):
    return params("study=sign_digits", "model=sign_cnn")


# leaderboard and summary


def test_the_leaderboard_has_the_highest_test_accuracy_first_and_ties_by_name():
    metrics = {"d": entry(300), "b": entry(350), "a": entry(300), "c": entry(400)}
    board = leaderboard.leaderboard(metrics)
    assert board["model"].tolist() == ["c", "b", "a", "d"]
    assert board.index.tolist() == [0, 1, 2, 3]


def test_the_leaderboard_takes_its_numbers_from_test_and_few_from_val_and_train():
    (row,) = leaderboard.leaderboard({"cnn": entry(373, val_correct=309)}).to_dict("records")
    (low, high), (val_low, val_high) = wilson_interval(373, N), wilson_interval(309, N)
    assert row == {
        "model": "cnn",
        "accuracy": 373 / N,
        "accuracy_low": low,
        "accuracy_high": high,
        "n": N,
        "f1_macro": 373 / N - 0.01,
        "loss": 0.5,
        "ece": 0.0213,
        "val_accuracy": 309 / N,
        "val_accuracy_low": val_low,
        "val_accuracy_high": val_high,
        "val_n": N,
        "val_loss": 0.5,
        "train_accuracy": 408 / N,
        "gap": pytest.approx(35 / N),
        "gap_low": pytest.approx(0.0561, abs=5e-5),
        "gap_high": pytest.approx(0.1176, abs=5e-5),
        "epochs": 20,
        "params": 1_204_650,
        "trainable_params": 1_204_202,
        "model_bytes": 4_850_000,
    }


def test_the_best_model_is_chosen_by_val_and_not_by_test():
    board = leaderboard.leaderboard({"a": entry(400, val_correct=300), "b": entry(350, val_correct=301)})
    assert leaderboard.selected(board)["model"] == "b"


def test_of_models_with_equal_val_accuracy_the_lower_val_loss_is_chosen():
    metrics = {"a": entry(400, loss=0.4), "b": entry(350, loss=0.5), "c": entry(360, loss=0.6)}
    for name, val_loss in (("a", 0.3), ("b", 0.1), ("c", 0.2)):
        metrics[name]["val"] |= {"loss": val_loss}
    assert leaderboard.selected(leaderboard.leaderboard(metrics))["model"] == "b"


def test_test_scores_do_not_decide_between_models_that_val_cannot_tell_apart():
    one = leaderboard.leaderboard({"a": entry(400), "b": entry(350), "c": entry(375)})
    other = leaderboard.leaderboard({"a": entry(350), "b": entry(400), "c": entry(375)})
    third = leaderboard.leaderboard({"a": entry(350), "b": entry(375), "c": entry(400)})
    chosen = {leaderboard.selected(board)["model"] for board in (one, other, third)}
    assert len(chosen) == 1


def test_the_summary_holds_the_few_numbers_of_each_model_and_of_the_best(tmp_path):
    metrics = {"b": entry(400, val_correct=300), "a": entry(350, val_correct=301)}
    metrics["b"]["val"] |= entry(0, 200, 0, n=300)["val"]
    told = leaderboard.summary(leaderboard.leaderboard(metrics))
    assert told["best"] == {"model": "a", "accuracy": 350 / N, "val_accuracy": 301 / N}
    assert list(told["models"]) == ["a", "b"]
    (low, high), (val_low, val_high) = wilson_interval(400, N), wilson_interval(200, 300)
    assert told["models"]["b"] == {
        "accuracy": 400 / N,
        "accuracy_low": low,
        "accuracy_high": high,
        "n": N,
        "f1_macro": 400 / N - 0.01,
        "loss": 0.5,
        "val_accuracy": 200 / 300,
        "val_accuracy_low": val_low,
        "val_accuracy_high": val_high,
        "val_n": 300,
        "gap": pytest.approx(8 / N),
        "epochs": 20,
    }
    write_json(tmp_path / "summary.json", told)
    assert json.loads((tmp_path / "summary.json").read_text(encoding="utf-8")) == told


def test_the_order_in_which_models_are_given_changes_nothing():
    metrics = {"c": entry(300), "a": entry(350), "b": entry(300)}
    turned = dict(reversed(metrics.items()))
    assert leaderboard.summary(leaderboard.leaderboard(metrics)) == leaderboard.summary(
        leaderboard.leaderboard(turned)
    )


def test_pairs_are_tested_on_the_same_pictures():
    """9 against 1 of 10: p = 2 x (1 + 10) / 2^10 by the binomial distribution."""
    tables = {"one": predictions(range(9)), "two": predictions([9]), "three": predictions(range(9))}
    pairs = leaderboard.pairs(tables).set_index(["model_a", "model_b"])
    assert pairs.loc[("one", "two"), "p"] == pytest.approx(22 / 1024)
    assert pairs.loc[("one", "two"), "difference"] == pytest.approx(0.8)
    assert pairs.loc[("one", "three"), ["p", "difference", "kappa"]].tolist() == [1, 0, 1]


def test_one_model_makes_no_pair():
    assert len(leaderboard.pairs({"one": predictions(range(9))})) == 0


def test_both_ways_turns_every_column_of_a_pair():
    tables = {"one": predictions(range(9)), "two": predictions([9]), "three": predictions(range(8))}
    forth = leaderboard.both_ways(leaderboard.pairs(tables)).set_index(["model_a", "model_b"])
    back = leaderboard.both_ways(leaderboard.pairs(dict(reversed(tables.items()))))
    back = back.set_index(["model_a", "model_b"]).loc[forth.index]
    assert len(forth) == 6
    exact = ["n", "only_a_right", "only_b_right", "p", "p_holm", "both_wrong", "difference", "low", "high"]
    pd.testing.assert_frame_equal(forth[exact], back[exact])


# tables over all models


def test_the_histories_of_all_models_stand_under_each_other():
    tables = {"b": pd.DataFrame({"epoch": [1, 2]}), "a": pd.DataFrame({"epoch": [1]})}
    curves = leaderboard.learning_curves(tables)
    assert curves.to_dict("list") == {"epoch": [1, 2, 1], "model": ["b", "b", "a"]}
    assert curves.index.tolist() == [0, 1, 2]


def test_robustness_is_the_mean_over_the_strengths_of_each_corruption():
    tables = {
        "b": corrupted(noise=[0.9, 0.7], blur=[0.5, 0.3]),
        "without": corrupted(),
        "a": corrupted(noise=[0.8, 0.8], blur=[1.0, 0.8]),
    }
    table = leaderboard.robustness(tables)
    assert table.columns.tolist() == ["model", "noise", "blur", "mean"]
    assert table["model"].tolist() == ["b", "a"]
    assert table[["noise", "blur", "mean"]].to_numpy() == pytest.approx(
        np.array([[0.8, 0.4, 0.6], [0.8, 0.9, 0.85]])
    )


def test_without_corrupted_pictures_there_are_no_rows_of_robustness():
    assert len(leaderboard.robustness({"a": corrupted()})) == 0


def test_the_macro_roc_curves_stand_together_and_a_model_without_one_is_left_out():
    labels = np.array([0, 0, 1, 1])
    values = np.array([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7], [0.2, 0.8]])
    both, single = roc_table(labels, values, ["x", "y"]), roc_table(labels * 0, values, ["x", "y"])
    curves = leaderboard.roc_macro({"b": both, "single": single, "a": both})
    assert curves.columns.tolist() == ["model", "fpr", "tpr"]
    assert curves["model"].unique().tolist() == ["b", "a"]
    for _, curve in curves.groupby("model"):
        expected = both.loc[both["kind"] == "macro", ["fpr", "tpr"]]
        np.testing.assert_array_equal(curve[["fpr", "tpr"]], expected)
