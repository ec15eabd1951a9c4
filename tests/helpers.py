"""What the tests of several folders share."""

import copy
import functools
import hashlib
import io
import os
import random
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from omegaconf import OmegaConf
from PIL import Image

from broken_pictures import SIZE, encoded
from menagerie import paths
from menagerie.archives.layout import find_pictures
from menagerie.archives.reading import Archive
from menagerie.compare import leaderboard
from menagerie.confidence import probabilities
from menagerie.evaluate import calibration, curves, measures
from menagerie.evaluate.measures import wilson_interval
from menagerie.files import file_sha256, write_json
from menagerie.model_facts import ModelFacts, Pixels, Promise, versions
from menagerie.params.dataset import FolderSource, KerasSplit, StratifiedSplit
from menagerie.prepare.manifest import read_manifest
from menagerie.prepare.opening import USUAL
from menagerie.prepare.preparing import Form, prepare
from menagerie.report.findings.blocks import Code, Facts, Items, Notice, Paragraph, Table
from menagerie.report.results import Results
from menagerie.split.flags import FLAGS

# the real configuration, composed as DVC composes it


ROOT = Path(__file__).resolve().parents[1]


@functools.cache
def _composed(*overrides):
    with initialize_config_dir(str(ROOT / "conf"), version_base=None):
        config = hydra_compose("config", list(overrides))
    OmegaConf.resolve(config)
    return OmegaConf.to_container(config)


def composed(*overrides):
    """`composed("model=cnn")`: the dict that `dvc exp run -S model=cnn` writes to params.yaml."""
    return copy.deepcopy(_composed(*overrides))


MODELS = sorted(
    path.stem
    for path in ROOT.glob("conf/model/*.yaml")
    if path.read_text("utf-8").startswith("# @package models.")
)


def recipe(name):
    """The composed recipe of a model, as `params.yaml` has it."""
    return _composed(f"model=[{','.join(MODELS)}]")["models"][name]  # all at once: one composition takes long


# networks


@contextmanager
def without_values():
    """Networks built in the block have names and shapes of weights but no values: those take longest."""
    import keras

    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
    finally:
        keras.utils.clear_session(free_memory=False)  # or Keras would give the values later


def bare(params, base, **changed):
    """The model of a base with random weights, native scaling and nothing but logits on its features."""
    plain = {"base": base, "weights": "random", "output_layer": None, "image_size": None}
    plain |= {"pooling": "average", "head": ()} | changed
    return params("model=xception_transfer_native").model("xception_transfer_native").model_copy(update=plain)


# archives


def read_member(path, member):
    """What stands here can be called in another process, which knows no test module."""
    with Archive(path) as archive:
        return archive.read(member)


def md5(data):
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def tar_gz(pictures):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, data in pictures.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return content.getvalue()


def cifar_tar(count):
    """The official archive's layout with `count` random records a batch, and these by folder and place."""
    rng = random.Random(0)
    files, records = {"cifar-10-batches-bin/batches.meta.txt": b"airplane\n"}, {}
    for name, folder in [(f"data_batch_{k}", f"train{k}") for k in range(1, 6)] + [("test_batch", "test")]:
        batch = [bytes([rng.randrange(10)]) + rng.randbytes(3072) for _ in range(count)]
        files[f"cifar-10-batches-bin/{name}.bin"] = b"".join(batch)
        records |= {(folder, place): record for place, record in enumerate(batch)}
    return tar_gz(files), records


SIGN_DIGITS_ARCHIVE = "Sign-Language-Digits-Dataset-4b09433ef9d5c60602e8805bb54b8aa2428527f8.zip"
CIFAR = "CIFAR-10-images-d7d05618061fe37d830fb0419063d113c575ccbc.zip"


def packed(path, files):
    """An archive of the kind that the suffix says."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in files.items():
                archive.writestr(zipfile.ZipInfo(name), data)
        return path
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def numbered(count):
    """Pictures of four classes: their red tells their number, green and blue tell a pixel's place."""
    y, x = np.mgrid[:8, :8]
    places = [np.stack([np.full((8, 8), i), x * 30, y * 30], axis=-1).astype(np.uint8) for i in range(count)]
    return {
        f"class {i % 4}/{i:05d}.png": encoded(Image.fromarray(place), "PNG") for i, place in enumerate(places)
    }


def prepared(pictures, folder, size=SIZE, max_unreadable=0.0, workers=1, resize="stretch", reading=USUAL):
    """Prepare into `folder`; the array and the manifest."""
    array, manifest = folder / "out" / "images.npy", folder / "out" / "manifest.csv"
    form = Form(size, resize, max_unreadable, workers, reading)
    prepare(pictures, form, array, manifest, folder / "work")
    return np.load(array), read_manifest(manifest)


def hashes(folder):
    """Of what `prepared` wrote."""
    return [file_sha256(folder / "out" / name) for name in ("images.npy", "manifest.csv")]


def of_mirror(mirror, name, folders):
    """The pictures of a real archive."""
    if not (mirror / name).exists():
        pytest.skip(f"{mirror / name} is not there")
    return find_pictures([mirror / name], folders)


# what prepare and split write


SPLITS = ["train", "val", "test"]


SIGN_DIGITS = [205, 206, 206, 206, 207, 207, 207, 206, 208, 204]  # pictures of 0..9


def manifest(sizes, unreadable=()):
    """As `prepare` writes it: sorted by class and path; `unreadable` are rows."""
    names = sizes if isinstance(sizes, dict) else {f"c{number}": size for number, size in enumerate(sizes)}
    table = pd.DataFrame(
        [(f"{name}/{place:04d}.png", name) for name in sorted(names) for place in range(names[name])],
        columns=["path", "class"],
    )
    table.insert(0, "index", np.arange(len(table)))
    table["folder"] = ""
    table["sha256"] = [hashlib.sha256(path.encode("utf-8")).hexdigest() for path in table["path"]]
    return table.assign(status=["empty file" if row in unreadable else "ok" for row in table["index"]])


def stratified(seed=42, val=0.15, test=0.2):
    return StratifiedSplit(policy="stratified", seed=seed, val=val, test=test)


def keras_policy(seed=1337, validation_split=0.2):
    return KerasSplit(
        policy="keras", seed=seed, validation_split=validation_split, train_folder="", test_folder=None
    )


def rows(table, name):
    return table.loc[table["split"] == name, "index"].tolist()


# what evaluate writes


N = 412


def entry(correct, val_correct=300, train_correct=408, n=N, loss=0.5, epochs=20):
    """What evaluate writes of a model that has `correct` of `n` test pictures right."""
    parts = {}
    for part, right in (("train", train_correct), ("val", val_correct), ("test", correct)):
        low, high = wilson_interval(right, n)
        parts[part] = {
            "accuracy": right / n,
            "accuracy_low": low,
            "accuracy_high": high,
            "n": n,
            "loss": loss,
        }
    for part in ("val", "test"):
        parts[part] |= {"f1_macro": parts[part]["accuracy"] - 0.01, "ece": 0.0213}
    scaled = {"temperature": 1.734, "temperature_low": 1.512, "temperature_high": 1.998}
    scaled |= {"ece_before": 0.0213, "ece_after": 0.0088}
    gap, low, high = measures.difference(parts["train"], parts["test"])
    return parts | {
        "gap": gap,
        "gap_low": low,
        "gap_high": high,
        "calibration": scaled | {"loss_before": loss, "loss_after": loss - 0.01},
        "epochs": epochs,
        "kept_epochs": [epochs],
        "params": 1_204_650,
        "trainable_params": 1_204_202,
        "model_bytes": 4_850_000,
    }


def predictions(right):
    """Ten pictures, of which those in `right` are predicted rightly."""
    return pd.DataFrame({"actual": ["a"] * 10, "predicted": ["ab"[n not in right] for n in range(10)]})


def corrupted(**accuracies):
    rows = [(kind, place + 1, value) for kind, row in accuracies.items() for place, value in enumerate(row)]
    return pd.DataFrame(rows, columns=["corruption", "strength", "accuracy"])


# a page, and what it is made from


CLASSES = ["cat", "dog", "owl"]
SOURCE = {"content_sha256": "30d0ee3c" * 8, "unlabelled": 0, "passed_over": {}}  # what download writes


COUNT = 60  # test pictures


VOID = {"meta", "link", "img", "line", "circle", "wbr", "input"}


class Page(HTMLParser):
    """Every tag with its attributes, and the rows of each table by its box: texts and sort keys."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.tables, self.keys, self.texts, self.summaries = [], [], {}, {}, [], []
        self.title = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append((tag, attributes))
        if tag not in VOID and not self.get_starttag_text().endswith("/>"):
            self.open.append(tag)
        if attributes.get("role") == "region":
            self.title = attributes["aria-label"]
        if tag == "table":
            self.tables[self.title], self.keys[self.title] = [], []
        if tag == "tr":
            self.tables[self.title].append([])
            self.keys[self.title].append([])
        if tag in ("td", "th"):
            self.tables[self.title][-1].append("")
            self.keys[self.title][-1].append(attributes.get("data-sort"))
        if tag == "small":
            self.tables[self.title][-1][-1] += "; "
        if tag == "summary":
            self.summaries.append("")

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "script" in self.open or "style" in self.open:
            return
        self.texts.append(data)
        if {"td", "th"} & set(self.open):
            self.tables[self.title][-1][-1] += data.replace("\n", "")
        if "summary" in self.open:
            self.summaries[-1] += data

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())

    def rows(self, name):
        """The rows of a table, each a mapping from the head of the column to the text of the cell."""
        head, *rows = self.tables[name]
        return [dict(zip(head, row, strict=True)) for row in rows]

    def sort_keys(self, name, column):
        head, *_ = self.tables[name]
        return [row[head.index(column)] for row in self.keys[name][1:]]

    def of(self, tag):
        return [attributes for found, attributes in self.tags if found == tag]

    @property
    def headings(self):
        return [attributes["id"] for attributes in self.of("h2")]


def picture(width=300, height=150, photograph=False):
    """PNG of 150 dpi: a drawing of few colours, or noise."""
    pixels = np.full((height, width, 3), 255, np.uint8)
    if photograph:
        pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    pixels[10:20, 10:20] = (68, 119, 170)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", dpi=(150, 150))
    return file.getvalue()


def evaluated(skill, classes, seed):
    """What evaluate writes of a model: the higher the skill, the more it gets right; metrics and tables."""
    rng = np.random.default_rng(seed)
    parts = {}
    for part, count in (("train", 2 * COUNT), ("val", COUNT), ("test", COUNT)):
        labels = np.arange(count) % len(classes)
        parts[part] = labels, rng.normal(size=(count, len(classes))) + skill * np.eye(len(classes))[labels]
    metrics = {"train": measures.accuracy_and_loss(*parts["train"])}
    metrics |= {part: measures.scores(*parts[part]) for part in ("val", "test")}
    gap = measures.difference(metrics["train"], metrics["test"])
    metrics |= dict(zip(("gap", "gap_low", "gap_high"), gap, strict=True))
    metrics["calibration"] = calibration.temperature_scaling(*parts["val"], *parts["test"])
    labels, logits = parts["test"]
    counts = measures.confusion(labels, logits.argmax(axis=1), len(classes))
    pictures = np.array([f"{number}.png" for number in range(COUNT)], dtype=object)
    tables = {
        "per_class": measures.per_class(labels, logits.argmax(axis=1), classes),
        "areas": curves.areas(labels, probabilities(logits), classes),
        "layers": pd.DataFrame(
            {
                "layer": ["input", "logits"],
                "kind": ["InputLayer", "Dense"],
                "output": ["n x 8 x 8 x 3", "n x 10"],
                "parameters": [0, 1_204_650],
                "trainable": [0, 1_204_202],
            }
        ),
        "confusion": measures.confusion_table(counts, classes),
        "robustness": robustness([]),
        "predictions": measures.predictions(pictures, labels, logits, classes),
        "history": pd.DataFrame({"epoch": [1, 2], "val_loss": [0.7, 0.5], "val_accuracy": [0.6, 0.8]}),
        "roc": curves.roc_table(labels, probabilities(logits), classes),
    }
    facts = {"epochs": 20, "kept_epochs": [17], "params": 1_204_650, "trainable_params": 1_204_202}
    return metrics | facts | {"model_bytes": 14_500_000}, tables


def robustness(accuracies):
    columns = ["corruption", "strength", "accuracy", "accuracy_low", "accuracy_high", "n"]
    rows = [("noise", strength, value, value, value, COUNT) for strength, value in enumerate(accuracies, 1)]
    return pd.DataFrame(rows, columns=columns)


def run_record(seconds=24.96):
    versions = {"python": "3.12.1", "keras": "3.12.0", "backend": "tensorflow", "backend_version": "2.20.0"}
    speed = {"fit_seconds": seconds, "pictures_per_second": 1983.4, "milliseconds_per_picture": 0.8512}
    return speed | versions | {"numpy": "2.3.0", "platform": "Linux", "devices": "cpu:0", "seed": 42}


def alike(**changes):
    """What is told of pictures that are alike: of exact copies, or of near duplicates."""
    return {"pictures": 0, "leaks": [], "leaked": [], "conflicts": 0, "conflicting": []} | changes


def data_report(classes=CLASSES, in_train=0, in_val=0):
    return {
        "pictures": 4 * COUNT,
        "classes": {name: {"train": 40, "val": 20, "test": 20} for name in classes},
        "splits": {"train": 2 * COUNT, "val": COUNT, "test": COUNT},
        "test_pictures_also_in": {"train": in_train, "val": in_val},
        "unreadable": {},
        "groups": None,
        "duplicates": {
            "exact": alike(),
            "near": alike(),
            "dropped": 0,
            "dropped_pictures": [],
        },
        "flags": {flag: {"count": 0, "pictures": []} for flag in FLAGS},
        "notices": [],
        "labels_fixed": {"lines": 0, "changed": 0, "pictures": []},
    }


def results(*models, classes=CLASSES):
    """Results of these models; each knows less than the one before it."""
    found = {name: evaluated(3 - number, classes, number) for number, name in enumerate(models)}
    tables = {stem: {name: own[stem] for name, (_, own) in found.items()} for stem in found[models[0]][1]}
    return Results(
        source=SOURCE,
        data=data_report(classes),
        metrics={name: metrics for name, (metrics, _) in found.items()},
        tables=tables,
        pairs=leaderboard.pairs(tables["predictions"]),
        runs={name: run_record() for name in models},
        data_figures={"classes": picture()},
        comparison_figures={"cost": picture(), "accuracy": picture()},
        model_figures={
            name: {"mistakes": picture(photograph=True), "confusion": picture()} for name in models
        },
    )


# a clone, and the commands that a user runs in it


def run(folder, *command, **environment):
    """Run a command in a folder as a user would, with this interpreter's environment active."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PATH": path, "PYTHONDONTWRITEBYTECODE": "1"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    done.everything = done.stdout + done.stderr
    return done


def succeed(folder, *command, **environment):
    done = run(folder, *command, **environment)
    assert done.returncode == 0, done.everything
    return done


def make_clone(target):
    """What a user gets from `git clone`: the files of the working tree that git knows or would add."""
    listed = succeed(ROOT, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target / name)
    succeed(target, "git", "init", "-q", "-b", "main")
    for key, value in {"user.name": "A User", "user.email": "user@example.org"}.items():
        succeed(target, "git", "config", key, value)
    commit(target, "A clone")
    return target


def commit(clone, message):
    succeed(clone, "git", "add", "-A")
    succeed(clone, "git", "commit", "-q", "-m", message)


# A new model is one file on top of an existing one ...
WIDE = """# @package models.cnn_wide
# cnn with other filters. dvc exp run -S model=cnn_wide
defaults: [cnn@_here_, _self_]
knobs: {filters: [8, 24]}
"""
# ... and a new architecture one module.
LINEAR = """# @package models.linear
# Logistic regression on pixels. dvc exp run -S model=linear
defaults: [cnn@_here_, _self_]
arch: linear
phases: {main: {learning_rate: 0.01}}
"""
LINEAR_MODULE = '''"""Logistic regression on pixels."""

import keras

from menagerie.params.model import ScratchModel


def build(spec: ScratchModel, input_shape: tuple[int, int, int], num_classes: int) -> keras.Model:
    inputs = keras.Input(input_shape, dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(inputs)
    logits = keras.layers.Dense(num_classes, dtype="float32", name="logits")(keras.layers.Flatten()(x))
    return keras.Model(inputs, logits, name="linear")
'''


def stages_run(done):
    """The stages that a command of DVC ran, but for look, which always runs."""
    found = re.findall(r"Running stage '([^']+)'", done.everything)
    return [name for name in found if name != "look@folder"]


def outputs_of(folder):
    """The SHA-256 of everything that a stage wrote and that DVC would know."""
    found = [
        path
        for name in ("data", "models", "metrics", "plots", "reports")
        for path in folder.glob(f"{name}/**/*")
    ]
    return {path.relative_to(folder).as_posix(): file_sha256(path) for path in found if path.is_file()}


def draw(folder, count=24):
    """Class folders of pictures 12x12, a colour each, with noise."""
    rng = np.random.default_rng(0)
    for channel, name in enumerate(("red", "green", "blue")):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            pixels = rng.integers(0, 200, (12, 12, 3), np.uint8)
            pixels[..., channel] += 55
            Image.fromarray(pixels).save(folder / name / f"{number:02d}.png")
    return folder


def own_folder(path):
    """The source of a person's own pictures at `path`."""
    return FolderSource(kind="folder", path=str(path), looks=("folder",), watch="data/own/look.json")


def colours(pictures, *models):
    """What composes params.yaml for such pictures and these models, trained for three epochs."""
    chosen = [f"dataset.source.path={pictures}", "dataset.name=colours", f"model=[{','.join(models)}]"]
    return ["dataset=folder", *chosen, "dataset.image_size=[12,12]", "compute.max_epochs=3"]


def results_of(metrics, **parts):
    """Results of models of which `entry` made the metrics: pictures nobody corrupted, all equally right."""
    _, own = evaluated(2, CLASSES, 0)
    stems = ("robustness", "per_class", "areas")
    told = {
        "source": SOURCE,
        "data": data_report(),
        "metrics": metrics,
        "tables": {stem: dict.fromkeys(metrics, own[stem]) for stem in stems},
        "pairs": leaderboard.pairs({name: predictions(range(9)) for name in metrics}),
    }
    return Results(**told | parts)


def further_runs(*accuracies):
    """What replicate writes of a model that got these shares of the val and of the test pictures right."""
    rows = [(seed, 20, share, share) for seed, share in enumerate(accuracies, start=43)]
    return pd.DataFrame(rows, columns=["seed", "epochs", "val_accuracy", "test_accuracy"])


def written(*models, classes=CLASSES, overrides=()):
    """What the stages leave of these models in the working folder, as files; what it is, as values."""
    values = composed(f"model=[{','.join(models)}]", *overrides)
    paths.PARAMS.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    dataset, found = values["dataset"]["name"], results(*models, classes=list(classes))
    figures = {
        paths.data_plots(dataset): found.data_figures,
        paths.comparison_plots(dataset): found.comparison_figures,
    }
    tables = {paths.comparison_plots(dataset): {"pairs": found.pairs}}
    jsons = {paths.source(dataset): found.source, paths.data_report(dataset): found.data}
    for name in models:
        tables.setdefault(paths.replicates(dataset, name).parent, {})[name] = further_runs()
        jsons[paths.metrics(dataset, name) / "metrics.json"] = found.metrics[name]
        jsons[paths.run_record(dataset, name)] = found.runs[name]
        tables[paths.metrics(dataset, name)] = {stem: table[name] for stem, table in found.tables.items()}
        figures[paths.model_plots(dataset, name)] = found.model_figures[name]
    for folder in [*figures, *tables, *(path.parent for path in jsons)]:
        folder.mkdir(parents=True, exist_ok=True)
    for path, value in jsons.items():
        write_json(path, value)
    for folder, pictures in figures.items():
        for stem, png in pictures.items():
            (folder / f"{stem}.png").write_bytes(png)
    for folder, frames in tables.items():
        for stem, table in frames.items():
            table.to_csv(folder / f"{stem}.csv", index=False, lineterminator="\n")
    return found


# findings


def of_kind(kind, section):
    return [block for block in section.blocks if isinstance(block, kind)]


def told(section):
    """The texts of a section, without those of its tables."""
    texts = []
    for block in section.blocks:
        texts += [block.text] if isinstance(block, Paragraph | Notice | Code) else []
        texts += [f"{name}: {text}" for name, text in block.pairs] if isinstance(block, Facts) else []
        texts += block.texts if isinstance(block, Items) else []
    return texts


def rows_of(section, name=None):
    """The rows of the one table of this name, or of the one that there is, each by the columns' titles."""
    (table,) = [one for one in of_kind(Table, section) if name in (None, one.name)]
    titles = [column.title for column in table.columns]
    rows = [*table.rows, *([table.total] if table.total else [])]
    texts = [[f"{cell.text}; {cell.below}" if cell.below else cell.text for cell in row] for row in rows]
    return [dict(zip(titles, row, strict=True)) for row in texts]


def model_facts(classes=("cat", "dog"), image_size=(8, 8), temperature=1.0, model="cnn"):
    """What a model file may say of itself; val has four pictures, of which it answers three right."""
    answered = [4] * 505 + [3] * 96 + [2] * 200 + [1] * 100 + [0] * 99
    return ModelFacts(
        model=model,
        dataset="pets",
        title="Pets",
        classes=list(classes),
        pixels=Pixels(
            image_size=image_size, resize="stretch", jpeg="exact", truncated="refuse", max_pixels=210_000_000
        ),
        temperature=temperature,
        val=Promise(n=4, answered=answered, right=[min(count, 3) for count in answered]),
        images_sha256="0" * 64,
        split_sha256="1" * 64,
        versions=versions(),
    )


def small_model(path, facts, seed=0):
    """Write a model file of a dense layer with random weights, for pictures and classes as `facts` says."""
    import keras

    from menagerie.model_files import save_model

    keras.utils.set_random_seed(seed)
    inputs = keras.Input((*facts.pixels.image_size, 3), dtype="uint8")
    flat = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs))
    save_model(keras.Model(inputs, keras.layers.Dense(len(facts.classes))(flat)), path, facts)
    return path


def hostile_model(path, facts, trace):
    """Write a model file with a layer of Python code, which would make a file at `trace`."""
    import keras

    from menagerie.model_files import save_model

    layer = keras.layers.Lambda(
        lambda x, at: (__import__("pathlib").Path(at).touch(), x)[1], arguments={"at": str(trace)}
    )
    inputs = keras.Input((*facts.pixels.image_size, 3), dtype="uint8")
    outputs = keras.layers.Dense(len(facts.classes))(keras.layers.Flatten()(layer(inputs)))
    save_model(keras.Model(inputs, outputs), path, facts)
    trace.unlink()  # Keras ran it to learn the shape that it gives
    return path
