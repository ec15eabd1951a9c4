"""Models of several networks: trained as each alone, stopped and gone on, read back, explained."""

from pathlib import Path

import numpy as np
import pytest

from menagerie.data import Data, Subset

keras = pytest.importorskip("keras")

from helpers import model_facts  # noqa: E402
from menagerie.evaluate.grad_cam import grad_cam  # noqa: E402
from menagerie.model_files import load_model, predict, save_model  # noqa: E402
from menagerie.train import checkpoints, fitting, members  # noqa: E402
from menagerie.train.building import untrained  # noqa: E402

pytestmark = pytest.mark.tensorflow

CLASSES = 3
SMALL = (
    "model=cnn",
    "models.cnn.batch_size=8",
    "models.cnn.knobs={filters: [4], conv_dropout: 0.2, dense_units: 8, dense_dropout: 0.5}",
    "models.cnn.phases.main.learning_rate=0.003",
    "models.cnn.phases.main.epochs=3",
)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 150, (40, 16, 16, 3), np.uint8)
    for row in range(40):
        pictures[row, :, :, row % CLASSES] += 60
    path = tmp_path_factory.mktemp("data") / "images.npy"
    np.save(path, pictures)
    rows = np.arange(40)
    splits = {
        name: Subset(part, (part % CLASSES).astype(np.int32), part.astype(object))
        for name, part in (("train", rows[:28]), ("val", rows[28:]))
    }
    return Data(np.load(path, mmap_mode="r"), list("abc"), splits)


class StoppedError(Exception):
    pass


def fit(settings, data, seed, checkpoint=Path("none.npz"), on_epoch=lambda measured, epoch: None):
    spec = settings.model("cnn")
    session = fitting.Session(seed, None, Path("unused"), 0, checkpoint, on_epoch, verbose=0)
    first = untrained(spec, data, seed, settings.compute)
    return members.fit(first, spec, data, session, settings.compute)


def probabilities(model, data):
    return keras.ops.convert_to_numpy(keras.ops.softmax(predict(model, data.images, np.arange(40))))


@pytest.fixture(scope="module")
def three(params, data):
    return fit(params(*SMALL, "models.cnn.members=3"), data, 5)


def test_members_are_trained_as_each_alone_and_answer_with_the_mean_of_their_probabilities(
    params, data, three
):
    seeds = [5, members.further_seed(5, 2), members.further_seed(5, 3)]
    alone = [fit(params(*SMALL), data, seed) for seed in seeds]
    each = [probabilities(network, data) for network, _ in alone]
    assert np.abs(each[0] - each[1]).max() > 0.01
    network, trained = three
    np.testing.assert_allclose(probabilities(network, data), np.mean(each, axis=0), atol=1e-6)
    histories = [one.history for _, one in alone]
    assert trained.history["val_loss"].tolist() == [loss for one in histories for loss in one["val_loss"]]


def test_the_history_counts_epochs_through_and_keeps_one_of_each_member(three):
    history = three[1].history
    assert history["epoch"].tolist() == list(range(1, 10))
    assert history["phase"].tolist() == ["main"] * 3 + ["main 2"] * 3 + ["main 3"] * 3
    kept = history[history["kept"]]
    assert [(epoch - 1) // 3 for epoch in kept["epoch"]] == [0, 1, 2]
    assert three[1].pictures_per_second == pytest.approx(9 * 28 / three[1].fit_seconds)


def test_no_two_members_of_any_seeds_have_one_seed():
    seeds = [*range(200), *(members.further_seed(seed, number) for seed in range(200) for number in (2, 3))]
    assert len(set(seeds)) == 600


@pytest.mark.parametrize("stop", [5, 8])
def test_a_training_that_stops_in_a_later_member_goes_on_there_to_the_same_weights(
    params, data, three, tmp_path, monkeypatch, stop
):
    monkeypatch.setattr(checkpoints, "EVERY", 0)
    settings, told = params(*SMALL, "models.cnn.members=3"), []

    def stopping(measured, epoch):
        if epoch == stop:
            raise StoppedError

    with pytest.raises(StoppedError):
        fit(settings, data, 5, tmp_path / "kept.npz", stopping)
    network, trained = fit(
        settings, data, 5, tmp_path / "kept.npz", lambda measured, epoch: told.append(epoch)
    )
    assert all(map(np.array_equal, network.get_weights(), three[0].get_weights()))
    assert trained.history.equals(three[1].history)
    assert told == list(range(1, 10))


def test_what_members_kept_goes_with_the_checkpoint(params, data, tmp_path):
    network = untrained(params(*SMALL).model("cnn"), data, 5, params().compute)
    with checkpoints.kept(tmp_path, "facts", [], network) as path:
        (tmp_path / f"{path.stem}.2.npz").touch()
        path.touch()
    assert [one.suffix for one in tmp_path.iterdir()] == [".lock"]


def test_members_with_views_answer_from_their_file_as_from_memory(params, data, tmp_path):
    settings = params(*SMALL, "models.cnn.members=2", "models.cnn.tta=[flip, crops]")
    network, _ = fit(settings, data, 5)
    save_model(network, tmp_path / "model.keras", model_facts(["a", "b", "c"], (16, 16)))
    np.testing.assert_array_equal(
        probabilities(load_model(tmp_path / "model.keras"), data), probabilities(network, data)
    )


def test_the_heat_of_several_members_is_the_mean_of_theirs(data, three):
    pictures, classes = np.array(data.images[:4]), np.array([0, 1, 2, 0])
    each = [grad_cam(layer, pictures, classes) for layer in three[0].layers if isinstance(layer, keras.Model)]
    assert len(each) == 3
    mean = np.mean(each, axis=0)
    expected = mean / mean.max(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(grad_cam(three[0], pictures, classes), expected, atol=1e-6)


def test_a_network_is_built_in_the_precision_asked_for_whatever_was_built_before(params, data):
    settings = params(*SMALL, "compute.precision=mixed_bfloat16")
    spec = settings.model("cnn")
    try:
        for _ in range(2):
            network = untrained(spec, data, 1, settings.compute)
            kinds = {
                layer.compute_dtype for layer in network.layers if isinstance(layer, keras.layers.Conv2D)
            }
            assert kinds == {"bfloat16"}
    finally:
        keras.config.set_dtype_policy("float32")
