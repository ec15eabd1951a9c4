"""`menagerie tune`: real trainings on small pictures, killed, gone on with, shared; what it writes."""

import os
import re
import shutil
import signal
import subprocess
import sys

import mlflow
import pytest
import yaml

from helpers import ROOT, colours, composed, draw, run, succeed
from serving import until

pytestmark = [pytest.mark.slow, pytest.mark.tensorflow]

MENAGERIE = (sys.executable, "-c", "from menagerie.cli.main import main; main()")
TUNE = (*MENAGERIE, "tune", "--model", "ann", "--space", "faster")
FASTER = "search: {phases.*.learning_rate: {kind: times, low: 1000, high: 10000}}"  # any is better


@pytest.fixture
def prepared(tmp_path_factory):
    """A folder with code, conf, settings, pictures and split; with a rate at which little is learnt."""
    folder = tmp_path_factory.mktemp("prepared")
    for name in ("src", "conf"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    pictures = draw(folder / "three colours")
    slow = ["models.ann.phases.main.learning_rate=1e-6", "compute.max_epochs=3"]
    settings = composed(*colours(pictures, "ann"), *slow)
    (folder / "params.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    (folder / "conf/tune/faster.yaml").write_text(FASTER, encoding="utf-8")
    for stage in ("download", "prepare", "split"):
        succeed(folder, sys.executable, "src", stage)
    return folder


def trials(folder):
    """The runs of the trials by their number, and the run that they are under."""
    client = mlflow.MlflowClient(f"sqlite:///{(folder / 'mlflow.db').as_posix()}")
    runs = client.search_runs([client.get_experiment_by_name("colours").experiment_id])
    parents = [run for run in runs if "tune.study" in run.data.tags]
    return {run.data.tags["tune.trial"]: run for run in runs if "tune.trial" in run.data.tags}, parents


def test_a_search_ends_with_a_model_ready_to_run_and_what_was_gained(prepared):
    told = succeed(prepared, *TUNE, "--budget", "4", PYTHONPATH="src").stdout
    assert told.count("tune: trial ") == 4
    assert re.search(
        r"tune: 0\.\d{4} against 0\.\d{4} of \d+ on val, \+\d+\.\d\d points \(95 % interval ", told
    )
    written = (prepared / "conf/model/ann_tuned.yaml").read_text(encoding="utf-8")
    assert written.startswith("# @package models.ann_tuned\n")
    assert yaml.safe_load(written)["defaults"] == ["ann@_here_", "_self_"]
    by_number, (parent,) = trials(prepared)
    assert sorted(by_number) == ["0", "1", "2", "3"]
    assert {run.data.tags["mlflow.parentRunId"] for run in by_number.values()} == {parent.info.run_id}
    assert {run.info.status for run in [parent, *by_number.values()]} == {"FINISHED"}
    assert by_number["0"].data.params["model.phases.main.learning_rate"] == "1e-06"
    assert all("test" not in key for run in by_number.values() for key in run.data.metrics)
    client = mlflow.MlflowClient(f"sqlite:///{(prepared / 'mlflow.db').as_posix()}")
    for trial in by_number.values():
        if "val/accuracy" in trial.data.metrics:  # it was not pruned
            of_epochs = [one.value for one in client.get_metric_history(trial.info.run_id, "val_accuracy")]
            assert round(trial.data.metrics["val/accuracy"], 6) in [round(value, 6) for value in of_epochs]
    code = "from menagerie.params.composing import composed; print(composed('~study', 'model=ann_tuned'))"
    values = succeed(prepared, sys.executable, "-c", code, PYTHONPATH="src").stdout
    assert "'ann_tuned': {'arch': 'ann'" in values


def test_a_search_killed_in_a_trial_goes_on_and_its_trial_is_begun_again(prepared):
    env = os.environ | {"PYTHONPATH": "src"}
    log = prepared / "log"
    with log.open("w") as opened:
        process = subprocess.Popen([*TUNE, "--budget", "4"], cwd=prepared, env=env, stdout=opened)
        until(lambda: "tune: trial 1:" in log.read_text(), seconds=300)
        process.send_signal(signal.SIGKILL)
        process.wait()
    told = succeed(prepared, *TUNE, "--budget", "4", PYTHONPATH="src").stdout
    assert re.search(r"tune: colours ann \w{8}, [23] trials so far", told)
    by_number, parents = trials(prepared)
    assert len(parents) == 1
    assert "RUNNING" not in {run.info.status for run in [*parents, *by_number.values()]}


def test_two_workers_search_one_study(prepared):
    told = succeed(prepared, *TUNE, "--budget", "4", "--workers", "2", PYTHONPATH="src").stdout
    numbers = re.findall(r"tune: trial (\d+):", told)
    assert len(numbers) == len({*numbers}) >= 4
    by_number, parents = trials(prepared)
    assert len(parents) == 1
    assert {*numbers} == {*by_number}


def test_data_that_are_not_there_are_named_with_the_command_that_makes_them(prepared):
    shutil.rmtree(prepared / "data")
    done = run(prepared, *TUNE, PYTHONPATH="src")
    assert done.returncode == 1
    assert "data/colours/images.npy" in done.stderr
