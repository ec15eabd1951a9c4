"""Training of seed 004's network: Menagerie's feeding from disk beside a bare `model.fit` in memory.

use: python benchmarks/training.py   (or: make bench; five minutes, writes benchmarks/training.md)

Both train the same model (sign_cnn: 100x100x3 pictures, batch 128) on the same 1,650 + 412 pictures, in
turns, in one process, with the deterministic kernels that the pipeline uses. The pictures are random:
the cost of a step does not depend on what they show. The bare side has them as uint8 arrays in memory,
and as float32 ones, which is what a notebook has. The first epoch, which traces the graph, is left out.
Then the peak memory of a process that trains for two epochs, by the number of pictures on disk.
"""

import os
import platform
import resource
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
ROUNDS, EPOCHS = 5, 4


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


def bare_rate(images: np.ndarray, epochs: int, dtype: type) -> float:
    """Pictures per second, validation included, of `model.fit` on arrays in memory."""
    model = build_model(SPEC, SHAPE, CLASSES)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"], jit_compile=False)
    x, y = np.asarray(images, dtype), (np.arange(len(images)) % CLASSES).astype(np.int32)
    marks: list[float] = []
    clock = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: marks.append(time.perf_counter()))
    held_out = (x[-VAL:], y[-VAL:])
    options = {"batch_size": SPEC.batch_size, "epochs": epochs, "verbose": 0, "callbacks": [clock]}
    model.fit(x[:-VAL], y[:-VAL], validation_data=held_out, **options)
    return (len(x) - VAL) / statistics.median(np.diff(marks))


def side_by_side(folder: Path) -> list[str]:
    """Rates of ROUNDS rounds, each side once a round, and the median of the rounds' ratios."""
    seed_everything(0)
    images = pictures(folder, TRAIN + VAL)
    rounds = []
    for number in range(ROUNDS):
        sides = [
            lambda: menagerie_rate(images, EPOCHS),
            lambda: bare_rate(images, EPOCHS, np.uint8),
            lambda: bare_rate(images, EPOCHS, np.float32),
        ]
        order = np.roll(range(3), number)  # no side always goes first
        rates = {int(side): sides[side]() for side in order}
        rounds.append([rates[side] for side in range(3)])
        print(f"round {number + 1}/{ROUNDS}: " + ", ".join(f"{rate:.0f}" for rate in rounds[-1]), flush=True)
    lines = ["| round | Menagerie, from disk | bare fit, uint8 | bare fit, float32 |", "|---|---|---|---|"]
    for number, rates in enumerate(rounds, 1):
        lines.append(f"| {number} | " + " | ".join(f"{rate:.0f}" for rate in rates) + " |")
    for column, name in ((1, "uint8"), (2, "float32")):
        ratio = statistics.median(rates[0] / rates[column] for rates in rounds)
        lines += ["", f"Menagerie / bare {name}: **{ratio:.2f}** (median of {ROUNDS} ratios)."]
    return lines


def peak_memory(folder: Path, count: int) -> float:
    """Peak resident memory, in MiB, of a fresh process that trains for two epochs on `count` pictures."""
    command = [sys.executable, __file__, "--memory", str(folder / f"{count + VAL}.npy")]
    pictures(folder, count + VAL)
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1])


def main() -> None:
    if sys.argv[1:2] == ["--memory"]:
        menagerie_rate(np.load(sys.argv[2], mmap_mode="r"), 2)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = side_by_side(folder)
        lines += ["", "| pictures on disk | peak memory of training, MiB |", "|---|---|"]
        for count in (TRAIN, 4 * TRAIN, 16 * TRAIN):
            lines.append(f"| {count:,} | {peak_memory(folder, count):.0f} |")
    head = (
        "# Training: pictures per second beside a bare `model.fit`\n\n"
        f"`python benchmarks/training.py` on {os.cpu_count()} cores ({platform.machine()}), Keras "
        f"{keras.version()} on {keras.backend.backend()}. Pictures per second of training, validation "
        "included; higher is better.\n\n"
    )
    target = Path(__file__).with_suffix(".md")
    target.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")
    print(target.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
