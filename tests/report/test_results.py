"""What the stages wrote, read from the files that they leave."""

import numpy as np
import pandas as pd
import pytest
import yaml

from helpers import Page, composed, written
from menagerie import paths
from menagerie.errors import MenagerieError
from menagerie.params import load_params
from menagerie.report.page import page
from menagerie.report.results import compared, evaluated

READERS = {"compare": evaluated, "the page": compared}


@pytest.fixture(autouse=True)
def repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def read(reader):
    return READERS[reader](load_params(paths.PARAMS))


@pytest.mark.parametrize("reader", READERS)
def test_what_was_written_is_read(reader):
    expected = written("cnn", "ann")
    found = read(reader)
    assert (found.source, found.data, found.metrics) == (expected.source, expected.data, expected.metrics)
    pd.testing.assert_frame_equal(found.pairs, expected.pairs)
    for stem, tables in found.tables.items():
        for name, table in tables.items():
            pd.testing.assert_frame_equal(
                table, expected.tables[stem][name][table.columns], check_dtype=False, obj=f"{stem} of {name}"
            )


def test_before_the_comparison_only_its_inputs_are_read():
    written("cnn", "ann")
    (paths.comparison_plots("digits") / "pairs.csv").write_text("of another run", encoding="utf-8")
    found = read("compare")
    assert set(found.tables) == {"history", "predictions", "roc", "robustness", "per_class", "areas"}
    assert (found.runs, found.comparison_figures, found.model_figures) == ({}, {}, {})


def test_figures_and_run_records_are_read_as_far_as_they_are_there():
    expected = written("cnn", "ann")
    paths.run_record("digits", "ann").unlink()
    (paths.model_plots("digits", "ann") / "mistakes.png").unlink()
    found = read("the page")
    assert found.runs == {"cnn": expected.runs["cnn"]}
    assert found.data_figures == expected.data_figures
    assert found.comparison_figures == expected.comparison_figures
    assert set(found.model_figures["cnn"]) == {"confusion", "mistakes"}
    assert set(found.model_figures["ann"]) == {"confusion"}
    assert found.replicates is None


def test_models_are_those_of_params_yaml_and_no_others():
    written("cnn", "ann")
    paths.PARAMS.write_text(yaml.safe_dump(composed("model=cnn")), encoding="utf-8")
    assert set(read("compare").metrics) == {"cnn"}


def test_the_best_is_chosen_by_val():
    expected = written("cnn", "ann")
    best = max(("cnn", "ann"), key=lambda name: expected.metrics[name]["val"]["accuracy"])
    assert read("the page").best["model"] == best


@pytest.mark.parametrize(
    "classes",
    [
        ("007", "7", "1"),
        ("nan", "NA", ""),
        ("1e5", "100000", "1"),
        ("True", "true", "TRUE"),
        ('a"b', "a\nb", "a,b"),
    ],
    ids=str,
)
@pytest.mark.parametrize("reader", READERS)
def test_class_names_that_look_like_numbers_or_like_nothing_stay_apart(reader, classes):
    """Read as numbers, 007 and 7 would be one class, and a mistake no mistake."""
    expected = written("cnn", "ann", classes=classes)
    found = read(reader)
    table = {"compare": "predictions", "the page": "confusion"}[reader]
    for name in ("cnn", "ann"):
        assert found.tables[table][name]["actual"].tolist() == expected.tables[table][name]["actual"].tolist()
    pd.testing.assert_frame_equal(found.pairs, expected.pairs)


def test_a_gap_in_a_table_is_no_value_and_shown_as_a_dash():
    expected = written("cnn", classes=("nan", "dog", "owl"))
    areas = expected.tables["areas"]["cnn"]
    areas.loc[areas["class"] == "owl", "auc"] = np.nan
    areas.to_csv(paths.metrics("digits", "cnn") / "areas.csv", index=False)
    params = load_params(paths.PARAMS)
    rows = Page(page(params, compared(params))).rows("Classes of cnn")
    assert [row["class"] for row in rows] == ["nan", "dog", "owl"]
    assert [row["area under ROC (%)"] == "\N{EN DASH}" for row in rows] == [False, False, True]


@pytest.mark.parametrize(
    ("reader", "path"),
    [
        ("compare", paths.source("digits")),
        ("compare", paths.metrics("digits", "ann") / "metrics.json"),
        ("compare", paths.metrics("digits", "ann") / "predictions.csv"),
        ("the page", paths.data_report("digits")),
        ("the page", paths.metrics("digits", "ann") / "confusion.csv"),
        ("the page", paths.comparison_plots("digits") / "pairs.csv"),
    ],
    ids=str,
)
def test_a_file_that_is_not_there_is_named_with_what_makes_it(reader, path):
    written("cnn", "ann")
    path.unlink()
    with pytest.raises(MenagerieError) as error:
        read(reader)
    assert str(error.value) == f"{path} is not there; make it with `dvc repro`"


def test_which_pictures_each_run_gets_right_is_read_beside_the_leaderboards_run():
    written("cnn", "ann")
    params = load_params(paths.PARAMS)
    n = len(compared(params).tables["predictions"]["cnn"])
    other = np.arange(n) % 3 > 0
    row = {"seed": 43, "epochs": 20, "val_accuracy": 0.5, "test_accuracy": other.mean()}
    row["test_right"] = "".join(str(int(one)) for one in other)  # begins with a 0, as no number does
    pd.DataFrame([row]).to_csv(paths.replicates("digits", "cnn"), index=False)
    results = compared(params)
    own = results.tables["predictions"]["cnn"]
    assert set(results.right) == {"cnn"}
    np.testing.assert_array_equal(results.right["cnn"], [own["actual"] == own["predicted"], other])
    assert [row["model"] for row in Page(page(params, results)).rows("Recipes over seeds and pictures")] == [
        "cnn"
    ]


def test_a_comparison_of_other_models_is_refused():
    written("cnn", "ann")
    paths.PARAMS.write_text(yaml.safe_dump(composed("model=cnn")), encoding="utf-8")
    with pytest.raises(
        MenagerieError, match=r"pairs\.csv is of other models than params\.yaml; run `dvc repro`"
    ):
        read("the page")
