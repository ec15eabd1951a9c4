"""Which GPU a process takes, and what is said of one that is not used; no GPU is needed for it."""

import os
import subprocess
import sys

import pytest

from helpers import ROOT
from menagerie.train import devices

TAKE = (
    "import os, sys; from pathlib import Path; from menagerie.train import devices\n"
    "devices.take([int(gpu) for gpu in sys.argv[2].split()], Path(sys.argv[1]))\n"
    "print(os.environ.get('CUDA_VISIBLE_DEVICES'), os.getpid(), flush=True)\n"
    "sys.stdin.read()"
)
ON_CPU = {"backend": "tensorflow", "backend_version": "2.21.0", "devices": "cpu:0"}


class Taker:
    """A process that takes a GPU and holds it until it is ended: the one that it sees, and its number."""

    def __init__(self, folder, gpus, **environment):
        environment = {"PYTHONPATH": str(ROOT / "src"), "PATH": os.environ["PATH"]} | environment
        self.process = subprocess.Popen(
            [sys.executable, "-c", TAKE, str(folder), gpus],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.sees, self.number = self.process.stdout.readline().split()

    def end(self):
        with self.process:  # which closes its pipes and waits for it
            self.process.stdin.close()


@pytest.fixture
def taker(tmp_path):
    takers = []

    def begin(gpus, **environment):
        takers.append(Taker(tmp_path / "work", gpus, **environment))
        return takers[-1]

    yield begin
    for one in takers:
        one.end()


def test_gpus_are_the_drivers_nodes_with_a_number(tmp_path):
    for name in ("nvidia10", "nvidia0", "nvidia2", "nvidiactl", "nvidia-uvm", "nvidia-modeset", "null"):
        (tmp_path / name).touch()
    assert devices.present(tmp_path) == [0, 2, 10]
    assert devices.present(tmp_path / "nothing") == []


def test_processes_at_once_get_a_gpu_each_and_one_that_ends_gives_its_own_back(taker):
    first, second = taker("0 1"), taker("0 1")
    assert (first.sees, second.sees) == ("0", "1")
    third = taker("0 1")
    assert third.sees == str(int(third.number) % 2)  # all are taken: it shares one
    second.end()
    assert taker("0 1").sees == "1"


def test_a_process_killed_gives_its_gpu_back(taker):
    first = taker("0 1")
    first.process.kill()
    first.end()
    assert taker("0 1").sees == "0"


@pytest.mark.parametrize("gpus", ["", "0"])
def test_where_there_is_no_choice_nothing_is_hidden(taker, gpus):
    assert taker(gpus).sees == "None"


def test_what_the_person_chose_stays(taker):
    assert taker("0 1 2", CUDA_VISIBLE_DEVICES="2").sees == "2"


@pytest.mark.parametrize(
    ("gpus", "changed", "visible", "said"),
    [
        ([], {}, None, None),
        ([0], {"devices": "gpu:0"}, None, None),
        ([0], {}, "", "1 GPU, and the training runs on its processor: CUDA_VISIBLE_DEVICES= hides"),
        ([0, 1], {}, "-1", "2 GPUs, and the training runs on its processor: CUDA_VISIBLE_DEVICES=-1 hides"),
        ([0], {}, None, "nvidia-cudnn-cu12 is not installed, which brings the libraries: make repro GPU=1"),
        ([0], {"backend": "jax"}, None, "jax-cuda12-plugin is not installed: pip install 'jax[cuda12]'"),
        ([0], {"backend": "torch"}, None, "with the backend torch this project has not been run on GPUs"),
    ],
)
def test_a_gpu_that_is_there_and_not_used_is_told_with_the_reason(monkeypatch, gpus, changed, visible, said):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    found = devices.unused(gpus, ON_CPU | changed)
    assert (found is None) == (said is None)
    assert said is None or said in found


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        ({"devices": "cpu:0", "cpu": "EPYC", "threads": "2"}, "cpu:0 (EPYC, 2 threads)"),
        ({"devices": "gpu:0", "gpu": "H100", "gpu_driver": "535.1"}, "H100 (gpu:0, driver 535.1)"),
    ],
)
def test_what_a_training_runs_on_is_told_in_a_line(environment, line):
    assert devices.told(environment) == line
