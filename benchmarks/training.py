"""Training of the from-scratch networks: Menagerie's feeding from a file beside a bare `model.fit`.

use: python benchmarks/training.py   (or: make bench; half an hour, writes benchmarks/training.md)

Both train the same network, at the picture size and batch of its notebook, on the same random pictures, each
time in a process of its own, in turns. Menagerie reads them from a file, in memory (/dev/shm) where the
system has that, with the deterministic kernels that the pipeline uses, and runs what comes before anything
trained once (only `ann` has such a part, its resize). The bare fit has uint8 arrays in memory and, like a
notebook, any kernels. The cost of a step does not depend on what pictures show. A process counts by its
median epoch; its first, which traces the graph, is left out. Then the peak memory of training `sign_cnn`, by
the number of pictures in the file.
"""

import json
import os
import platform
import resource
import statistics
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
from turns import MEMORY, subset, told  # noqa: E402

from menagerie.data import Data  # noqa: E402
from menagerie.params.model import ScratchModel  # noqa: E402
from menagerie.params.section import parse  # noqa: E402
from menagerie.train.building import build_model  # noqa: E402
from menagerie.train.fitting import Session, train  # noqa: E402
from menagerie.train.seeding import seed_everything  # noqa: E402

CLASSES, VAL, EPOCHS, RUNS = 10, 64, 2, 3
NETWORKS = {  # the side of the pictures, and how many: mostly one to three seconds an epoch
    "ann": (299, 2048),
    "cnn": (299, 192),
    "cnn_augmented": (299, 128),
    "cnn_deep": (299, 128),
    "simple_cnn": (100, 1032),
    "mid_cnn": (100, 258),
    "resnet": (100, 258),
    "resnet_augmented": (100, 258),
    "inception": (100, 258),
    "model_s": (32, 1024),
    "leaky_cnn": (32, 4096),
    "leaky_cnn_dropout": (32, 4096),
    "leaky_cnn_deep": (32, 2048),
    "sign_cnn": (100, 1650),  # as sign_cnn_decay_high and sign_cnn_decay_low but for the learning rate
}


def spec_of(name: str) -> ScratchModel:
    return parse(ScratchModel, yaml.safe_load((ROOT / f"conf/model/{name}.yaml").read_text()), name)


def pictures(folder: Path, side: int, count: int) -> Path:
    """Write random pictures to disk, in pieces."""
    path = folder / f"{side}-{count}.npy"
    array = np.lib.format.open_memmap(path, "w+", np.uint8, (count, side, side, 3))
    rng = np.random.default_rng(0)
    for first in range(0, count, 500):
        array[first : first + 500] = rng.integers(0, 256, array[first : first + 500].shape, np.uint8)
    array.flush()
    return path


def with_menagerie(name: str, images: np.ndarray, epochs: int) -> list[float]:
    """Train from disk, as the stage does; the seconds of each epoch, validation included."""
    spec, count = spec_of(name), len(images) - VAL
    seed_everything(0)
    model = build_model(spec, images.shape[1:], CLASSES)
    classes = [str(label) for label in range(CLASSES)]
    data = Data(
        images, classes, {"train": subset(0, count, CLASSES), "val": subset(count, len(images), CLASSES)}
    )
    measured: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory(dir=MEMORY) as kept:
        checkpoint = Path(kept) / "checkpoint.npz"
        session = Session(0, epochs, Path(kept), 2e10, checkpoint, lambda epoch, _: measured.append(epoch), 0)
        train(model, spec, data, session)
    return [epoch["epoch_seconds"] for epoch in measured]


def bare(name: str, images: np.ndarray, epochs: int) -> list[float]:
    """Train with `model.fit` on arrays in memory; the seconds of each epoch, validation included."""
    spec = spec_of(name)
    model = build_model(spec, images.shape[1:], CLASSES)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(next(iter(spec.phases.values())).optimizer, loss, metrics=["accuracy"], jit_compile=False)
    x, y = np.array(images), (np.arange(len(images)) % CLASSES).astype(np.int32)
    begun, ended = [], []
    clock = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda *_: begun.append(time.perf_counter()),
        on_epoch_end=lambda *_: ended.append(time.perf_counter()),
    )
    held_out = (x[-VAL:], y[-VAL:])
    options = {"batch_size": spec.batch_size, "epochs": epochs, "verbose": 0, "callbacks": [clock]}
    model.fit(x[:-VAL], y[:-VAL], validation_data=held_out, **options)
    return [end - begin for begin, end in zip(begun, ended, strict=True)]


SIDES = {"menagerie": with_menagerie, "bare": bare}


def side_by_side(folder: Path, name: str, side: int, count: int) -> str:
    path = pictures(folder, side, count + VAL)
    rates: dict[str, list[float]] = {way: [] for way in SIDES}
    for number in range(RUNS):
        for way in np.roll(list(SIDES), number):  # no side always goes first
            seconds = told(way, name, path, EPOCHS + 1)[1:]
            rates[way].append(count / statistics.median(seconds))
    path.unlink()
    ours, theirs = rates.values()
    ratios = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    row = f"| `{name}` | {side}x{side} | {statistics.median(ours):.0f} | {statistics.median(theirs):.0f} "
    row += f"| {statistics.median(ratios):.2f} | {min(ratios):.2f} to {max(ratios):.2f} |"
    print(row, flush=True)
    return row


def peak_memory(name: str, images: np.ndarray, epochs: int) -> list[float]:
    """Train; the peak resident memory of this process in MiB."""
    with_menagerie(name, images, epochs)
    return [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]


def main() -> None:
    if len(sys.argv) == 5:
        way, name, path, epochs = sys.argv[1:]
        ways = {**SIDES, "peak": peak_memory}
        print(json.dumps(ways[way](name, np.load(path, mmap_mode="r"), int(epochs))))
        return
    lines = ["| network | pictures | Menagerie | bare fit | Menagerie / bare fit | of single turns |"]
    lines.append("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        folder = Path(name)
        lines += [side_by_side(folder, network, *size) for network, size in NETWORKS.items()]
        lines += ["", "| pictures in the file | peak memory of training, MiB |", "|---|---|"]
        for count in (1_650, 6_600, 26_400):
            (peak,) = told("peak", "sign_cnn", pictures(folder, 100, count + VAL), 2)
            lines.append(f"| {count:,} | {peak:.0f} |")
    head = (
        "# Training: pictures per second beside a bare `model.fit`\n\n"
        f"`python benchmarks/training.py` on {os.cpu_count()} cores ({platform.machine()}), Keras "
        f"{keras.version()} on {keras.backend.backend()}, {RUNS} turns of {EPOCHS} epochs a "
        "side. Pictures per second of training, validation included; higher is better; the ratio is the "
        "median of those of each turn.\n\n"
    )
    target = Path(__file__).with_suffix(".md")
    target.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")
    print(target.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
