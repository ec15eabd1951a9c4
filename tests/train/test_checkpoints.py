"""A training that is stopped at any epoch goes on there, and ends to the bit as one that never was."""

import os
import time
from pathlib import Path

import numpy as np
import pytest

from menagerie.data import Data, Subset

keras = pytest.importorskip("keras")

from menagerie.train import checkpoints, fitting  # noqa: E402
from menagerie.train.building import build_model  # noqa: E402
from menagerie.train.seeding import seed_everything  # noqa: E402

pytestmark = pytest.mark.tensorflow

CLASSES = 3
PLATEAU = "phases.main.reduce_on_plateau={monitor: val_loss, factor: 0.5, patience: 1, min_delta: 0.2}"
SCHEDULE = "phases.main.schedule={kind: exponential, steps: 5, rate: 0.5}"
STOPPING = "phases.main.early_stopping={monitor: val_loss, patience: 2, restore_best: true}"
# Each kind of state that outlives an epoch: of optimizers, random layers, callbacks and phases.
RUNS = {
    "random augmentation, plateaus": ("cnn_augmented", 4, PLATEAU),
    "dropout, an early stop": ("leaky_cnn_dropout", 20, STOPPING, "phases.main.learning_rate=0.02"),
    "an exponential schedule": ("cnn", 4, SCHEDULE, "phases.main.reduce_on_plateau=null"),
    "two phases, a frozen prefix": ("mobilenet_v2_finetune", 2, "image_size=[32,32]", "base=MobileNet"),
}


class StoppedError(Exception):
    pass


@pytest.fixture(autouse=True)
def every_epoch(monkeypatch):
    monkeypatch.setattr(checkpoints, "EVERY", 0)
    yield
    keras.utils.clear_session()


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 90, (40, 32, 32, 3), np.uint8)
    for row in range(40):
        pictures[row, :, :, row % CLASSES] += 100
    path = tmp_path_factory.mktemp("data") / "images.npy"
    np.save(path, pictures)
    rows = np.arange(40)
    whole = [(rows[:28], "train"), (rows[28:], "val")]
    splits = {
        name: Subset(part, (part % CLASSES).astype(np.int32), part.astype(object)) for part, name in whole
    }
    return Data(np.load(path, mmap_mode="r"), list("abc"), splits)


def fit(params, run, data, checkpoint, stop=None):
    """Train; `stop` is an epoch in which the process ends. The model, its history, what was told."""
    name, epochs, *settings = run
    own = [f"models.{name}.{setting}" for setting in settings]
    spec = params(f"model={name}", f"models.{name}.batch_size=8", *own).model(name)
    if spec.arch == "pretrained":
        spec = spec.model_copy(update={"weights": "random"})
    seed_everything(3)
    model = build_model(spec, data.images.shape[1:], CLASSES)
    told = []

    def on_epoch(measured, epoch):
        told.append((epoch, measured))
        if epoch == stop:
            raise StoppedError

    kept = checkpoint.parent / "prefixes"
    session = fitting.Session(3, epochs, kept, 1e9, checkpoint, on_epoch, verbose=0)
    trained = fitting.train(model, spec, data, session)
    return model, trained.history, told


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(run, id=kind, marks=[pytest.mark.slow] if run[0].endswith("finetune") else [])
        for kind, run in RUNS.items()
    ],
)
def test_a_stopped_training_ends_as_one_that_never_was(run, params, data, tmp_path):
    model, history, _ = fit(params, run, data, tmp_path / "whole" / "checkpoint.npz")
    weights, epochs = model.get_weights(), len(history)
    assert epochs > 3
    if "early_stopping" in str(run):
        assert epochs < 20
    for stop in (epochs // 2 + 1, epochs):
        place = tmp_path / str(stop) / "checkpoint.npz"
        with pytest.raises(StoppedError):
            fit(params, run, data, place, stop)
        before = [row["epoch_seconds"] for row in checkpoints.read(place).rows]
        assert len(before) == stop - 1 or (run[0].endswith("finetune") and len(before) == 1)
        resumed, again, told = fit(params, run, data, place)
        assert again.equals(history)
        assert all(map(np.array_equal, resumed.get_weights(), weights))
        assert [epoch for epoch, _ in told] == list(range(1, epochs + 1))
        seconds = [measured["epoch_seconds"] for _, measured in told]
        assert seconds[: len(before)] == before  # told again, not run again


@pytest.mark.parametrize(
    "damage", [lambda data: b"", lambda data: data[:-200], lambda data: b"no zip at all"]
)
def test_a_checkpoint_that_cannot_be_read_is_none(damage, params, data, tmp_path):
    place = tmp_path / "checkpoint.npz"
    with pytest.raises(StoppedError):
        fit(params, RUNS["an exponential schedule"], data, place, stop=3)
    assert len(checkpoints.read(place).rows) == 2
    place.write_bytes(damage(place.read_bytes()))
    assert checkpoints.read(place) is None


def test_within_a_minute_no_second_one_is_written(params, data, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "EVERY", 3600)
    place = tmp_path / "checkpoint.npz"
    fit(params, RUNS["an exponential schedule"], data, place)
    assert not place.exists()


def small():
    return keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1, kernel_initializer="ones")])


def test_it_is_found_again_by_what_the_training_depends_on_and_by_nothing_else(tmp_path):
    file = tmp_path / "images.npy"
    file.write_bytes(b"one")

    def place(facts, model):
        with checkpoints.kept(tmp_path / "kept", facts, [file], model) as path:
            return path

    first, model = place((1, "a"), small()), small()
    assert place((1, "a"), small()) == first
    assert place((2, "a"), small()) != first
    model.set_weights([2 * weight for weight in model.get_weights()])
    assert place((1, "a"), model) != first
    file.write_bytes(b"two")
    assert place((1, "a"), small()) != first


def test_it_stays_after_an_error_and_goes_after_success_or_a_month(tmp_path):
    def once(facts, error=None):
        with checkpoints.kept(tmp_path, facts, [], small()) as path:
            Path(path).touch()
            if error:
                raise error
        return path

    with pytest.raises(StoppedError):
        once(1, StoppedError())
    (left,) = tmp_path.glob("*.npz")
    assert not once(2).exists()
    assert left.exists()
    long_ago = time.time() - 31 * 24 * 3600
    os.utime(left, (long_ago, long_ago))
    once(2)
    assert not left.exists()
