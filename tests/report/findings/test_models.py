"""Each model in detail, which only the page tells."""

import dataclasses

import numpy as np
import pytest
import yaml

from helpers import CLASSES, composed, results, rows_of
from menagerie.evaluate import measures
from menagerie.report.again import again
from menagerie.report.findings import models
from menagerie.report.findings.values import DASH


@pytest.fixture(scope="module")
def found():
    return results("cnn", "ann")


@pytest.fixture(scope="module")
def chosen(params):
    return params("model=[cnn,ann]")


def part(title, name, params, results):
    (section,) = [one for one in models.model(name, params, results).sections if one.title == title]
    return section


def test_a_model_has_its_scores_on_each_split(chosen, found):
    rows = {row["measure"]: row for row in rows_of(part("Scores", "cnn", chosen, found))}
    metrics = found.metrics["cnn"]
    assert rows["Loss (nats)"]["val, n = 60"].startswith(f"{metrics['val']['loss']:.4f}; ")
    assert rows["Loss (nats)"]["train, n = 120"] == f"{metrics['train']['loss']:.4f}"
    assert rows["F1, weighted (%)"]["test, n = 60"] == f"{100 * metrics['test']['f1_weighted']:.2f}"
    assert rows["F1, weighted (%)"]["train, n = 120"] == DASH
    assert "Top-2 accuracy (%)" in rows
    assert "Top-5 accuracy (%)" not in rows  # of three classes
    known = {key for key in metrics["test"] if not key.endswith(("_low", "_high"))} - {"n"}
    assert len(rows) == len(known)


def test_a_model_has_a_row_for_each_class_and_its_confusions(chosen, found):
    rows = rows_of(part("Classes", "ann", chosen, found))
    assert [row["class"] for row in rows] == CLASSES
    first = found.tables["per_class"]["ann"].iloc[0]
    areas = found.tables["areas"]["ann"].set_index(["kind", "class"])
    for name in ("precision", "recall"):
        value, low, high = (100 * first[f"{name}{end}"] for end in ("", "_low", "_high"))
        assert rows[0][f"{name} (%)"] == f"{value:.2f}; {low:.2f} to {high:.2f}"
    assert rows[0]["area under ROC (%)"] == f"{100 * areas.loc[('class', 'cat'), 'auc']:.2f}"
    confused = measures.most_confused(found.tables["confusion"]["ann"], 1).iloc[0]
    told = rows_of(part("Confused most", "ann", chosen, found))[0]
    assert (told["true class"], told["taken for"]) == (confused["actual"], confused["predicted"])
    assert told["test pictures"] == str(confused["pictures"])


def test_a_model_without_a_mistake_confuses_nothing(chosen, found):
    right = found.tables["confusion"]["cnn"]
    right = right[right["actual"] == right["predicted"]]
    tables = found.tables | {"confusion": found.tables["confusion"] | {"cnn": right}}
    shown = models.model("cnn", chosen, dataclasses.replace(found, tables=tables))
    assert "Confused most" not in [section.title for section in shown.sections]


def test_a_class_without_a_roc_curve_has_a_dash(chosen, found):
    areas = found.tables["areas"] | {"cnn": found.tables["areas"]["cnn"].assign(auc=np.nan)}
    without = dataclasses.replace(found, tables=found.tables | {"areas": areas})
    rows = rows_of(part("Classes", "cnn", chosen, without))
    assert {row["area under ROC (%)"] for row in rows} == {DASH}


def test_cost_and_machine_are_told_as_far_as_they_are_recorded(chosen, found):
    (facts,) = part("Cost and machine", "cnn", chosen, found).blocks
    assert dict(facts.pairs) == {
        "Parameters": "1,204,650, trainable 1,204,202",
        "Model file": "14.50 MB",
        "Epochs": "20; the weights are of epoch 17",
        "Training": "25.0 s, 1,983 pictures/s",
        "Prediction": "0.851 ms a picture",
        "Machine": "cpu:0, Linux",
        "Versions": "Python 3.12.1, Keras 3.12.0, tensorflow 2.20.0, NumPy 2.3.0; seed 42",
    }
    locked = {"cnn": found.runs["cnn"] | {"lock_sha256": "ec80ff8a10bc" + "0" * 52}}
    (facts,) = part("Cost and machine", "cnn", chosen, dataclasses.replace(found, runs=locked)).blocks
    assert "NumPy 2.3.0, lock ec80ff8a; seed 42" in dict(facts.pairs)["Versions"]
    (facts,) = part("Cost and machine", "cnn", chosen, dataclasses.replace(found, runs={})).blocks
    assert facts.pairs[-1] == ("Machine", "not recorded")
    assert "Training" not in dict(facts.pairs)


def test_the_settings_and_the_command_are_those_of_the_model(params):
    chosen = params("model=cnn_augmented")
    found = results("cnn_augmented")
    (settings,) = part("Settings", "cnn_augmented", chosen, found).blocks
    assert yaml.safe_load(settings.text) == {
        "cnn_augmented": composed("model=cnn_augmented")["models"]["cnn_augmented"]
    }
    (command,) = part("Repeat this", "cnn_augmented", chosen, found).blocks
    assert command.text == again(chosen, ["cnn_augmented"])


def test_the_model_that_val_chose_is_marked(chosen, found):
    assert [models.model(name, chosen, found).chosen for name in ("cnn", "ann")] == [True, False]
    right = round(100 * found.metrics["ann"]["test"]["accuracy"], 2)
    assert models.model("ann", chosen, found).told == f"{right:.2f} % of 60 test pictures"
