"""Training of seed 004's network: Menagerie's feeding from disk beside a bare `model.fit` in memory.

use: python benchmarks/training.py [--rounds 5] [--epochs 3]

Both train the same model (sign_cnn: 100x100x3 pictures, batch 128) on the same 1,650 + 412 pictures, in
turns, in one process. The pictures are random: the cost of a step does not depend on what they show. The
bare side has them as float32 arrays in memory, which is what a notebook would do at its best.
A second table shows the peak of the process's own memory while it trains on 1,650 and on 16,500
pictures on disk.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

import keras  # noqa: E402
import numpy as np  # noqa: E402
import yaml  # noqa: E402

from menagerie.data import Subset  # noqa: E402
from menagerie.models import build_model  # noqa: E402
from menagerie.params import Model, parse  # noqa: E402
from menagerie.seeding import seed_everything  # noqa: E402
from menagerie.training import Batches, train  # noqa: E402

SPEC = parse(Model, yaml.safe_load((ROOT / "conf/model/sign_cnn.yaml").read_text()), "sign_cnn")
SHAPE, CLASSES, TRAIN, VAL = (100, 100, 3), 10, 1650, 412


def pictures(folder: Path, count: int) -> np.ndarray:
    """Write random pictures to disk, in pieces, and open them as training does."""
    path = folder / f"{count}.npy"
    array = np.lib.format.open_memmap(path, "w+", np.uint8, (count, *SHAPE))
    rng = np.random.default_rng(0)
    for start in range(0, count, 500):
        array[start : start + 500] = rng.integers(0, 256, array[start : start + 500].shape, np.uint8)
    array.flush()
    del array
    return np.load(path, mmap_mode="r")


def subset(start: int, stop: int) -> Subset:
    rows = np.arange(start, stop)
    return Subset(rows, (rows % CLASSES).astype(np.int32), rows.astype(object))


def menagerie_rate(images: np.ndarray, epochs: int) -> float:
    """Pictures per second, validation included, fed from disk."""
    model = build_model(SPEC, SHAPE, CLASSES)
    batches = Batches(images, subset(0, len(images) - VAL), SPEC.batch_size, seed=0)
    val = Batches(images, subset(len(images) - VAL, len(images)), SPEC.batch_size, seed=None)
    seconds: list[float] = []
    train(model, SPEC.phases, batches, val, epochs, lambda logs, _: seconds.append(logs["epoch_seconds"]), 0)
    return len(batches.subset.rows) / statistics.median(seconds[1:])


def bare_rate(images: np.ndarray, epochs: int) -> float:
    """Pictures per second of `model.fit` on float32 arrays in memory."""
    model = build_model(SPEC, SHAPE, CLASSES)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"], jit_compile=False)
    x, y = np.asarray(images, np.float32), (np.arange(len(images)) % CLASSES).astype(np.int32)
    marks = [time.perf_counter()]
    clock = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: marks.append(time.perf_counter()))
    model.fit(
        x[:-VAL], y[:-VAL], validation_data=(x[-VAL:], y[-VAL:]), batch_size=SPEC.batch_size, epochs=epochs,
        verbose=0, callbacks=[clock],
    )
    return (len(x) - VAL) / statistics.median(np.diff(marks)[1:])
