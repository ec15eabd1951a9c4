"""Training on what a frozen prefix gave, beside training through it again in every epoch.

use: python benchmarks/frozen_prefix.py   (half an hour; writes benchmarks/frozen_prefix.md)

Both ways train the same model on the same random pictures with random weights, 100x100 (`ann`: 299x299), each
time in a process of its own, in turns; the cost of a step depends neither on what pictures show nor on what
weights hold. A process counts by its median epoch; its first, which traces the graph, is left out. `pass` is
the one pass of the prefix over all pictures, with its tracing, hashing and writing. `12 epochs` is
12 x plain / (pass + 12 x kept); `next run` is plain / kept: another head on the same prefix.
"""

import json
import os
import platform
import shutil
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
from menagerie.models.parts.freezing import freeze  # noqa: E402
from menagerie.params.model import PretrainedModel, ScratchModel  # noqa: E402
from menagerie.params.section import parse  # noqa: E402
from menagerie.train.building import build_model  # noqa: E402
from menagerie.train.fitting import Session, train  # noqa: E402
from menagerie.train.prefix import prefix_outputs, split_at_prefix  # noqa: E402
from menagerie.train.seeding import seed_everything  # noqa: E402

CLASSES, COUNT, VAL = 5, 2064, 64
EPOCHS, RUNS, WHOLE = 2, 3, 12  # measured in a run; runs of each way; what an experiment takes
MODELS = {
    "resnet50v2_transfer": 100,
    "mobilenet_v2_transfer": 100,
    "xception_transfer": 100,
    "mobilenet_imagenet": 100,
    "resnet50v2_last10": 100,
    "mobilenet_v2_last10": 100,
    "xception_last10": 100,
    "ann": 299,
}


def spec_of(name: str) -> ScratchModel | PretrainedModel:
    values = yaml.safe_load((ROOT / f"conf/model/{name}.yaml").read_text())
    if values["arch"] == "pretrained":
        return parse(PretrainedModel, values | {"weights": "random"}, name)
    return parse(ScratchModel, values, name)


def pictures(folder: Path, side: int) -> Path:
    path = folder / f"{side}.npy"
    if not path.exists():
        shape = (COUNT + VAL, side, side, 3)
        np.save(path, np.random.default_rng(0).integers(0, 256, shape, np.uint8))
    return path


def run(way: str, name: str, path: str, kept: str) -> list[float]:
    """Train as the stage does; the seconds of each epoch, and for `kept` those of the pass before them."""
    spec = spec_of(name)
    images = np.load(path, mmap_mode="r")
    data = Data(
        images,
        [str(label) for label in range(CLASSES)],
        {"train": subset(0, COUNT, CLASSES), "val": subset(COUNT, COUNT + VAL, CLASSES)},
    )
    seed_everything(0)
    model = build_model(spec, images.shape[1:], CLASSES)
    seconds = []
    if way == "kept":
        if isinstance(spec, PretrainedModel):
            freeze(model, next(iter(spec.phases.values())))
        prefix, _ = split_at_prefix(model)
        started = time.perf_counter()
        prefix_outputs(prefix, images, np.arange(len(images)), Path(kept), 1e11)
        seconds.append(time.perf_counter() - started)
    measured: list[dict[str, float]] = []
    checkpoint = Path(kept) / way / "checkpoint.npz"  # the other way is not to go on from it
    room = 1e11 if way == "kept" else 0
    session = Session(0, EPOCHS + 1, Path(kept), room, checkpoint, lambda epoch, _: measured.append(epoch), 0)
    train(model, spec, data, session)
    return seconds + [epoch["epoch_seconds"] for epoch in measured]


def side_by_side(folder: Path, name: str, side: int) -> str:
    path, kept = pictures(folder, side), folder / "kept"
    turns = []  # of (plain, kept, pass)
    for _ in range(RUNS):
        _, *plain = told("plain", name, path, kept)
        seconds, _, *fast = told("kept", name, path, kept)
        turns.append((statistics.median(plain), statistics.median(fast), seconds))
        (size,) = [file.stat().st_size for file in kept.glob("*.npy")]
        shutil.rmtree(kept)
    plain, fast, seconds = map(statistics.median, zip(*turns, strict=True))
    whole = [WHOLE * plain / (seconds + WHOLE * fast) for plain, fast, seconds in turns]
    later = [plain / fast for plain, fast, _ in turns]
    row = f"| `{name}` | {plain:.2f} | {fast:.2f} | {seconds:.1f} | {size / 1e6:.0f} "
    row += f"| {statistics.median(whole):.1f} | {min(whole):.1f} to {max(whole):.1f} "
    row += f"| {statistics.median(later):.1f} |"
    print(row, flush=True)
    return row


def main() -> None:
    if len(sys.argv) == 5:
        print(json.dumps(run(*sys.argv[1:])))
        return
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        rows = [side_by_side(Path(name), model, side) for model, side in MODELS.items()]
    head = (
        "# A frozen prefix run once, beside one run in every epoch\n\n"
        f"`python benchmarks/frozen_prefix.py` on {os.cpu_count()} cores ({platform.machine()}), Keras "
        f"{keras.version()} on {keras.backend.backend()}, {COUNT:,} + {VAL} pictures, medians of "
        f"{RUNS} turns of {EPOCHS} epochs a way. `plain` and `kept` are seconds an epoch, `pass` seconds, "
        "`12 epochs` and `next run` how many times faster. The pass costs about one plain "
        "epoch, so 12 epochs can be 12 times faster at most; a head that is a tenth of a plain epoch halves "
        "that.\n\n"
        "| model | plain | kept | pass | MB on disk | 12 epochs | of single turns | next run |\n"
        "|---|---|---|---|---|---|---|---|\n"
    )
    target = Path(__file__).with_suffix(".md")
    target.write_text(head + "\n".join(rows) + "\n", encoding="utf-8")
    print(target.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
