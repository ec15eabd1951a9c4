"""Whole studies of drawn pictures, as the stages leave them: their pages are to be looked at.

Every stage is the real one but `train`: a network of one layer, whose weights are a ridge regression of the
classes on the pixels, takes a second and errs as networks do, among classes that look alike.
"""

import sys
from contextlib import chdir
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from PIL import Image

from helpers import ROOT, composed
from menagerie import paths
from menagerie.data import gather, load_data
from menagerie.files import file_sha256, whole, whole_folder, write_json
from menagerie.params import load_params

SIDE = 24  # pixels
MODELS = ("cnn", "ann", "simple_cnn", "mid_cnn", "leaky_cnn", "resnet", "resnet9", "cnn_deep", "model_s")
MODELS += ("inception",)
SCRIPTS = ("手話の数字", "الرقم سبعة", "девять", "naïve café", "Ψηφίο", "숫자 하나")


@dataclass(frozen=True)
class Study:
    name: str
    classes: tuple[str, ...]
    models: tuple[str, ...]
    pictures: int  # of each class


STUDIES = (
    Study("six_classes", ("ant", "bee", "cat", "dog", "eel", "fox"), MODELS[:3], 60),
    Study("sixty_classes", tuple(f"species {number:02d} of sixty" for number in range(60)), MODELS[:2], 24),
    Study("two_classes", ("cat", "dog"), MODELS[:2], 60),
    Study("four_scripts", SCRIPTS, MODELS[:2], 40),
    Study("one_model", ("ant", "bee", "cat"), MODELS[:1], 30),
    Study("ten_models", ("ant", "bee", "cat", "dog", "eel", "fox"), MODELS, 60),
)


def made(study: Study, folder: Path) -> Path:
    """Run the study in an empty folder; the page that it ends with."""
    _draw(study, folder / "pictures")
    choice = [f"dataset.source.path={folder / 'pictures'}", f"dataset.name={study.name}"]
    settings = composed(
        "dataset=folder", *choice, f"model=[{','.join(study.models)}]", f"dataset.image_size=[{SIDE},{SIDE}]"
    )
    with chdir(folder):
        paths.PARAMS.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
        for stage in ("look", "download", "prepare", "split"):
            _stage(stage)
        for number, name in enumerate(study.models):
            _regress(study.name, name, number)
            _stage("evaluate", name)
            paths.replicates(study.name, name).parent.mkdir(parents=True, exist_ok=True)
            columns = ["seed", "epochs", "val_accuracy", "test_accuracy"]
            pd.DataFrame(columns=columns).to_csv(paths.replicates(study.name, name), index=False)
        _stage("compare")
        from menagerie.cli.report import report

        report.callback(replicates=False, runs=False)
        return paths.report(study.name).with_suffix(".html").resolve()


def _stage(name: str, *models: str) -> None:
    if str(ROOT / "src") not in sys.path:
        sys.path.insert(0, str(ROOT / "src"))
    import_module(f"stages.{name}").main(*models)


def _draw(study: Study, folder: Path) -> None:
    """Pictures of a pattern a class, with noise; two neighbours have much of their pattern in common."""
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(len(study.classes) // 2 + 1, 6, 6, 3))
    for number, name in enumerate(study.classes):
        (folder / name).mkdir(parents=True)
        pattern = shared[number // 2] + 0.3 * rng.normal(size=(6, 6, 3))
        for picture in range(study.pictures):
            noisy = np.kron(pattern + 0.6 * rng.normal(size=(6, 6, 3)), np.ones((4, 4, 1)))
            pixels = 128 + 45 * noisy + 30 * rng.normal(size=noisy.shape)
            file = folder / name / f"{name}, picture {picture:03d}.png"
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(file)


def _regress(dataset: str, name: str, seed: int) -> None:
    """Write what `train` writes. Each network sees other pixels, and fewer than the one before it."""
    import keras

    from menagerie.model_files import save_model

    facts, params = import_module("stages.train").facts, load_params(paths.PARAMS)
    data = load_data(paths.images(dataset), paths.split(dataset))
    train, rng = data.subsets["train"], np.random.default_rng(seed)
    seen = rng.random(SIDE * SIDE * 3) < 0.02 / (1 + seed / 3)
    pixels = gather(data.images, train.rows).reshape(len(train.rows), -1) / 255 * seen
    inputs = np.concatenate([pixels, np.ones((len(pixels), 1))], axis=1)
    wanted = np.eye(len(data.classes))[train.labels]
    weights = np.linalg.solve(inputs.T @ inputs + np.eye(inputs.shape[1]), inputs.T @ wanted)
    picture = keras.Input((SIDE, SIDE, 3), dtype="uint8")
    flat = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(picture))
    logits = keras.layers.Dense(len(data.classes), name="logits")
    network = keras.Model(picture, logits(flat), name=name)
    logits.set_weights([8 * weights[:-1], 8 * weights[-1]])
    with whole_folder(paths.model(dataset, name)) as folder:
        save_model(network, folder / "model.keras", facts(params, name, network, data))
        _history(20).to_csv(folder / "history.csv", index=False, lineterminator="\n")
    cost = {"fit_seconds": 25.0 * (seed + 1), "pictures_per_second": 1983.4 / (seed + 1)}
    versions = {"python": "3.11.9", "keras": "3.12.0", "backend": "tensorflow", "backend_version": "2.20.0"}
    machine = versions | {"numpy": "2.3.0", "platform": "Linux", "devices": "cpu:0", "seed": 42}
    sha256 = file_sha256(paths.model(dataset, name) / "model.keras")
    with whole(paths.run_record(dataset, name)) as path:
        write_json(path, {"model_sha256": sha256} | cost | machine)


def _history(epochs: int) -> pd.DataFrame:
    epoch = np.arange(1, epochs + 1)
    table = {"epoch": epoch, "phase": "main", "learning_rate": 1e-3, "kept": epoch == epochs}
    for part, far in (("", 1.0), ("val_", 1.2)):
        table |= {
            f"{part}loss": far * np.exp(-epoch / 6) + 0.3,
            f"{part}accuracy": 0.9 - far * np.exp(-epoch / 4) / 2,
        }
    return pd.DataFrame(table)
