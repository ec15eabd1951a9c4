"""Two at once in one folder, settings or files that change under a stage: refused, never taken for others."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import yaml

from helpers import run, stages_run, succeed
from menagerie.files import file_sha256

pytestmark = pytest.mark.slow

MODEL = "models/colours/linear/model.keras"


class Stopped:
    """A command of DVC whose stage is held, as soon as it says `line`, until `go_on`."""

    def __init__(self, clone, command, line):
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        environment = os.environ | {"PATH": path, "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            command, cwd=clone, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self.said = ""
        for said in self.process.stdout:
            self.said += said
            if line in said:
                break
        else:
            raise AssertionError(self.said)
        self.stages = psutil.Process(self.process.pid).children(recursive=True)
        for stage in self.stages:
            stage.suspend()

    def go_on(self):
        for stage in self.stages:
            stage.resume()
        self.said += self.process.communicate()[0]
        return self.process.returncode


def seeds_noted(clone):
    lock = yaml.safe_load((clone / "dvc.lock").read_text(encoding="utf-8"))
    return lock["stages"]["train@linear"]["params"]["params.yaml"]["seed"]


def test_of_two_experiments_at_once_neither_takes_the_model_of_the_other(clone):
    """DVC writes the second one's settings before it finds that the first one is at work."""
    before = (clone / "dvc.lock").read_text(encoding="utf-8")
    chosen = yaml.safe_load((clone / "params.yaml").read_text(encoding="utf-8"))
    first = Stopped(clone, ["dvc", "exp", "run", *overrides(chosen), "-S", "seed=5"], "Epoch 1/")
    second = run(clone, "dvc", "exp", "run", *overrides(chosen), "-S", "seed=6")
    assert second.returncode != 0
    assert "is busy" in second.everything
    assert first.go_on() != 0
    assert "params.yaml changed while train@linear ran: seed was 5 and is 6" in first.said
    assert "dvc exp run --queue" in first.said
    assert "Traceback" not in first.said
    assert (clone / "dvc.lock").read_text(encoding="utf-8") == before

    again = succeed(clone, "dvc", "exp", "run", "train", *overrides(chosen), "-S", "seed=6")
    assert "train@linear" in stages_run(again)
    six = file_sha256(clone / MODEL)
    assert seeds_noted(clone) == 6
    again = succeed(clone, "dvc", "exp", "run", "train", *overrides(chosen), "-S", "seed=5")
    assert "train@linear" in stages_run(again)
    assert file_sha256(clone / MODEL) != six


def overrides(chosen):
    """What composes the settings that the clone ran with."""
    said = ["dataset=folder", f"dataset.source.path={chosen['dataset']['source']['path']}", "model=linear"]
    said += ["dataset.name=colours", "dataset.image_size=[12,12]", "compute.max_epochs=3"]
    return [part for one in said for part in ("-S", one)]


def test_of_two_repros_at_once_the_second_is_told_and_the_first_ends_well(clone):
    before = (clone / "dvc.lock").read_text(encoding="utf-8")
    first = Stopped(clone, ["dvc", "repro", "--force", "--single-item", "train@linear"], "Epoch 1/")
    second = run(clone, "dvc", "repro")
    assert second.returncode != 0
    assert "is busy" in second.everything
    assert first.go_on() == 0, first.said
    succeed(clone, "dvc", "repro")
    assert (clone / "dvc.lock").read_text(encoding="utf-8") == before


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("params.yaml", "learning_rate: 0.01", "learning_rate: 0.02", "learning_rate was 0.01 and is 0.02"),
        (
            "src/menagerie/train/optimizing.py",
            '"""',
            '"""Edited. ',
            "src/menagerie/train/optimizing.py changed",
        ),
        ("data/colours/split.csv", "red", "dark red", "data/colours/split.csv changed"),
    ],
)
def test_what_changes_while_a_stage_runs_is_not_taken_for_what_it_ran_on(clone, file, old, new, message):
    before = (clone / "dvc.lock").read_text(encoding="utf-8")
    training = Stopped(clone, ["dvc", "repro", "--force", "--single-item", "train@linear"], "Epoch 1/")
    text = (clone / file).read_text(encoding="utf-8")
    (clone / file).unlink()
    (clone / file).write_text(text.replace(old, new), encoding="utf-8")
    assert text != text.replace(old, new)
    assert training.go_on() != 0
    assert message in training.said
    assert "Traceback" not in training.said
    assert (clone / "dvc.lock").read_text(encoding="utf-8") == before


def test_an_edit_that_concerns_another_stage_disturbs_none(clone):
    training = Stopped(clone, ["dvc", "repro", "--force", "--single-item", "train@linear"], "Epoch 1/")
    path = clone / "params.yaml"
    path.write_text(
        path.read_text(encoding="utf-8").replace("cache_gb: 20", "cache_gb: 10"), encoding="utf-8"
    )
    with (clone / "src/menagerie/compare/leaderboard.py").open("a", encoding="utf-8") as file:
        file.write("# edited\n")
    assert training.go_on() == 0, training.said


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGKILL])
def test_with_dvc_gone_its_stage_ends_as_well(clone, sent):
    """What it wrote later would lie among the outputs of the next run."""
    training = Stopped(clone, ["dvc", "repro", "--force", "--single-item", "train@linear"], "Epoch 1/")
    assert training.stages
    training.process.send_signal(sent)
    training.process.wait()
    training.go_on()
    _, alive = psutil.wait_procs(training.stages, timeout=60)
    assert alive == []
    assert not (clone / MODEL).exists()
    before = (clone / "dvc.lock").read_text(encoding="utf-8")
    succeed(clone, "dvc", "repro")
    assert (clone / "dvc.lock").read_text(encoding="utf-8") == before
