"""Training of seed 004's network: Menagerie's feeding from disk beside a bare `model.fit` in memory.

use: python benchmarks/training.py   (or: make bench; five minutes, writes benchmarks/training.md)

Both train the same model (sign_cnn: 100x100x3 pictures, batch 128) on the same 1,650 + 412 pictures, in
turns, epoch by epoch, each in a process of its own: Menagerie with the deterministic kernels that the
pipeline uses, the bare fit without, as a notebook has it. The pictures are random: the cost of a step
does not depend on what they show. The bare side has them as uint8 arrays in memory, and as float32 ones.
Then the peak memory of such a process, by the number of pictures on disk.
"""

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
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
ROUNDS = SPEC.phases["main"].epochs - 1  # the first, which traces the graph, does not count


def pictures(folder: Path, count: int) -> Path:
    """Write random pictures to disk, in pieces."""
    path = folder / f"{count}.npy"
    array = np.lib.format.open_memmap(path, "w+", np.uint8, (count, *SHAPE))
    rng = np.random.default_rng(0)
    for start in range(0, count, 500):
        array[start : start + 500] = rng.integers(0, 256, array[start : start + 500].shape, np.uint8)
    array.flush()
    return path


def subset(start: int, stop: int) -> Subset:
    rows = np.arange(start, stop)
    return Subset(rows, (rows % CLASSES).astype(np.int32), rows.astype(object))


def tell_and_wait(seconds: float) -> None:
    """Report an epoch to the process that started this one, and start the next when it says so."""
    print(f"{seconds:.6f}", flush=True)
    sys.stdin.readline()


def menagerie_epochs(images: np.ndarray, epochs: int) -> None:
    """Train from disk, validation included, as the stage does."""
    seed_everything(0)
    model = build_model(SPEC, SHAPE, CLASSES)
    batches = Batches(images, subset(0, len(images) - VAL), SPEC.batch_size, seed=0)
    val = Batches(images, subset(len(images) - VAL, len(images)), SPEC.batch_size, seed=None)
    train(model, SPEC.phases, batches, val, epochs, lambda logs, _: tell_and_wait(logs["epoch_seconds"]), 0)


def bare_epochs(images: np.ndarray, epochs: int, dtype: type) -> None:
    """Train with `model.fit` on arrays in memory, validation included."""
    model = build_model(SPEC, SHAPE, CLASSES)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"], jit_compile=False)
    x, y = np.asarray(images, dtype), (np.arange(len(images)) % CLASSES).astype(np.int32)
    started = [0.0]
    clock = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda *_: started.append(time.perf_counter()),
        on_epoch_end=lambda *_: tell_and_wait(time.perf_counter() - started[-1]),
    )
    held_out = (x[-VAL:], y[-VAL:])
    options = {"batch_size": SPEC.batch_size, "epochs": epochs, "verbose": 0, "callbacks": [clock]}
    model.fit(x[:-VAL], y[:-VAL], validation_data=held_out, **options)


SIDES = {
    "Menagerie, from disk": menagerie_epochs,
    "bare fit, uint8": partial(bare_epochs, dtype=np.uint8),
    "bare fit, float32": partial(bare_epochs, dtype=np.float32),
}


def start(side: str, path: Path, epochs: int) -> subprocess.Popen:
    command = [sys.executable, __file__, side, str(path), str(epochs)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def side_by_side(folder: Path) -> list[str]:
    """Take turns epoch by epoch."""
    path = pictures(folder, TRAIN + VAL)
    running = {side: start(side, path, ROUNDS + 1) for side in SIDES}
    for process in running.values():
        process.stdout.readline()
    rates: dict[str, list[float]] = {side: [] for side in SIDES}
    for number in range(ROUNDS):
        for side in np.roll(list(SIDES), number):  # no side always goes first
            print(file=running[side].stdin, flush=True)
            rates[side].append(TRAIN / float(running[side].stdout.readline()))
        print(
            f"round {number + 1}/{ROUNDS}: " + ", ".join(f"{v[-1]:.0f}" for v in rates.values()), flush=True
        )
    for process in running.values():
        process.communicate("\n")
    ours = rates["Menagerie, from disk"]
    lines = ["| side | pictures/s, median | Menagerie / it, median of the rounds |", "|---|---|---|"]
    for side, values in rates.items():
        ratio = statistics.median(mine / other for mine, other in zip(ours, values, strict=True))
        lines.append(f"| {side} | {statistics.median(values):.0f} | {ratio:.2f} |")
    return lines


def peak_memory(path: Path) -> float:
    """Peak resident memory in MiB of a process that trains for two epochs (Linux)."""
    process = start("Menagerie, from disk", path, 2)
    process.stdout.readline()
    print(file=process.stdin, flush=True)
    process.stdout.readline()
    status = Path(f"/proc/{process.pid}/status").read_text()
    process.communicate("\n")
    (line,) = [line for line in status.splitlines() if "VmHWM" in line]
    return int(line.split()[1]) / 1024


def main() -> None:
    if len(sys.argv) == 4:
        side, path, epochs = sys.argv[1:]
        SIDES[side](np.load(path, mmap_mode="r"), int(epochs))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = side_by_side(folder)
        lines += ["", "| pictures on disk | peak memory of training, MiB |", "|---|---|"]
        for count in (TRAIN, 4 * TRAIN, 16 * TRAIN):
            lines.append(f"| {count:,} | {peak_memory(pictures(folder, count + VAL)):.0f} |")
    head = (
        "# Training: pictures per second beside a bare `model.fit`\n\n"
        f"`python benchmarks/training.py` on {os.cpu_count()} cores ({platform.machine()}), Keras "
        f"{keras.version()} on {keras.backend.backend()}, {ROUNDS} epochs a side in turns. "
        "Pictures per second of training, validation included; higher is better.\n\n"
    )
    target = Path(__file__).with_suffix(".md")
    target.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")
    print(target.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
