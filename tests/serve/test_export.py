"""`menagerie export`: every format opened by its own runtime, and what is refused."""

import json
import warnings
import zipfile
from importlib.util import find_spec

import keras
import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from PIL import Image

from helpers import composed, model_facts
from menagerie.cli.main import main
from menagerie.files import file_sha256
from menagerie.model_files import save_model
from menagerie.serve.export_parity import Parity, complaint, told
from menagerie.serve.predictor import Predictor

pytestmark = pytest.mark.tensorflow
CLASSES = ("cat", "dog", "hen of Čapek")
SIZE = (10, 12)  # height and width differ, so that a swap is seen
OLDEST = keras.version().startswith("3.12.")
SUFFIXES = {"saved_model": "_saved_model", "onnx": ".onnx", "litert": ".tflite", "torch": ".pt2"}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """Pictures, split and a network, whose own answers are the labels: before export it is always right."""
    folder = tmp_path_factory.mktemp("workspace")
    keras.utils.set_random_seed(3)
    inputs = keras.Input((*SIZE, 3), dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.Conv2D(8, 3, activation="relu")(x)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    logits = keras.layers.Dense(3, dtype="float32", name="logits", kernel_initializer="orthogonal")(x)
    network = keras.Model(inputs, keras.layers.Rescaling(20.0)(logits), name="small")

    rng = np.random.default_rng(0)
    tints = rng.integers(1, 256, (150, 1, 1, 3))
    pictures = (rng.integers(0, 256, (150, *SIZE, 3)) * tints // 255).astype(np.uint8)
    data = folder / "data/pets"
    data.mkdir(parents=True)
    np.save(data / "images.npy", pictures)
    labels = np.asarray(network.predict_on_batch(pictures)).argmax(axis=1)
    table = pd.DataFrame(
        {
            "index": np.arange(150),
            "path": [f"{place}.png" for place in range(150)],
            "class": [CLASSES[label] for label in labels],
            "label": labels,
            "split": np.where(np.arange(150) % 3 == 0, "train", "val"),
        }
    )
    table.to_csv(data / "split.csv", index=False)
    hashes = {
        f"{name}_sha256": file_sha256(data / f"{name}.{suffix}")
        for name, suffix in (("images", "npy"), ("split", "csv"))
    }
    facts = model_facts(CLASSES, SIZE, temperature=2.5).model_copy(update=hashes)
    (folder / "models/pets/cnn").mkdir(parents=True)
    save_model(network, folder / "models/pets/cnn/model.keras", facts)
    settings = composed("dataset=folder", f"dataset.source.path={folder}", "dataset.name=pets", "model=cnn")
    (folder / "params.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    return folder


@pytest.fixture
def here(workspace, monkeypatch):
    monkeypatch.chdir(workspace)
    yield workspace
    assert not list(workspace.rglob("*.part"))


def export(*arguments):
    return CliRunner().invoke(main, ["export", *map(str, arguments)])


def needs(name):
    for package in {"onnx": ("onnx", "onnxruntime", "tf2onnx"), "torch": ("torch",)}.get(name, ()):
        pytest.importorskip(package)
    if name == "litert" and OLDEST:
        pytest.skip("this Keras does not write it")


@pytest.mark.skipif(not OLDEST, reason="of the Keras that does not write LiteRT")
def test_a_keras_that_writes_no_litert_says_which_does(here):
    done = export("--format", "litert")
    assert done.exit_code == 1
    assert f'Keras {keras.version()} does not write it; pip install "keras>=3.15.1"; other' in done.output


# each format, opened as its users open it


def by_saved_model(path, pictures):
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path)).signatures["serving_default"]
    (asked,) = loaded(tf.constant(pictures)).values()
    labels = (path / "assets.extra/labels.txt").read_text(encoding="utf-8").splitlines()
    about = json.loads((path / "assets.extra/menagerie.json").read_text(encoding="utf-8"))
    return asked.numpy(), labels, about


def by_litert(path, pictures):
    import tensorflow as tf

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        interpreter = tf.lite.Interpreter(str(path))
    (inputs,), (outputs,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.resize_tensor_input(inputs["index"], pictures.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(inputs["index"], pictures)
    interpreter.invoke()
    with zipfile.ZipFile(path) as file:
        labels = file.read("labels.txt").decode().splitlines()
        return interpreter.get_tensor(outputs["index"]), labels, json.loads(file.read("menagerie.json"))


def by_onnx(path, pictures):
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (asked,) = session.run(["probabilities"], {"pictures": pictures})
    props = session.get_modelmeta().custom_metadata_map
    assert session.get_inputs()[0].shape == ["batch", *SIZE, 3]
    return asked, json.loads(props["classes"]), json.loads(props["menagerie.json"])


def by_torch(path, pictures):
    import torch

    extra = {"menagerie.json": ""}
    module = torch.export.load(path, extra_files=extra).module()
    about = json.loads(extra["menagerie.json"])
    return module(torch.from_numpy(pictures)).detach().numpy(), about["classes"], about


OPENED = {"saved_model": by_saved_model, "litert": by_litert, "onnx": by_onnx, "torch": by_torch}


@pytest.mark.parametrize("name", OPENED)
def test_a_format_gives_the_calibrated_probabilities_of_the_network_and_knows_its_classes(here, name):
    needs(name)
    done = export("--format", name)
    assert done.exit_code == 0, done.output
    assert "parity on 100 pictures (val of pets)" in done.output
    assert "0 other answers; accuracy 100.00% (before 100.00%)" in done.output
    path = here / f"exports/pets/cnn{SUFFIXES[name]}"
    pictures, known = np.load("data/pets/images.npy"), Predictor(here / "models/pets/cnn/model.keras")
    for count in (1, 7):
        asked, classes, about = OPENED[name](path, pictures[:count])
        np.testing.assert_allclose(asked, known.probabilities(pictures[:count]), atol=1e-4)
    assert classes == list(CLASSES)
    assert about["pixels"]["resize"] == "stretch"
    assert about["temperature"] == 2.5
    assert about["output_is"].startswith("calibrated probabilities")


@pytest.mark.parametrize("quantize", ["float16", "int8"])
@pytest.mark.parametrize("name", ["litert", "onnx"])
def test_smaller_numbers_give_nearly_the_same_answers(here, name, quantize):
    needs(name)
    done = export("--format", name, "--quantize", quantize, "--allow", 5)
    assert done.exit_code == 0, done.output
    path = here / f"exports/pets/cnn_{quantize}{SUFFIXES[name]}"
    pictures = np.load("data/pets/images.npy")
    asked, classes, about = OPENED[name](path, pictures)
    known = Predictor(here / "models/pets/cnn/model.keras").probabilities(pictures)
    largest = np.abs(asked - known).max()
    assert 1e-6 < largest < {"float16": 0.02, "int8": 0.2}[quantize]
    assert classes == list(CLASSES)
    assert about["quantize"] == quantize


# what is refused leaves nothing behind


def test_a_quantized_file_that_loses_accuracy_is_an_error_and_is_not_kept(here, tmp_path):
    needs("litert")
    pictures, table = np.load("data/pets/images.npy"), pd.read_csv("data/pets/split.csv")
    dark = pictures.copy()
    dark[table["split"] == "train"] = 0  # the ranges of a dark night
    folder = tmp_path / "elsewhere"
    (folder / "data/pets").mkdir(parents=True)
    np.save(folder / "data/pets/images.npy", dark)
    (folder / "data/pets/split.csv").write_bytes((here / "data/pets/split.csv").read_bytes())
    known = Predictor(here / "models/pets/cnn/model.keras")
    facts = known.facts.model_copy(update={"images_sha256": file_sha256(folder / "data/pets/images.npy")})
    save_model(known.model, folder / "night.keras", facts)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        target = folder / "night.tflite"
        done = export("--format", "litert", "--quantize", "int8", "--file", "night.keras", "--output", target)
        assert done.exit_code == 1
        assert "litert answers otherwise: accuracy falls by" in done.output
        assert "allowed are 1.00; nothing was written. parity on 100 pictures" in done.output
        assert not target.exists()


PARITY = Parity("val", 200, 9e-5, 1, (0.9, 0.895), (2.0, 1.0), (1000, 500))


@pytest.mark.parametrize(
    ("change", "quantized", "message"),
    [
        ({}, False, None),
        ({"largest": 1.1e-4}, False, "a probability differs by more than 0.0001"),
        ({"largest": float("nan")}, False, "a probability is no number"),
        ({"largest": 0.3}, True, None),
        ({"accuracy": (0.9, 0.88)}, True, "accuracy falls by 2.00 points, allowed are 1.00"),
        ({"accuracy": (0.9, 0.99)}, True, None),
        ({"accuracy": None, "changed": 2}, True, None),
        ({"accuracy": None, "changed": 3}, True, "1.50% of the answers change, allowed are 1.00%"),
    ],
)
def test_parity_is_judged_by_what_was_quantized(change, quantized, message):
    assert complaint(PARITY._replace(**change), quantized, 0.01) == message


def test_parity_is_one_line():
    assert told(PARITY) == (
        "parity on 200 pictures (val): largest difference of a probability 9.0e-05, 1 other answers; "
        "accuracy 89.50% (before 90.00%); 1.00 ms a picture (before 2.00); 500 bytes (before 1,000)"
    )
    assert "accuracy" not in told(PARITY._replace(accuracy=None))


@pytest.mark.parametrize(("name", "quantize"), [("torch", "int8"), ("saved_model", "float16")])
def test_what_cannot_be_quantized_says_what_can(here, name, quantize):
    done = export("--format", name, "--quantize", quantize)
    assert done.exit_code == 1
    expected = f"--format {name} cannot be quantized to {quantize}; what can: onnx, litert"
    assert expected in done.output


@pytest.mark.parametrize(("name", "package"), [("onnx", "onnx"), ("torch", "torch")])
def test_a_package_that_is_missing_is_named_with_the_command_that_brings_it(here, name, package):
    if find_spec(package):
        pytest.skip(f"{package} is installed")
    done = export("--format", name)
    assert done.exit_code == 1
    assert f"--format {name} needs {package}" in done.output
    assert f"pip install -e '.[{name}]'" in done.output


def test_without_the_pictures_of_the_training_others_have_to_be_named(here, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = here / "models/pets/cnn/model.keras"
    done = export("--format", "saved_model", "--file", model)
    assert done.exit_code == 1
    assert "data/pets/images.npy is not there, so val cannot check" in done.output
    assert "--pictures FOLDER" in done.output

    pictures = np.load(here / "data/pets/images.npy")
    (tmp_path / "own/cat").mkdir(parents=True)
    (tmp_path / "own/cat/broken.png").write_bytes(b"no picture")
    for place in range(5):
        Image.fromarray(pictures[place]).save(tmp_path / f"own/cat/{place}.png")
    done = export("--format", "saved_model", "--file", model, "--pictures", "own", "--output", "out")
    assert done.exit_code == 0, done.output
    assert "parity on 5 pictures (of own, 1 others could not be read)" in done.output
    right = (Predictor(model).probabilities(pictures[:5]).argmax(axis=1) == 0).mean()
    assert f"accuracy {right:.2%} (before {right:.2%})" in done.output
    again = export("--format", "saved_model", "--file", model, "--pictures", "own/cat", "--output", "out")
    assert again.exit_code == 0, again.output  # an earlier one is replaced


def test_no_folder_of_something_else_is_replaced(here, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/chapter.txt").write_text("years of work")
    for name in ("saved_model", "litert"):
        target = tmp_path / "thesis.tflite" if name == "litert" else tmp_path / "thesis"
        target.mkdir(exist_ok=True)
        done = export("--format", name, "--output", target)
        assert done.exit_code == 1
        assert "choose another --output" in done.output
    assert (tmp_path / "thesis/chapter.txt").read_text() == "years of work"
    done = export("--format", "litert", "--output", tmp_path / "model.lite")
    assert done.exit_code == 1
    assert "should end with .tflite" in done.output
