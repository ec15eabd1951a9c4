"""A training that is stopped at any epoch goes on there, and ends to the bit as one that never was."""

import os
import shutil
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
# Each kind of state that outlives an epoch, in two small networks: model, epochs of a phase, settings.
ONE_PHASE = (  # random layers, plateaus, an early stop that restores the best epoch
    "cnn_augmented",
    20,
    "knobs={filters: [4], conv_dropout: 0.2, dense_units: 8, dense_dropout: 0.5}",
    "phases.main.learning_rate=0.003",
    "phases.main.reduce_on_plateau={monitor: val_accuracy, factor: 0.5, patience: 1, min_delta: 0.0}",
    "phases.main.early_stopping={monitor: val_accuracy, patience: 4, restore_best: true}",
)
MIXED = (  # what is drawn beside the step, with Python's generator too
    "cnn_augmented",
    4,
    "knobs={filters: [4], conv_dropout: 0.2, dense_units: 8, dense_dropout: 0.5}",
    "augment=[{layer: RandomCrop, settings: {height: 24, width: 24}}, {layer: AugMix, settings: {}}, "
    "{layer: MixUp, settings: {}}, {layer: CutMix, settings: {}}]",
)
AVERAGED = (  # the moving average of the weights, which is what val sees and what is kept
    "cnn_augmented",
    12,
    "knobs={filters: [4], conv_dropout: 0.2, dense_units: 8, dense_dropout: 0.5}",
    "phases.main.learning_rate=0.003",
    "+phases.main.optimizer_settings={use_ema: true, ema_momentum: 0.9}",
    "phases.main.reduce_on_plateau=null",
    "phases.main.early_stopping={monitor: val_accuracy, patience: 4, restore_best: true}",
)
TWO_PHASES = (  # a schedule, a frozen prefix, then a network that is trained whole
    "mobilenet_v2_finetune",
    2,
    "base=MobileNet",
    "output_layer=conv_pw_1_relu",
    "image_size=[32,32]",
    "pooling=average",
    "head=[]",
    "phases.head.schedule={kind: exponential, steps: 5, rate: 0.5}",
    "phases.head.reduce_on_plateau=null",
)


class StoppedError(Exception):
    pass


@pytest.fixture(autouse=True)
def every_epoch(monkeypatch):
    monkeypatch.setattr(checkpoints, "EVERY", 0)


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


def fit(params, run, data, checkpoint, on_epoch=lambda measured, epoch: None, prefix_bytes=1e9):
    """Train: the model and its history."""
    name, epochs, *settings = run
    own = [
        f"{'+' * setting.startswith('+')}models.{name}.{setting.removeprefix('+')}" for setting in settings
    ]
    spec = params(f"model={name}", f"models.{name}.batch_size=8", *own).model(name)
    if spec.arch == "pretrained":
        spec = spec.model_copy(update={"weights": "random"})
    seed_everything(3)
    model = build_model(spec, data.images.shape[1:], CLASSES)
    kept = checkpoint.parent / "prefixes"
    session = fitting.Session(3, epochs, kept, prefix_bytes, checkpoint, on_epoch, verbose=0)
    trained = fitting.train(model, spec, data, session)
    return model, trained.history


def fit_and_keep(params, run, data, folder):
    """The same, and of each epoch but the first what a process that ends in it leaves behind."""
    folder.mkdir()

    def keep(measured, epoch):
        if epoch > 1:
            shutil.copy(folder / "checkpoint.npz", folder / f"{epoch}.npz")

    return fit(params, run, data, folder / "checkpoint.npz", keep)


def check_that_stops_change_nothing(stops, params, run, data, folder, whole):
    """Trainings that were stopped in one of these epochs go on there and give what `whole` gave."""
    model, history = whole
    for stop in stops:
        place, told = folder / f"{stop}.npz", []
        before = [row["epoch_seconds"] for row in checkpoints.read(place).rows]
        assert len(before) == stop - 1
        resumed, again = fit(params, run, data, place, lambda *measured, told=told: told.append(measured))
        assert again.equals(history)
        assert all(map(np.array_equal, resumed.get_weights(), model.get_weights()))
        assert [epoch for _, epoch in told] == list(range(1, len(history) + 1))
        seconds = [measured["epoch_seconds"] for measured, _ in told]
        assert seconds[: len(before)] == before  # told again, not run again


def test_a_stopped_phase_ends_as_one_that_never_was(params, data, tmp_path):
    whole = fit_and_keep(params, ONE_PHASE, data, tmp_path / "kept")
    epochs, rates = len(whole[1]), whole[1]["learning_rate"]
    assert 5 <= epochs < 20
    assert rates.nunique() > 2
    stops = [epochs // 2 + 1, epochs]
    check_that_stops_change_nothing(stops, params, ONE_PHASE, data, tmp_path / "kept", whole)


def test_a_stopped_phase_with_mixed_pictures_ends_as_one_that_never_was(params, data, tmp_path):
    whole = fit_and_keep(params, MIXED, data, tmp_path / "kept")
    check_that_stops_change_nothing([3], params, MIXED, data, tmp_path / "kept", whole)


def test_a_stopped_phase_with_averaged_weights_ends_as_one_that_never_was(params, data, tmp_path):
    whole = fit_and_keep(params, AVERAGED, data, tmp_path / "kept")
    epochs = len(whole[1])
    check_that_stops_change_nothing([3, epochs], params, AVERAGED, data, tmp_path / "kept", whole)
    kept = whole[1][whole[1]["kept"]].iloc[0]
    assert kept["val_accuracy"] == whole[1]["val_accuracy"].max()
    logits = whole[0].predict(data.images[data.subsets["val"].rows], verbose=0)
    accuracy = (logits.argmax(axis=1) == data.subsets["val"].labels).mean()
    assert accuracy == pytest.approx(kept["val_accuracy"])


def test_a_phase_without_the_augmentation_keeps_what_frozen_layers_give(params, data, tmp_path):
    flip = "augment=[{layer: RandomFlip, settings: {mode: horizontal}}]"
    run = (*TWO_PHASES, flip, "phases.head.augmented=false")
    whole = fit_and_keep(params, run, data, tmp_path / "kept")
    assert len(list((tmp_path / "kept" / "prefixes").glob("*.npy"))) == 1
    check_that_stops_change_nothing([2, 3, 4], params, run, data, tmp_path / "kept", whole)
    with_it, _ = fit(params, (*TWO_PHASES, flip), data, tmp_path / "with" / "checkpoint.npz")
    assert not list((tmp_path / "with" / "prefixes").glob("*.npy"))
    assert not all(map(np.array_equal, with_it.get_weights(), whole[0].get_weights()))


def test_a_training_stopped_in_either_phase_or_between_them_ends_as_one_that_never_was(
    params, data, tmp_path
):
    whole = fit_and_keep(params, TWO_PHASES, data, tmp_path / "kept")
    assert list(whole[1]["phase"]) == ["head", "head", "finetune", "finetune"]
    assert len(list((tmp_path / "kept" / "prefixes").glob("*.npy"))) == 1
    check_that_stops_change_nothing([2, 3, 4], params, TWO_PHASES, data, tmp_path / "kept", whole)


def test_a_training_that_fails_leaves_where_it_stood(params, data, tmp_path):
    def stop(measured, epoch):
        if epoch == 3:
            raise StoppedError

    with pytest.raises(StoppedError):
        fit(params, ONE_PHASE, data, tmp_path / "checkpoint.npz", stop)
    assert [row["epoch"] for row in checkpoints.read(tmp_path / "checkpoint.npz").rows] == [1, 2]


@pytest.mark.parametrize(
    "damage", [lambda data: b"", lambda data: data[:-200], lambda data: b"no zip at all"]
)
def test_a_checkpoint_that_cannot_be_read_is_none(damage, tmp_path):
    place = tmp_path / "checkpoint.npz"
    rows = [{"epoch": 1, "phase": "main", "loss": 0.5, "epoch_seconds": 0.1}]
    known, best = [{"best": 0.5, "best_epoch": 0, "wait": 1}], [[np.ones(2)]]
    checkpoints.write(place, checkpoints.Checkpoint("main", 0, rows, 1.5, [np.zeros(3)], known, best))
    assert checkpoints.read(place).rows == rows
    place.write_bytes(damage(place.read_bytes()))
    assert checkpoints.read(place) is None


def test_within_a_minute_no_second_one_is_written(params, data, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "EVERY", 3600)
    place = tmp_path / "checkpoint.npz"
    name, _, *settings = ONE_PHASE
    _, history = fit(params, (name, 2, *settings), data, place)
    assert len(history) == 2
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


@pytest.mark.parametrize(("before", "after"), [(1e9, 0), (0, 1e9)])
def test_a_stopped_training_goes_on_with_another_cache_limit(params, data, tmp_path, before, after):
    """Whether the frozen part is trained on what was kept of it or computed: the best weights fit both."""
    stops = "phases.head.early_stopping={monitor: val_loss, patience: 9, restore_best: true}"
    run = (*TWO_PHASES, stops, "phases.head.epochs=4")
    name, _, *settings = run
    run = (name, 4, *settings)

    def stop(measured, epoch):
        if epoch == 3:
            raise StoppedError

    place = tmp_path / "checkpoint.npz"
    with pytest.raises(StoppedError):
        fit(params, run, data, place, stop, before)
    resumed, history = fit(params, run, data, place, prefix_bytes=after)
    model, expected = fit(params, run, data, tmp_path / "other" / "checkpoint.npz", prefix_bytes=after)
    np.testing.assert_allclose(history["val_loss"], expected["val_loss"], rtol=1e-4)
    for got, wanted in zip(resumed.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=1e-4)
