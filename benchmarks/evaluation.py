"""What evaluation costs beyond `model.predict`, and what comparison costs: seconds and peak memory.

use: python benchmarks/evaluation.py   (three minutes; writes benchmarks/evaluation.md)

`evaluate`: the very functions that the stage calls once it has its logits, for 10,000 test pictures of
32x32 with 5,000 of val and 45,000 of train: metrics with their bootstrap intervals, temperature, tables,
curves, figures saved as PNG. The logits are made up, with an accuracy near 0.8; Grad-CAM runs the real
network. Beside it the time that the same network, `model_s` of seed 002, takes to predict all these pictures.
`compare`: `python src compare` itself, in a folder with the metrics of 30 such models.
"""

import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

import keras  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import yaml  # noqa: E402
from turns import subset  # noqa: E402

from menagerie import paths  # noqa: E402
from menagerie.data import Data  # noqa: E402
from menagerie.evaluate import corruptions, outputs  # noqa: E402
from menagerie.files import write_json  # noqa: E402
from menagerie.model_files import predict  # noqa: E402
from menagerie.params.model import ScratchModel  # noqa: E402
from menagerie.params.section import parse  # noqa: E402
from menagerie.train.building import build_model  # noqa: E402

CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
SIZES = {"train": 45_000, "val": 5_000, "test": 10_000}
MODELS, ROUNDS = 30, 3
HISTORY = pd.DataFrame(
    {
        "epoch": np.arange(1, 51),
        "phase": "main",
        **dict.fromkeys(("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"), 0.5),
    }
)


def pictures(folder: Path) -> Data:
    path, count = folder / "images.npy", sum(SIZES.values())
    np.save(path, np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), np.uint8))
    starts = dict(zip(SIZES, np.cumsum([0, *SIZES.values()]).tolist(), strict=False))
    subsets = {name: subset(start, start + SIZES[name], len(CLASSES)) for name, start in starts.items()}
    return Data(np.load(path, mmap_mode="r"), CLASSES, subsets)


def logits_of(data: Data, seed: int) -> dict[str, np.ndarray]:
    """Logits that are right for about 80 % of the pictures."""
    rng = np.random.default_rng(seed)
    return {
        name: (rng.normal(size=(len(part.rows), 10)) + 2.4 * np.eye(10)[part.labels]).astype(np.float32)
        for name, part in data.subsets.items()
    }


def evaluate(data: Data, logits: dict[str, np.ndarray], model: keras.Model | None, folder: Path) -> None:
    """What stages/evaluate.py does after prediction; without a model, no figures."""
    test = data.subsets["test"]
    metrics = outputs.metrics(data.subsets, logits) | {
        "epochs": 50,
        "params": 1_000_000,
        "model_bytes": 4_000_000,
    }
    tables = outputs.tables(test, logits["test"], CLASSES) | {"history": HISTORY}
    tables["robustness"] = corruptions.EMPTY
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "metrics.json", metrics)
    for stem, table in tables.items():
        table.to_csv(folder / f"{stem}.csv", index=False)
    if model is not None:
        figures = outputs.figures(model, data, logits["test"], tables, "a model")
        for stem, figure in figures.items():
            figure.savefig(folder / f"{stem}.png", dpi=150)


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


# In a small process of its own: a child counts the memory of the process that started it as its peak.
MEASURED = """
import resource, subprocess, sys, time
started = time.perf_counter()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
"""


def compare(folder: Path) -> tuple[float, float]:
    """Seconds and peak memory in MiB of the stage, start of Python included (Linux)."""
    command = [sys.executable, "-c", MEASURED, sys.executable, str(ROOT / "src"), "compare"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    took, memory = map(float, done.stdout.split())
    return took, memory


def repository(folder: Path, data: Data) -> None:
    """What compare reads: the default study's settings with 30 models, and metrics of each."""
    settings = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    (spec,) = [model for name, model in settings["models"].items() if name == "cnn"]
    names = [f"model_{number}" for number in range(MODELS)]
    settings["models"] = dict.fromkeys(names, spec)
    (folder / "params.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    dataset = settings["dataset"]["name"]
    for file in (paths.source(dataset), paths.data_report(dataset)):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, folder / file)
    for number, name in enumerate(names):
        evaluate(data, logits_of(data, number), None, folder / paths.metrics(dataset, name))


def main() -> None:
    spec = parse(ScratchModel, yaml.safe_load((ROOT / "conf/model/model_s.yaml").read_text()), "model_s")
    model = build_model(spec, (32, 32, 3), len(CLASSES))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = pictures(folder)
        logits = logits_of(data, 0)
        rounds = []
        for _ in range(ROUNDS):
            predicting = seconds(lambda: [predict(model, data.images, s.rows) for s in data.subsets.values()])
            rounds.append((predicting, seconds(lambda: evaluate(data, logits, model, folder / "one"))))
        predicting, evaluating = (statistics.median(values) for values in zip(*rounds, strict=True))
        repository(folder, data)
        comparing, memory = zip(*[compare(folder) for _ in range(ROUNDS)], strict=True)
    text = (
        "# Evaluation beyond prediction, and comparison\n\n"
        f"`python benchmarks/evaluation.py` on {os.cpu_count()} cores ({platform.machine()}), Keras "
        f"{keras.version()} on {keras.backend.backend()}; medians of {ROUNDS} rounds in turns.\n\n"
        "| what | seconds | peak memory, MiB |\n|---|---|---|\n"
        f"| predict 60,000 pictures with `model_s` | {predicting:.1f} | |\n"
        f"| all else of evaluate, 10,000 test pictures | {evaluating:.1f} | |\n"
        f"| compare {MODELS} models of 10,000 test pictures | {statistics.median(comparing):.1f} "
        f"| {max(memory):.0f} |\n"
    )
    target = Path(__file__).with_suffix(".md")
    target.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
