"""A clone in which the real DVC ran two new models on small pictures, and a folder for single stages."""

import pytest
import yaml

from helpers import ROOT, colours, commit, composed, draw, make_clone, stages_run, succeed

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


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    return draw(tmp_path_factory.mktemp("pictures") / "three colours")


@pytest.fixture(scope="session")
def choice(pictures):
    """The arguments of `dvc exp run` for these pictures and the two new models."""
    return [part for one in colours(pictures, "cnn_wide", "linear") for part in ("-S", one)]


@pytest.fixture(scope="session")
def clone(tmp_path_factory, choice):
    """A clone with a model more and an architecture more, run and committed."""
    target = make_clone(tmp_path_factory.mktemp("clone"))
    (target / "conf/model/cnn_wide.yaml").write_text(WIDE, encoding="utf-8")
    (target / "conf/model/linear.yaml").write_text(LINEAR, encoding="utf-8")
    (target / "src/menagerie/models/linear.py").write_text(LINEAR_MODULE, encoding="utf-8")
    first = succeed(target, "dvc", "exp", "run", *choice)
    assert stages_run(first) == [
        "download", "prepare", "split", "train@cnn_wide", "train@linear",
        "evaluate@cnn_wide", "evaluate@linear", "replicate@cnn_wide", "replicate@linear", "compare",
    ]  # fmt: skip
    commit(target, "Two models")
    return target


@pytest.fixture(scope="session")
def prepared(tmp_path_factory, pictures):
    """A folder with code, settings, pictures and split, on which single stages are run without DVC."""
    target = tmp_path_factory.mktemp("prepared")
    (target / "src").symlink_to(ROOT / "src")
    settings = composed(*colours(pictures, "cnn"))
    (target / "params.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    for stage in ("download", "prepare", "split"):
        succeed(target, "python", "src", stage)
    return target
