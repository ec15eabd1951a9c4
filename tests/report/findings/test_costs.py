"""What each model costs, which only the page tells."""

import pytest

from helpers import data_report, entry, of_kind, results, results_of, rows_of, run_record, told
from menagerie.report.findings import costs, leaderboard
from menagerie.report.findings.blocks import Notice, Table
from menagerie.report.findings.values import DASH


def widened(results):
    return costs.with_intervals(leaderboard.section(results), results)


def test_costs_are_those_of_the_run_and_unknown_without_one():
    table = costs.costs(results_of({"a": entry(400), "b": entry(300)}, runs={"a": run_record()}))
    assert table["model"].tolist() == ["a", "b"]
    assert table["fit_seconds"].tolist()[0] == 24.96
    assert table.loc[1, ["fit_seconds", "pictures_per_second", "milliseconds_per_picture"]].isna().all()
    assert table["model_bytes"].tolist() == [4_850_000] * 2


def test_the_leaderboard_keeps_what_it_has_and_gains_drawn_intervals():
    found = results("a", "b")
    narrow, (row, _) = rows_of(leaderboard.section(found))[0], rows_of(widened(found))
    assert {key: row[key] for key in narrow} == narrow
    assert len(row) == 13
    assert set(row) - set(narrow) == {"interval"}


def test_what_each_model_costs_is_a_table():
    (row, _) = rows_of(costs.section(results("a", "b")))
    assert row == {
        "model": "a",
        "size (MB)": "14.50",
        "training": "25.0 s",
        "pictures/s": "1,983",
        "ms a picture": "0.851",
    }


def test_each_row_has_the_costs_of_its_own_model():
    metrics = {"b": entry(300), "a": entry(400)}
    runs = {"b": run_record(seconds=10), "a": run_record(seconds=20)}
    assert [
        (row["model"], row["training"]) for row in rows_of(costs.section(results_of(metrics, runs=runs)))
    ] == [
        ("a", "20.0 s"),
        ("b", "10.0 s"),
    ]


def test_a_model_whose_run_is_not_recorded_has_dashes():
    metrics = {"a": entry(400), "b": entry(350), "c": entry(300)}
    runs = {"a": run_record(), "c": run_record() | {"fit_seconds": None}}
    rows = rows_of(costs.section(results_of(metrics, runs=runs)))
    assert [(row["training"], row["ms a picture"]) for row in rows] == [
        ("25.0 s", "0.851"),
        (DASH, DASH),
        (DASH, "0.851"),
    ]


def test_intervals_are_drawn_on_one_scale_and_names_lead_to_their_model():
    """Wilson's intervals of 400 and of 300 right of 412."""
    section = widened(results_of({"a": entry(400), "b": entry(300)}))
    assert "The drawn intervals run from 68.32 to 98.33 %." in told(section)[1]
    (table,) = of_kind(Table, section)
    b, a = sorted(row[2].drawn for row in table.rows)
    assert (b[0], a[2]) == (0, 1)
    assert b[0] < b[1] < b[2] < a[0] < a[1]
    assert [row[0].target for row in table.rows] == ["model-a", "model-b"]


def test_warnings_of_the_leaderboard_stay():
    seen = results_of({"a": entry(400)}, data=data_report(in_train=3, in_val=4))
    assert len(of_kind(Notice, widened(seen))) == 2


@pytest.mark.parametrize("recorded", [True, False])
def test_each_kind_of_machine_is_told_once(recorded):
    runs = {"a": run_record() | {"devices": "gpu:0"}, "b": run_record(), "c": run_record()}
    text = costs.machines(results_of({"a": entry(400)}, runs=runs if recorded else {})).text
    versions = "with Keras 3.12.0 on tensorflow 2.20.0"
    assert text == (
        f"Trained on gpu:0 {versions}; cpu:0 {versions}."
        if recorded
        else "Nothing is recorded of the machine that trained it."
    )


def test_a_machine_that_only_tested_a_model_did_not_train_it():
    restored = {key: value for key, value in run_record().items() if key not in costs.MEASURED}
    runs = {"a": restored | {"devices": "gpu:0", "milliseconds_per_picture": 0.5}, "b": run_record()}
    told = costs.machines(results_of({"a": entry(400), "b": entry(300)}, runs=runs)).text
    assert told == "Trained on cpu:0 with Keras 3.12.0 on tensorflow 2.20.0."


def test_processor_threads_and_driver_are_told_where_a_record_has_them():
    known = {"cpu": "AMD EPYC", "cpu_features": "avx2 fma", "threads": "2"}
    assert costs.hardware(run_record()) == "cpu:0"
    assert costs.hardware(run_record() | known) == "cpu:0, AMD EPYC (avx2 fma), 2 threads"
    gpu = {"devices": "gpu:0", "threads": "1", "gpu": "NVIDIA H100", "gpu_driver": "595.71"}
    told = costs.machines(results_of({"a": entry(400)}, runs={"a": run_record() | known | gpu})).text
    assert "on gpu:0, AMD EPYC (avx2 fma), 1 thread, NVIDIA H100 (driver 595.71) with Keras" in told
