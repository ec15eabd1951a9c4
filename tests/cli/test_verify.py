"""`menagerie verify`: trainings that are the same twice, and one that is not."""

import re
import shutil

import pytest
import yaml

from helpers import ROOT, colours, composed, draw, run, succeed

pytestmark = [pytest.mark.slow, pytest.mark.tensorflow]

MENAGERIE = ("python", "-c", "from menagerie.cli.main import main; main()")
# One of each kind: from scratch, augmented, a frozen base whose features are kept, a head and then the base.
MODELS = ("ann", "cnn_augmented", "mobilenet_v2_transfer", "mobilenet_v2_finetune")
BASES = [
    f"models.{name}.{small}" for name in MODELS[2:] for small in ("weights=random", "image_size=[32,32]")
]
UNSEEDED = """
import os


def build(spec, input_shape, num_classes):
    inputs = keras.Input(input_shape, dtype="uint8")
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs))
    x = keras.layers.Dropout(0.5, seed=int.from_bytes(os.urandom(2)))(x)
    return keras.Model(inputs, keras.layers.Dense(num_classes, dtype="float32", name="logits")(x))
"""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A folder with code, settings, pictures and split."""
    folder = tmp_path_factory.mktemp("prepared")
    pictures = draw(folder / "three colours")
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    settings = composed(*colours(pictures, *MODELS), *BASES)
    (folder / "params.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    for stage in ("download", "prepare", "split"):
        succeed(folder, "python", "src", stage)
    return folder


@pytest.mark.parametrize("name", MODELS)
def test_a_model_of_each_kind_is_the_same_twice(prepared, name):
    told = succeed(prepared, *MENAGERIE, "verify", "--model", name, "--epochs", "2", PYTHONPATH="src").stdout
    assert re.search(rf"verify: \d\d files of {name} have the same bytes twice\n", told)
    assert re.search(r"determinism costs \d\.\d\d times the time here\n$", told)
    assert not (prepared / "models").exists()
    assert not (prepared / "mlflow.db").exists()


def test_a_layer_without_a_seed_is_found_out(prepared, tmp_path):
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    module = tmp_path / "src/menagerie/models/ann.py"
    module.write_text(module.read_text(encoding="utf-8") + UNSEEDED, encoding="utf-8")
    done = run(tmp_path, *MENAGERIE, "verify", "--model", "ann", "--epochs", "2", PYTHONPATH="src")
    assert done.returncode == 1
    assert re.search(
        r"Error: models/colours/ann/(history.csv|model.keras) is not the same twice", done.stderr
    )


def test_before_there_are_pictures_the_command_that_makes_them_is_named(tmp_path):
    shutil.copyfile(ROOT / "params.yaml", tmp_path / "params.yaml")
    done = run(tmp_path, *MENAGERIE, "verify", PYTHONPATH=str(ROOT / "src"))
    assert done.returncode == 1
    assert "data/digits/images.npy is not there; make it with `dvc repro split`" in done.stderr
