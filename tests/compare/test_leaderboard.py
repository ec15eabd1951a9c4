"""The tables of the comparison, on known numbers: the notebooks', and of ten pictures counted by hand."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from helpers import N, corrupted, entry, predictions
from menagerie.compare import leaderboard, published
from menagerie.evaluate.curves import roc_table
from menagerie.evaluate.measures import wilson_interval
from menagerie.files import write_json
from menagerie.params import Claim


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
        "epochs": 20,
        "params": 1_204_650,
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


# the verdict


@pytest.mark.parametrize("reported", [0.80, 0.85, 0.90])
def test_a_number_inside_our_interval_or_at_its_ends_is_reproduced(reported):
    assert published.verdict(reported, low=0.80, high=0.90) == published.REPRODUCED


@pytest.mark.parametrize(
    ("reported", "side", "points"),
    [
        (0.799, "higher", 0.1),
        (0.5, "higher", 30),
        (0.901, "lower", 0.1),
        (1.0, "lower", 10),
        (0.7999, "higher", 0.01),  # the least step of a published number: not "0.0 points outside"
        (0.9001, "lower", 0.01),
    ],
)
def test_a_number_outside_is_not_reproduced_and_told_by_how_much(reported, side, points):
    told = published.verdict(reported, low=0.80, high=0.90)
    found = re.fullmatch(rf"no: ours is {side}, (\d+\.\d+) points outside", told)
    assert float(found[1]) == pytest.approx(points)


def test_the_published_number_stands_beside_ours_on_the_split_it_was_published_for(study):
    notebook = study.reported.model_copy(update={"models": dict(study.reported.models)})
    notebook.models["sign_cnn_decay_low"] = notebook.models["sign_cnn_decay_low"].model_copy(
        update={"split": "test"}
    )
    metrics = {
        "sign_cnn_decay_low": entry(331, val_correct=100),
        "ann": entry(400),
        "sign_cnn": entry(100, val_correct=380),
    }
    rows = published.against_reported(metrics, notebook).to_dict("records")
    assert [(row["model"], row["split"], row["reported"]) for row in rows] == [
        ("sign_cnn", "val", 0.9053),
        ("sign_cnn_decay_low", "test", 0.8034),
    ]
    assert [row["reproduced"] for row in rows] == [380 / N, 331 / N]
    assert rows[0]["difference"] == pytest.approx(380 / N - 0.9053)
    assert [row["verdict"] for row in rows] == [published.REPRODUCED] * 2
    assert (rows[0]["low"], rows[0]["high"]) == wilson_interval(380, N)
    assert [row["n"] for row in rows] == [row["reported_n"] for row in rows] == [N, N]


def test_a_number_of_another_data_set_gets_no_verdict(params):
    """The JPEG copy of CIFAR-10 is not CIFAR-10."""
    notebook = params("study=cifar10_images").reported
    (row,) = published.against_reported({"leaky_cnn": entry(300)}, notebook).to_dict("records")
    assert row["verdict"] == "not comparable: of cifar10"


def test_accuracies_reported_of_the_models_of_this_run(params):
    assert published.reported_accuracies(params("study=sign_digits", "model=[sign_cnn,ann]")) == {
        "sign_cnn": 0.9053
    }


@pytest.mark.parametrize(
    "overrides",
    [("study=quickstart",), ("study=sign_digits", "model=sign_cnn", "dataset=digits")],
    ids=["no notebook", "another data set"],
)
def test_nothing_is_reported_of_another_data_set(params, overrides):
    assert published.reported_accuracies(params(*overrides)) == {}


def test_numbers_of_another_split_are_not_judged(study):
    metrics = {"sign_cnn": entry(373)}
    metrics["sign_cnn"]["val"] = metrics["sign_cnn"]["val"] | {"n": 306}
    (row,) = published.against_reported(metrics, study.reported).to_dict("records")
    assert row["verdict"] == "not comparable: of 412 other pictures"


# claims


def claim_of(notebook, better, than):
    """The notebook with this claim alone."""
    return notebook.model_copy(update={"claims": (Claim(better=better, than=than, text="It is."),)})


def claimed(notebook, metrics=None, pairs=None):
    return published.claims(notebook, metrics or {}, pairs).to_dict("records")


def test_the_best_option_of_seed_000_is_seven_pictures_ahead(params):
    (row,) = claimed(params("study=animals10").reported)
    assert (row["better"], row["than"]) == ("inception_v3_finetune", "inception_v3_transfer")
    assert "98.68 % against 98.50 %" in row["text"]
    assert (row["split"], row["n"], row["reported_pictures"]) == ("test", 3933, 7)
    assert row["reported_difference"] == pytest.approx(0.00178)
    assert row["intervals_overlap"]
    assert np.isnan([row[key] for key in ("difference", "low", "high", "p_holm")]).all()
    assert row["verdict"] == (
        "the published intervals overlap: 7 pictures of 3933 more, "
        "the published numbers alone do not show it; ours: not run here"
    )


@pytest.mark.parametrize(
    ("study", "better", "than", "pictures", "overlap"),
    [
        ("animals5", "xception_partial", "mobilenet_v2_transfer", -5, True),
        ("animals5", "xception_partial", "xception_transfer", 8, True),
        ("animals5", "mobilenet_v2_partial", "mobilenet_v2_finetune", 1, True),
        ("animals5", "xception_transfer", "xception_finetune", 37, True),
        ("animals5", "xception_partial", "xception_finetune", 45, False),
        ("sign_digits", "sign_cnn_decay_low", "sign_cnn_decay_high", -21, True),
        ("sign_digits", "sign_cnn_decay_low", "sign_cnn", -42, False),
    ],
)
def test_published_numbers_say_by_how_many_pictures(params, study, better, than, pictures, overlap):
    """The intervals are those of the notebooks' numbers, Wilson's, worked out apart from this code."""
    (row,) = claimed(claim_of(params(f"study={study}").reported, better, than))
    assert (row["reported_pictures"], row["intervals_overlap"]) == (pictures, overlap)
    told = r"the published intervals (overlap|do not overlap): (the opposite, )?(\d+) pictures? of \d+ (\w+)"
    assert re.match(told, row["verdict"]).groups() == (
        "overlap" if overlap else "do not overlap",
        "the opposite, " if pictures < 0 and not overlap else None,
        str(abs(pictures)),
        "more" if pictures > 0 else "fewer",
    )
    assert ("alone do not show it" in row["verdict"]) == overlap


def test_numbers_of_different_pictures_are_not_counted_in_pictures(params):
    """Of VGG16 test was reported, of the networks before it val."""
    notebook = params("study=cifar10_transfer").reported
    (row,) = claimed(claim_of(notebook, "vgg16_transfer", "leaky_cnn_deep"))
    assert row["split"] == "test / val"
    assert np.isnan([row["n"], row["reported_pictures"]]).all()
    assert row["reported_difference"] == pytest.approx(0.78 - 0.7812)
    assert row["intervals_overlap"]
    assert row["verdict"].startswith("the published numbers are of different pictures; ")


def test_as_many_pictures_of_another_split_are_different_pictures(study):
    """In the sign digits val and test have 412 pictures each."""
    notebook = claim_of(study.reported, "sign_cnn_decay_low", "sign_cnn")
    of_test = notebook.models["sign_cnn"].model_copy(update={"split": "test"})
    notebook = notebook.model_copy(update={"models": dict(notebook.models) | {"sign_cnn": of_test}})
    assert notebook.models["sign_cnn_decay_low"].n == of_test.n
    (row,) = claimed(notebook)
    assert row["split"] == "val / test"
    assert np.isnan([row["n"], row["reported_pictures"]]).all()
    assert row["verdict"].startswith("the published numbers are of different pictures; ")


@pytest.mark.parametrize(
    ("better", "than", "difference", "verdict"),
    [
        (range(9), [9], 0.8, "supported"),
        ([9], range(9), -0.8, "the opposite"),
        (range(9), [0, 1, 2, 9], 0.5, "not shown"),  # 6 against 1: p = 2 x (1 + 7) / 2^7 = 0.125
        (range(9), range(9), 0, "not shown"),
    ],
)
@pytest.mark.parametrize("turned", [False, True], ids=["in the order run", "the other way round"])
def test_our_verdict_is_that_of_the_paired_test(study, better, than, difference, verdict, turned):
    notebook = claim_of(study.reported, "sign_cnn_decay_low", "sign_cnn")
    tables = {"sign_cnn_decay_low": predictions(better), "sign_cnn": predictions(than)}
    tables = dict(reversed(tables.items())) if turned else tables
    pairs = leaderboard.pairs(tables)
    (row,) = claimed(notebook, dict.fromkeys(tables, entry(300)), pairs)
    assert row["difference"] == pytest.approx(difference)
    assert row["low"] <= row["difference"] <= row["high"]
    assert row["p_holm"] == pairs["p_holm"].item()
    assert row["verdict"].endswith(f"; ours: {verdict}, on test pictures")


def other_data_set(params):
    return claim_of(params("study=cifar10_images").reported, "leaky_cnn_deep", "leaky_cnn"), 5000


def other_split(params):
    return claim_of(params("study=sign_digits").reported, "sign_cnn_decay_high", "sign_cnn"), 306


@pytest.mark.parametrize("where", [other_data_set, other_split])
def test_our_verdict_says_when_it_is_of_other_pictures_than_the_claim(params, where):
    notebook, n = where(params)
    claim = notebook.claims[0]
    tables = {claim.better: predictions(range(9)), claim.than: predictions([9])}
    (row,) = claimed(
        notebook, dict.fromkeys(tables, entry(300, train_correct=300, n=n)), leaderboard.pairs(tables)
    )
    assert row["verdict"].endswith("; ours: supported, on other pictures")


def test_a_claim_of_a_model_that_was_not_run_has_no_verdict_of_ours(study):
    notebook = claim_of(study.reported, "sign_cnn_decay_low", "sign_cnn")
    tables = {"sign_cnn": predictions([9]), "ann": predictions(range(9))}
    (row,) = claimed(notebook, dict.fromkeys(tables, entry(300)), leaderboard.pairs(tables))
    assert np.isnan(row["p_holm"])
    assert row["verdict"].endswith("; ours: not run here")


def test_a_notebook_that_claims_nothing_has_no_rows(params):
    assert claimed(params("study=cifar10_model_s").reported) == []
