"""A disk that fills up: a stage says so, leaves nothing half-written, and with room again ends well."""

import re
import shutil
import subprocess
from contextlib import contextmanager

import pytest

from helpers import outputs_of, run, succeed

pytestmark = [pytest.mark.slow, pytest.mark.tensorflow]


@contextmanager
def small_disk(place, mebibytes=64):
    """A disk of its own at `place`; skipped where mounting one is refused."""
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "none", place],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def fill(disk, left):
    """Write a file that leaves so many bytes."""
    with (disk / "filler").open("wb", buffering=0) as file:
        try:
            while file.write(bytes(1 << 16)):
                pass
        except OSError:
            file.truncate(max(0, file.tell() - left))


CHANGED = {  # what is taken away first, so that the stage has work to do
    "look": "data/colours/look.json",
    "download": "data/colours/raw",
    "prepare": "data/colours/images.npy",
    "split": "plots/colours/data",
    "train linear": "models/colours/linear",
    "evaluate linear": "plots/colours/models",
    "replicate linear": "metrics/colours/replicates",
    "compare": "plots/colours/comparison",
}


@pytest.mark.parametrize("left", [0, 16 * 1024])
@pytest.mark.parametrize("stage", CHANGED)
def test_a_full_disk_ends_a_stage_with_its_reason_and_nothing_half_written(all_stages, tmp_path, stage, left):
    with small_disk(tmp_path / "disk") as disk:
        folder = disk / "project"
        shutil.copytree(all_stages, folder, ignore=shutil.ignore_patterns(".work"))
        expected = outputs_of(folder)
        gone = folder / CHANGED[stage]
        if gone.is_dir():
            shutil.rmtree(gone)
        else:
            gone.unlink()
        fill(disk, left)
        # A full disk under MLflow's database is another matter: no stage may fail of it.
        elsewhere = {"MLFLOW_TRACKING_URI": f"sqlite:///{(tmp_path / 'mlflow.db').as_posix()}"}
        failed = run(folder, "python", "src", *stage.split(), TMPDIR=str(tmp_path), **elsewhere)
        if failed.returncode == 0:
            assert left, failed.everything  # so little was to be written
        else:
            assert failed.returncode == 1, failed.everything
            assert "Traceback" not in failed.stderr, failed.everything
            (said,) = [line for line in failed.stderr.splitlines() if line.startswith("error: ")]
            assert "No space left on device" in said
            assert re.search(r"make room|needs room", said)
            assert not [path for path in folder.rglob("*.part") if ".work" not in path.parts]
            assert outputs_of(folder).items() <= expected.items()
        (disk / "filler").unlink()
        succeed(folder, "python", "src", *stage.split())
        assert outputs_of(folder) == expected


def test_frozen_layers_that_find_no_room_are_an_error_that_says_so(all_stages, tmp_path):
    """A file that is mapped and finds no room would end the process without a word."""
    code = """
import sys
sys.path.insert(0, "src")
from pathlib import Path
import keras, numpy as np
from menagerie.train.prefix import prefix_outputs
inputs = keras.Input((12, 12, 3), dtype="uint8")
prefix = keras.Model(inputs, keras.layers.Resizing(64, 64)(inputs))
images = np.load("data/colours/images.npy", mmap_mode="r")
try:
    prefix_outputs(prefix, images, np.arange(len(images)), Path(sys.argv[1]), 1e9)
except OSError as error:
    print("refused:", error)
"""
    with small_disk(tmp_path / "disk", mebibytes=1) as disk:
        done = succeed(all_stages, "python", "-c", code, str(disk / "prefixes"))
        assert "refused: [Errno 28] No space left on device" in done.stdout
        assert not list(disk.rglob("*.npy*"))
        assert [path.suffix for path in (disk / "prefixes").iterdir()] == [".lock"]


def test_a_full_disk_under_mlflows_database_is_one_line(repository, tmp_path):
    code = """
import sys
from mlflow.entities import Metric
from menagerie.tracking import store
client = store.client()
run = client.create_run(store.experiment_id(client, "colours")).info.run_id
with open(sys.argv[1], "wb", buffering=0) as filler:
    try:
        while filler.write(bytes(4096)):
            pass
    except OSError:
        pass
try:
    client.log_batch(run, [Metric("loss", 0.5, 0, step) for step in range(1000)])
except Exception as error:
    store.warn(error)
"""
    with small_disk(tmp_path / "disk", mebibytes=2) as disk:
        uri = f"sqlite:///{(disk / 'mlflow.db').as_posix()}"
        done = succeed(repository, "python", "-c", code, str(disk / "filler"), MLFLOW_TRACKING_URI=uri)
    (told,) = done.stderr.splitlines()
    assert told.startswith("warning: not tracked in MLflow for now: ")
    assert "database or disk is full" in told
