"""Augmentation beside the step: what is drawn, what becomes of labels, what is trained and measured."""

import random

import numpy as np
import pytest

from menagerie.data import Data, Subset
from menagerie.errors import ModelError

keras = pytest.importorskip("keras")

from menagerie.model_files import load_model, predict, save_model  # noqa: E402
from menagerie.models.parts.augmentation import augmented  # noqa: E402
from menagerie.params.model import AUGMENTATION_LAYERS, MIXING_LAYERS, Layer  # noqa: E402
from menagerie.train import fitting  # noqa: E402
from menagerie.train.augmenting import Augmenter  # noqa: E402
from menagerie.train.building import build_model  # noqa: E402
from menagerie.train.seeding import seed_everything  # noqa: E402

pytestmark = pytest.mark.tensorflow

CLASSES, SIDE = 4, 16
SETTINGS = {
    "AugMix": {},
    "CutMix": {},
    "GaussianNoise": {"stddev": 0.1},
    "MixUp": {"alpha": 0.4},
    "RandAugment": {},
    "RandomBrightness": {"factor": 0.3},
    "RandomColorJitter": {"brightness_factor": 0.3, "saturation_factor": 0.3},
    "RandomContrast": {"factor": 0.3, "value_range": [0, 1]},
    "RandomCrop": {"height": 10, "width": 10},
    "RandomErasing": {"factor": 1.0},
    "RandomFlip": {"mode": "horizontal"},
    "RandomHue": {"factor": 0.3},
    "RandomRotation": {"factor": 0.2},
    "RandomSaturation": {"factor": [0.1, 0.9]},
    "RandomTranslation": {"height_factor": 0.3, "width_factor": 0.3},
    "RandomZoom": {"height_factor": 0.3},
}


def test_every_layer_is_tried_here():
    assert SETTINGS.keys() == {*AUGMENTATION_LAYERS, *MIXING_LAYERS}


def layers(*names):
    return [Layer(layer=name, settings=SETTINGS[name]) for name in names]


def augmenter(*names):
    inputs = keras.Input((SIDE, SIDE, 3), dtype="uint8")
    x = augmented(keras.layers.Rescaling(1 / 255)(inputs), layers(*names))
    model = keras.Model(inputs, keras.layers.Dense(CLASSES)(keras.layers.Flatten()(x)))
    return Augmenter(model, layers(*names))


def batch(count=8):
    rng = np.random.default_rng(0)
    pictures = rng.integers(20, 235, (count, SIDE, SIDE, 3), dtype=np.uint8)
    return pictures, np.eye(CLASSES, dtype=np.float32)[np.arange(count) % CLASSES]


@pytest.mark.parametrize("name", SETTINGS)
def test_what_is_drawn_depends_on_seed_epoch_and_batch_and_on_nothing_before(name):
    first, second = augmenter(name), augmenter(name)
    places = [(3, 5, 7), (4, 5, 7), (3, 6, 7), (3, 5, 8)]
    made = [first(*batch(), place) for place in places]
    for place, (pictures, labels) in reversed(list(zip(places, made, strict=True))):
        random.seed(place[2] + 1)  # Python's own generator has no part in it
        again = second(*batch(), place)
        np.testing.assert_array_equal(again[0], pictures)
        np.testing.assert_array_equal(again[1], labels)
    assert len({pictures.tobytes() for pictures, _ in made}) > 2  # a few draws of few may be equal
    assert all(np.isfinite(pictures).all() for pictures, _ in made)


@pytest.mark.parametrize("name", sorted({*SETTINGS} - {"GaussianNoise"}))
def test_pictures_of_0_to_1_stay_there_and_keep_more_than_one_tone(name):
    """A layer that took them for 0..255 would make them black, or grey, or far too bright."""
    for batch_number in range(4):
        pictures, _ = augmenter(name)(*batch(), (0, 0, batch_number))
        if name == "RandomErasing":  # what it fills is noise of its own
            pictures = np.median(pictures, axis=(1, 2))
        assert pictures.min() > -1e-3
        assert pictures.max() < 1.001
        assert pictures.std() > 0.02


@pytest.mark.parametrize("name", SETTINGS)
def test_outside_training_nothing_is_drawn(name):
    one = augmenter(name)
    pictures, labels = one(*batch(), None)
    assert pictures.shape == ((8, 10, 10, 3) if name == "RandomCrop" else (8, SIDE, SIDE, 3))
    np.testing.assert_array_equal(labels, batch()[1])
    np.testing.assert_array_equal(pictures, one(*batch(), None)[0])
    if name != "RandomCrop":
        np.testing.assert_allclose(pictures, batch()[0] / 255, atol=1e-6)


@pytest.mark.parametrize(
    ("names", "exact"), [(["MixUp"], 1e-5), (["CutMix"], 0.15), (["RandomFlip", "MixUp"], 1e-5)]
)
def test_labels_are_mixed_in_the_shares_of_the_pictures(names, exact):
    """Each class has one grey of its own, so that the mean of a picture tells its shares of two."""
    grey = np.array([0, 60, 120, 240])
    labels = np.arange(32) % CLASSES
    pictures = np.broadcast_to(grey[labels][:, None, None, None], (32, SIDE, SIDE, 3)).astype(np.uint8)
    made, mixed = augmenter(*names)(pictures, np.eye(CLASSES, dtype=np.float32)[labels], (0, 0, 0))
    np.testing.assert_allclose(mixed.sum(axis=1), 1, atol=1e-5)
    assert ((mixed > 0.01) & (mixed < 0.99)).any(axis=1).mean() > 0.2
    np.testing.assert_allclose(made.mean((1, 2, 3)), mixed @ grey / 255, atol=exact)


def test_of_two_that_mix_each_batch_has_one():
    both, pictures = augmenter("CutMix", "MixUp"), batch()[0]
    kinds = set()
    for number in range(12):
        made, _ = both(*batch(), (0, 0, number))
        original = (np.abs(made[:, None] - pictures[None] / 255).max(axis=-1) < 1e-4).any(axis=1)
        kinds.add(bool(original.all()))  # every pixel is one of some picture, or next to none is
    assert kinds == {True, False}


def test_a_crop_larger_than_the_pictures_is_refused_with_the_sizes():
    with pytest.raises(ModelError, match=r"RandomCrop takes 20x20 pixels of pictures of 16x16: .* larger"):
        augmented(
            keras.Input((SIDE, SIDE, 3)), [Layer(layer="RandomCrop", settings={"height": 20, "width": 20})]
        )


# training


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 120, (48, SIDE, SIDE, 3), np.uint8)
    for row in range(48):
        pictures[row, :, :, row % 3] += 100
    path = tmp_path_factory.mktemp("data") / "images.npy"
    np.save(path, pictures)
    rows = np.arange(48)
    splits = {"train": rows[:32], "val": rows[32:]}
    subsets = {
        name: Subset(part, (part % 3).astype(np.int32), part.astype(object)) for name, part in splits.items()
    }
    return Data(np.load(path, mmap_mode="r"), list("abc"), subsets)


def trained(params, data, tmp_path, names):
    small = "models.cnn.knobs={filters: [4], conv_dropout: 0.0, dense_units: 8, dense_dropout: 0.0}"
    spec = params("model=cnn", small, "models.cnn.batch_size=8").model("cnn")
    spec = spec.model_copy(update={"augment": tuple(layers(*names))})
    seed_everything(2)
    model = build_model(spec, data.images.shape[1:], 3)
    nowhere = tmp_path / "nowhere"
    session = fitting.Session(2, 2, nowhere, 0, nowhere, lambda measured, epoch: None, verbose=0)
    return model, fitting.train(model, spec, data, session).history


@pytest.mark.parametrize("names", [["RandomCrop", "RandomFlip"], ["MixUp"], ["AugMix", "CutMix"]])
def test_val_is_measured_on_the_network_that_is_saved(params, data, tmp_path, names):
    model, history = trained(params, data, tmp_path, names)
    save_model(model, tmp_path / "model.keras")
    network, val = load_model(tmp_path / "model.keras"), data.subsets["val"]
    logits = predict(network, data.images, val.rows)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(val.labels, logits)
    assert float(loss) == pytest.approx(history["val_loss"].iloc[-1], rel=1e-4)
    assert not {type(layer).__name__ for layer in network.layers} & {*AUGMENTATION_LAYERS, *MIXING_LAYERS}


def test_mixing_changes_what_is_learned_and_training_again_gives_the_same_bits(params, data, tmp_path):
    def weights(*names):
        return trained(params, data, tmp_path, names)[0].get_weights()

    mixed = weights("MixUp")
    assert all(map(np.array_equal, mixed, weights("MixUp")))
    assert not all(map(np.array_equal, mixed, weights()))
