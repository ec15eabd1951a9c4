"""What a run records of where it was made: processor, threads, driver, versions and the lock."""

import os
import subprocess
import sys

import pytest

from helpers import sha256

pytest.importorskip("keras")
from menagerie.train import seeding

pytestmark = pytest.mark.tensorflow
LINUX = pytest.mark.skipif(not seeding.CPU_INFO.exists(), reason="/proc/cpuinfo is Linux's")


def test_a_changed_lock_is_recorded_and_lets_a_stopped_training_go_on(tmp_path):
    lock, before = tmp_path / "requirements.lock", seeding.environment()
    recorded = {}
    for text in (b"keras==3.12.4\n", b"keras==3.15.1\n"):
        lock.write_bytes(text)
        recorded[text] = seeding.recorded(lock)
        assert recorded[text] == before | {"lock_sha256": sha256(text)}
    assert seeding.environment() == before
    assert seeding.recorded(tmp_path / "none.lock")["lock_sha256"] == "none"


@LINUX
def test_the_processor_is_told_as_the_system_tells_it(monkeypatch):
    told, text = seeding.environment(), seeding.CPU_INFO.read_text()
    assert told["cpu"]
    flags = subprocess.run(["grep", "-m1", "-iE", "^(flags|features)", "/proc/cpuinfo"], capture_output=True)
    features = set(flags.stdout.decode().split())
    assert set(told["cpu_features"].split()) == features & set(seeding.FEATURES)
    assert "model name" not in text or f": {told['cpu']}\n" in text
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    held = seeding.environment()
    assert held["cpu_features"] == f"{told['cpu_features']} ONEDNN_MAX_CPU_ISA=AVX2".strip()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores are chosen so on Linux")
def test_threads_are_the_cores_that_the_process_may_use():
    core = min(os.sched_getaffinity(0))
    code = (
        f"import os; os.sched_setaffinity(0, {{{core}}})\n"
        "from menagerie.train.seeding import environment\n"
        "print(environment()['threads'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12",
            "535.183.01",
        ),
        ("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  550.54.14  Release Build", "550.54.14"),
        ("", "unknown"),
    ],
)
def test_a_driver_is_known_by_what_its_kernel_module_says(text, number):
    assert seeding.driver_number(text) == number
