"""Training of seed 004's network: Menagerie's feeding from disk beside a bare `model.fit` in memory.

use: python benchmarks/training.py   (or: make bench; five minutes, writes benchmarks/training.md)

Both train the same model (sign_cnn: 100x100x3 pictures, batch 128) on the same 1,650 + 412 pictures, in
turns, each in a process of its own: Menagerie with the deterministic kernels that the pipeline uses,
the bare fit without, as a notebook has it. The pictures are random: the cost of a step does not depend
on what they show. The bare side has them as uint8 arrays in memory, and as float32 ones. The first
epoch, which traces the graph, is left out.
Then the peak memory of such a process, by the number of pictures on disk.
"""

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
ROUNDS, EPOCHS = 5, 4


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


def menagerie_rate(images: np.ndarray) -> float:
    """Pictures per second, validation included, fed from disk."""
    seed_everything(0)
    model = build_model(SPEC, SHAPE, CLASSES)
    batches = Batches(images, subset(0, len(images) - VAL), SPEC.batch_size, seed=0)
    val = Batches(images, subset(len(images) - VAL, len(images)), SPEC.batch_size, seed=None)
    seconds: list[float] = []
    train(model, SPEC.phases, batches, val, EPOCHS, lambda logs, _: seconds.append(logs["epoch_seconds"]), 0)
    return len(batches.subset.rows) / statistics.median(seconds[1:])


def bare_rate(images: np.ndarray, dtype: type) -> float:
    """Pictures per second, validation included, of `model.fit` on arrays in memory."""
    model = build_model(SPEC, SHAPE, CLASSES)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"], jit_compile=False)
    x, y = np.asarray(images, dtype), (np.arange(len(images)) % CLASSES).astype(np.int32)
    marks: list[float] = []
    clock = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: marks.append(time.perf_counter()))
    held_out = (x[-VAL:], y[-VAL:])
    options = {"batch_size": SPEC.batch_size, "epochs": EPOCHS, "verbose": 0, "callbacks": [clock]}
    model.fit(x[:-VAL], y[:-VAL], validation_data=held_out, **options)
    return (len(x) - VAL) / statistics.median(np.diff(marks))


SIDES = {
    "menagerie": menagerie_rate,
    "bare uint8": lambda images: bare_rate(images, np.uint8),
    "bare float32": lambda images: bare_rate(images, np.float32),
}


def in_a_process(*arguments: str) -> float:
    """Run one measurement of this script in a fresh process and read the number that it prints last."""
    command = [sys.executable, __file__, *arguments]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1])


def side_by_side(folder: Path) -> list[str]:
    """Rates of ROUNDS rounds, each side once a round, and the median of the rounds' ratios."""
    path = pictures(folder, TRAIN + VAL)
    rounds = []
    for number in range(ROUNDS):
        rates = {side: in_a_process(side, str(path)) for side in np.roll(list(SIDES), number)}
        rounds.append([rates[side] for side in SIDES])
        print(f"round {number + 1}/{ROUNDS}: " + ", ".join(f"{rate:.0f}" for rate in rounds[-1]), flush=True)
    lines = ["| round | Menagerie, from disk | bare fit, uint8 | bare fit, float32 |", "|---|---|---|---|"]
    for number, rates in enumerate(rounds, 1):
        lines.append(f"| {number} | " + " | ".join(f"{rate:.0f}" for rate in rates) + " |")
    for column, side in list(enumerate(SIDES))[1:]:
        ratio = statistics.median(rates[0] / rates[column] for rates in rounds)
        lines += ["", f"Menagerie / {side}: **{ratio:.2f}** (median of {ROUNDS} ratios)."]
    return lines


def peak_memory() -> float:
    """Peak resident memory of this process in MiB (Linux; getrusage would tell the parent's too)."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line]
    return int(line.split()[1]) / 1024


def main() -> None:
    if len(sys.argv) == 3:
        side, path = sys.argv[1:]
        rate = SIDES[side.removesuffix(" memory")](np.load(path, mmap_mode="r"))
        print(peak_memory() if side.endswith("memory") else rate)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = side_by_side(folder)
        lines += ["", "| pictures on disk | peak memory of training, MiB |", "|---|---|"]
        for count in (TRAIN, 4 * TRAIN, 16 * TRAIN):
            peak = in_a_process("menagerie memory", str(pictures(folder, count + VAL)))
            lines.append(f"| {count:,} | {peak:.0f} |")
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
