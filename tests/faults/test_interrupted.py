"""Ctrl-C and kill -9 at any moment: nothing is lost, and the next run ends as if nothing had been."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from helpers import run, succeed

pytestmark = pytest.mark.slow

STAGES = ("download", "prepare", "split", "train@linear", "evaluate@linear", "replicate@linear", "compare")
KILLS = 5  # of each stage


def start(clone, *command):
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.Popen(
        command,
        cwd=clone,
        env=os.environ | {"PATH": path, "PYTHONUNBUFFERED": "1"},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def ended_after(process, seconds, sent):
    """Send a signal to DVC and its stage, as a terminal does, if they still run; the exit code."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, sent)
    process.communicate()
    return process.returncode


def until(process, words):
    said = ""
    for line in process.stdout:
        said += line
        if words in line:
            return
    raise AssertionError(said)


@pytest.mark.timeout(3000)
@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_killed_at_random_moments_ends_as_one_that_never_was(ran, tmp_path, stage):
    rng, expected = random.Random(stage), (ran / "dvc.lock").read_text(encoding="utf-8")
    killed, takes = 0, None
    for number in range(1 + KILLS):
        clone = tmp_path / str(number)
        subprocess.run(["cp", "-a", ran, clone], check=True)
        shutil.rmtree(clone / ".dvc/cache/runs")  # or DVC would bring the results back and run nothing
        process = start(clone, "dvc", "repro", "--force", "--single-item", stage)
        until(process, "Running stage")
        began = time.monotonic()
        if takes is None:  # the first is left to its end, which tells when the others can be killed
            process.communicate()
            takes = time.monotonic() - began
        else:
            killed += ended_after(process, rng.uniform(0, takes), signal.SIGKILL) == -signal.SIGKILL
        goes_on(clone)
        assert (clone / "dvc.lock").read_text(encoding="utf-8") == expected
        assert "up to date" in succeed(clone, "dvc", "status", "compare").stdout
        assert git(clone, "status", "--porcelain") == ""
        if parts(
            clone
        ):  # DVC brought the outputs back and ran nothing: the next run of the stage takes it away
            succeed(clone, "dvc", "repro", "--force", "--single-item", stage)
            assert not parts(clone)
        shutil.rmtree(clone)
    assert killed


def parts(clone):
    """What a stage had begun to write."""
    return [path for path in clone.rglob("*.part") if ".work" not in path.parts]


def goes_on(clone):
    """`dvc repro`; where the kill fell into DVC's writing of dvc.lock, as README says."""
    done = run(clone, "dvc", "repro")
    if done.returncode and "dvc.lock" in done.everything:
        git(clone, "checkout", "dvc.lock")
        done = run(clone, "dvc", "repro")
    assert done.returncode == 0, done.everything


def git(clone, *arguments):
    return succeed(clone, "git", *arguments).stdout


def own_work(clone):
    """What a person has besides DVC's outputs: branch, edits, stash, commits."""
    edits = git(clone, "diff", "HEAD", "--", ".", ":!params.yaml", ":!dvc.lock", ":!metrics", ":!reports")
    kept = (clone / "notes.txt").read_text(encoding="utf-8")
    return git(clone, "symbolic-ref", "HEAD"), edits, kept, git(clone, "stash", "list"), git(clone, "log")


def settings(clone):
    chosen = yaml.safe_load((clone / "params.yaml").read_text(encoding="utf-8"))
    said = ["dataset=folder", f"dataset.source.path={chosen['dataset']['source']['path']}", "model=linear"]
    said += ["dataset.name=colours", "dataset.image_size=[12,12]", "compute.max_epochs=3", "seed=5"]
    return [part for one in said for part in ("-S", one)]


@pytest.mark.timeout(3000)
@pytest.mark.parametrize("command", ["repro", "exp run"])
def test_ctrl_c_at_any_moment_keeps_a_persons_own_work_and_leaves_dvc_usable(ran, tmp_path, command):
    lock, rng = (ran / "dvc.lock").read_text(encoding="utf-8"), random.Random(command)
    moments = [rng.uniform(0, 30) for _ in range(5)]
    for number, moment in enumerate(moments):
        clone = tmp_path / str(number)
        subprocess.run(["cp", "-a", ran, clone], check=True)
        shutil.rmtree(clone / ".dvc/cache/runs")
        with (clone / "README.md").open("a", encoding="utf-8") as file:
            file.write("my edit\n")
        (clone / "notes.txt").write_text("not in git\n", encoding="utf-8")
        before = own_work(clone)
        chosen = ["--force"] if command == "repro" else [*settings(clone), "--force"]
        ended_after(start(clone, "dvc", *command.split(), *chosen), moment, signal.SIGINT)
        assert own_work(clone) == before
        assert run(clone, "git", "rev-parse", "refs/exps/stash").returncode != 0
        succeed(clone, "git", "checkout", "params.yaml", "dvc.lock", "metrics", "reports")
        succeed(clone, "dvc", "repro")
        assert (clone / "dvc.lock").read_text(encoding="utf-8") == lock
        assert own_work(clone) == before
        shutil.rmtree(clone)
