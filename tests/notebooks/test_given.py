"""What is kept of a study: beside what was reported, as a file that reads back the same."""

import pandas as pd
import pytest

from helpers import N, entry, further_runs, results_of
from menagerie.compare import leaderboard, seeds
from menagerie.errors import MenagerieError
from menagerie.notebooks.given import given, keep, kept
from menagerie.report.findings.notebook import sections

SIGN = ("sign_cnn", "sign_cnn_decay_high", "sign_cnn_decay_low")


@pytest.fixture
def study(params):
    return params("study=sign_digits")


def of_sign(*right, **parts):
    """Results of three models with so many of 412 val pictures right."""
    metrics = {name: entry(count, val_correct=count) for name, count in zip(SIGN, right, strict=True)}
    rows = [
        pd.DataFrame({"actual": ["a"] * N, "predicted": ["a"] * one + ["b"] * (N - one)}) for one in right
    ]
    pairs = leaderboard.pairs(dict(zip(SIGN, rows, strict=True)))
    return results_of(metrics, pairs=pairs, **parts)


def test_a_number_is_kept_with_interval_count_and_the_verdict_of_the_report(study):
    results = of_sign(373, 352, 100)
    found = given(study, results, {})
    best = found.models["sign_cnn"]
    assert (best.split, best.n, best.runs, best.verdict) == ("val", N, 1, "reproduced")
    assert best.accuracy == pytest.approx(373 / N)
    assert found.models["sign_cnn_decay_low"].verdict.startswith("no: ours is lower")
    assert best.verdict in str(sections(study, results))


def test_several_runs_are_kept_by_their_mean_and_interval(study):
    metrics = of_sign(373, 352, 331).metrics
    runs = {name: further_runs(0.90, 0.92) for name in SIGN}
    results = of_sign(373, 352, 331, seeds=seeds.together(metrics, runs))
    best = given(study, results, {}).models["sign_cnn"]
    assert best.runs == 3
    assert best.mean == pytest.approx((373 / N + 0.90 + 0.92) / 3)
    assert best.mean_low < best.mean < best.mean_high


def test_each_pair_of_a_claim_is_kept_with_what_ours_say_and_none_of_earlier_epochs(study):
    found = given(study, of_sign(373, 352, 331), {})
    assert [(pair.claim, pair.better, pair.than) for pair in found.pairs] == [
        (0, "sign_cnn_decay_low", "sign_cnn"), (0, "sign_cnn_decay_low", "sign_cnn_decay_high")
    ]  # fmt: skip
    assert {pair.ours for pair in found.pairs} == {"the opposite, on test pictures"}


def test_a_model_without_a_reported_number_is_kept_by_its_test_accuracy(params):
    study = params("study=cifar10_transfer", "model=inception_v3_cifar")
    found = given(study, results_of({"inception_v3_cifar": entry(206)}), {"vgg16_transfer": "no weights: x"})
    one = found.models["inception_v3_cifar"]
    assert (one.split, one.accuracy, one.verdict) == ("test", 0.5, "no number was reported")
    assert found.left_out == {"vgg16_transfer": "no weights: x"}


def test_what_is_kept_reads_back_the_same(study, tmp_path):
    found = given(study, of_sign(373, 352, 331), {})
    keep(found, tmp_path / "results" / "sign_digits.json")
    assert kept(tmp_path / "results" / "sign_digits.json") == found
    assert kept(tmp_path / "results" / "other.json") is None


@pytest.mark.parametrize("text", ['{"models": {}, "pairs": [], "left_outs": {}}', '{"models": {', "[]"])
def test_a_file_that_holds_something_else_is_named_with_the_fix(tmp_path, text):
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    with pytest.raises(MenagerieError, match=r"a\.json holds no results .*`menagerie notebooks a`"):
        kept(tmp_path / "a.json")
