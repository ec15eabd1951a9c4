"""The frozen prefix: where it ends, that training on what it gave changes nothing, and that it is kept."""

import logging
import os
import threading

import numpy as np
import pytest

from helpers import MODELS, recipe
from menagerie.data import Data, Subset

keras = pytest.importorskip("keras")

from menagerie import model_files  # noqa: E402
from menagerie.models.parts.choosing import chosen  # noqa: E402
from menagerie.models.parts.imagenet import BASES  # noqa: E402
from menagerie.train import fitting  # noqa: E402
from menagerie.train.building import build_model  # noqa: E402
from menagerie.train.prefix import prefix_outputs, split_at_prefix  # noqa: E402
from menagerie.train.seeding import seed_everything  # noqa: E402

pytestmark = pytest.mark.tensorflow

CLASSES = 3
GB = 1e9


@pytest.fixture
def networks_let_go():
    """Those of one test after another would add up to many GB."""
    yield
    keras.utils.clear_session()


def pictures(folder, side, count=20):
    path = folder / "images.npy"
    np.save(path, np.random.default_rng(0).integers(0, 256, (count, side, side, 3), np.uint8))
    return np.load(path, mmap_mode="r")


def subset(rows):
    rows = np.asarray(rows)
    return Subset(rows, (rows % CLASSES).astype(np.int32), rows.astype(object))


def splits(images):
    """Train and val lie mixed, and some rows are in neither."""
    rows = np.random.default_rng(1).permutation(len(images))[2:]
    return Data(images, list("abc"), {"train": subset(rows[:-6]), "val": subset(rows[-6:])})


def fit(spec, images, folder, cache_gb, epochs=2):
    seed_everything(5)
    model = build_model(spec, images.shape[1:], CLASSES)
    place = folder / "checkpoint.npz"
    session = fitting.Session(5, epochs, folder, cache_gb * GB, place, lambda *_: None, verbose=0)
    trained = fitting.train(model, spec, splits(images), session)
    return model, trained.history


def spec_of(params, name):
    smaller = ["models.ann.knobs.dense_units=[32,16]"] if name == "ann" else []
    spec = params(f"model={name}", f"models.{name}.batch_size=8", *smaller).model(name)
    spec, _ = chosen(spec, (80, 80), CLASSES, 20)
    return spec.model_copy(update={"weights": "random"}) if spec.arch == "pretrained" else spec


def layer_before(model):
    """The name of the layer that the prefix ends with; None when there is no prefix."""
    parts = split_at_prefix(model)
    return parts and parts[0].layers[-1].name


def freezes_first_layers(name):
    """Whether a pretrained model has a phase in which the first layers of its base are fixed."""
    spec = recipe(name)
    kinds = {phase["freeze"]["kind"] for phase in spec["phases"].values() if "freeze" in phase}
    return spec["arch"] == "pretrained" and bool(kinds & {"all", "all_but_last"})


QUICK = "mobilenet_imagenet"  # the base with the fewest layers
PREFIXED = [
    "ann",
    *(
        name if name == QUICK else pytest.param(name, marks=pytest.mark.slow)
        for name in MODELS
        if freezes_first_layers(name)
    ),
]


@pytest.mark.usefixtures("networks_let_go")
@pytest.mark.parametrize("name", PREFIXED)
def test_training_on_what_the_prefix_gave_is_training_the_whole(params, tmp_path, name):
    spec, side = spec_of(params, name), 80
    if spec.arch == "pretrained":
        side = BASES[spec.base].least
        # Where augmentation comes first, nothing is kept; pictures as large as the recipe's take minutes.
        spec = spec.model_copy(update={"augment": (), "image_size": spec.image_size and (side, side)})
    if spec.arch == "pretrained" and spec.image_size:
        side += 8  # so that they are resized
    # Adam makes of the rounding of a gradient that is nearly none a step as long as any.
    plainly = {"optimizer": "sgd", "optimizer_settings": {}, "learning_rate": 0.01}
    phases = {name: phase.model_copy(update=plainly) for name, phase in spec.phases.items()}
    spec = spec.model_copy(update={"phases": phases})
    images = pictures(tmp_path, side)
    plain, without = fit(spec, images, tmp_path / "none", 0)
    cached, history = fit(spec, images, tmp_path / "kept", 1)
    assert not list((tmp_path / "none").glob("*.npy"))  # after a minute a checkpoint may be there
    assert len(list((tmp_path / "kept").glob("*.npy"))) >= 1
    for column in ("loss", "val_loss", "accuracy", "val_accuracy", "learning_rate"):
        np.testing.assert_allclose(history[column], without[column], rtol=2e-3, atol=1e-4, err_msg=column)
    for one, other in zip(plain.weights, cached.weights, strict=True):
        scale = np.abs(one.numpy()).max()
        np.testing.assert_allclose(
            one.numpy(), other.numpy(), rtol=2e-3, atol=2e-3 * scale + 1e-6, err_msg=one.path
        )


def test_the_saved_model_is_the_whole_network(params, tmp_path):
    images = pictures(tmp_path, 80)
    model, _ = fit(spec_of(params, "ann"), images, tmp_path / "kept", 1)
    path = tmp_path / "model.keras"
    model_files.save_model(model, path)
    loaded = model_files.load_model(path)
    assert loaded.input_shape == (None, 80, 80, 3)
    rows = np.arange(20)
    np.testing.assert_array_equal(
        model_files.predict(loaded, images, rows), model_files.predict(model, images, rows)
    )


@pytest.mark.parametrize(
    ("name", "side", "end"),
    [
        ("ann", 80, "flatten"),  # resized, scaled, flattened: fewer bytes than the pictures have
        ("ann", 8, None),  # enlarged: more bytes than the pictures have
        ("cnn", 48, None),  # scaled to float32: four times the bytes
        ("mobilenet_v2_partial", 40, None),  # the last ten are frozen, the first are trained
        ("mobilenet_v2_transfer", 40, "flatten"),
    ],
)
def test_the_prefix_ends_before_what_is_random_or_trained(params, name, side, end):
    spec = spec_of(params, name)
    if spec.arch == "pretrained":
        spec = spec.model_copy(update={"base": "MobileNet"})  # the base with the fewest layers
    model = build_model(spec, (side, side, 3), CLASSES)
    if spec.arch == "pretrained":
        fitting.freeze(model, next(iter(spec.phases.values())))
    found = layer_before(model)
    assert found is None if end is None else found.startswith(end)


def test_a_branch_that_goes_past_a_layer_keeps_the_cut_before_it():
    """input -> a -> b -> c -> add(a, c) -> logits: after b, a is still needed; after add nothing else is."""
    inputs = keras.Input((8, 8, 3), dtype="uint8")
    x = a = keras.layers.Conv2D(4, 3, padding="same", name="a")(keras.layers.Rescaling(1 / 255)(inputs))
    for name in "bc":
        x = keras.layers.Conv2D(4, 3, padding="same", name=name)(x)
    x = keras.layers.Add(name="add")([a, x])
    logits = keras.layers.Dense(2, name="logits")(keras.layers.Flatten(name="flat")(x))
    model = keras.Model(inputs, logits)
    for frozen, end in (("a", "a"), ("b", "a"), ("c", "flat")):
        model.get_layer(frozen).trainable = False
        assert layer_before(model) == end


def test_normalization_that_is_trained_is_no_part_of_a_prefix():
    """Without scale and offset it has no trainable weights, yet its statistics change at every step."""
    inputs = keras.Input((8, 8, 3), dtype="uint8")
    x = keras.layers.Conv2D(4, 3, name="conv", trainable=False)(keras.layers.Rescaling(1 / 255)(inputs))
    x = keras.layers.BatchNormalization(center=False, scale=False, name="bn")(x)
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(x)))
    assert layer_before(model) == "conv"
    model.get_layer("bn").trainable = False
    assert layer_before(model).startswith("flatten")


@pytest.mark.parametrize(
    "layer", [keras.layers.Dropout(0.5), keras.layers.RandomFlip(), keras.layers.GaussianNoise(0.1)]
)
def test_random_layers_end_the_prefix(layer):
    inputs = keras.Input((8, 8, 3), dtype="uint8")
    x = keras.layers.Conv2D(4, 3, name="conv", trainable=False)(keras.layers.Rescaling(1 / 255)(inputs))
    x = keras.layers.Conv2D(4, 3, trainable=False)(layer(x))
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(x)))
    assert layer_before(model) == "conv"


# what is kept


def small_prefix(seed=0, filters=2):
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((16, 16, 3), dtype="uint8")
    x = keras.layers.Conv2D(filters, 3, name="conv")(keras.layers.Rescaling(1 / 255, name="scale")(inputs))
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D(name="pool")(x), name="prefix")


def counted(prefix):
    """The same prefix, and how many pictures went through it."""
    passed = []
    real = prefix.predict_on_batch
    prefix.predict_on_batch = lambda batch: passed.append(len(batch)) or real(batch)
    return passed


def test_a_second_run_reads_what_the_first_computed(tmp_path):
    images, rows = pictures(tmp_path, 16), np.array([3, 4, 9])
    prefix = small_prefix()
    passed = counted(prefix)
    first = prefix_outputs(prefix, images, rows, tmp_path / "kept", GB)
    again = prefix_outputs(prefix, images, rows, tmp_path / "kept", GB)
    assert passed == [3]
    assert isinstance(again, np.memmap)
    assert again.dtype == np.float32
    np.testing.assert_array_equal(first, again)
    expected = keras.ops.convert_to_numpy(small_prefix()(images[rows]))
    np.testing.assert_allclose(first, expected, rtol=1e-5, atol=1e-6)


def test_other_weights_pictures_rows_or_layers_are_computed_anew(tmp_path):
    images, rows = pictures(tmp_path, 16), np.array([3, 4, 9])
    folder = tmp_path / "kept"
    other = np.array(images)
    other[4] += 1
    np.save(tmp_path / "other.npy", other)
    other = np.load(tmp_path / "other.npy", mmap_mode="r")
    prefix_outputs(small_prefix(), images, rows, folder, GB)
    prefix_outputs(small_prefix(seed=1), images, rows, folder, GB)
    prefix_outputs(small_prefix(filters=3), images, rows, folder, GB)
    prefix_outputs(small_prefix(), other, rows, folder, GB)
    prefix_outputs(small_prefix(), images, rows[:2], folder, GB)
    assert len(list(folder.glob("*.npy"))) == 5
    prefix_outputs(small_prefix(), images, rows, folder, GB)
    prefix_outputs(small_prefix(), other, np.array([3, 5, 9]), folder, GB)  # row 5 is new
    assert len(list(folder.glob("*.npy"))) == 6


def test_what_was_used_longest_ago_is_removed_first(tmp_path):
    images, folder = pictures(tmp_path, 16), tmp_path / "kept"
    size = (128 + 4 * 3 * 2) * 2.5  # of a file: its header, three rows of two floats; room for two
    first, second, third = (np.array(rows) for rows in ([0, 1, 2], [3, 4, 5], [6, 7, 8]))
    prefix = small_prefix()
    prefix_outputs(prefix, images, first, folder, size)
    (oldest,) = folder.glob("*.npy")
    prefix_outputs(prefix, images, second, folder, size)
    for path in folder.glob("*.npy"):
        os.utime(path, (1, 1) if path == oldest else (2, 2))
    prefix_outputs(prefix, images, first, folder, size)  # used again: now the second is the oldest
    prefix_outputs(prefix, images, third, folder, size)
    assert oldest.exists()
    assert len(list(folder.glob("*.npy"))) == 2


def test_what_is_larger_than_the_limit_is_not_kept_and_said_once(tmp_path, caplog):
    images = pictures(tmp_path, 16)
    with caplog.at_level(logging.WARNING):
        assert prefix_outputs(small_prefix(), images, np.arange(3), tmp_path / "kept", 10) is None
    assert "more than compute.cache_gb" in caplog.text
    assert not (tmp_path / "kept").exists()


def test_two_runs_at_once_compute_it_once(tmp_path):
    images, rows, folder = pictures(tmp_path, 16), np.arange(10), tmp_path / "kept"
    prefixes = [small_prefix(), small_prefix()]
    passed = [counted(prefix) for prefix in prefixes]
    found = {}
    threads = [
        threading.Thread(
            target=lambda n=n: found.update({n: prefix_outputs(prefixes[n], images, rows, folder, GB)})
        )
        for n in (0, 1)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(map(sum, passed)) == 10
    np.testing.assert_array_equal(found[0], found[1])


def test_a_run_that_is_stopped_leaves_nothing_half_written(tmp_path):
    images, folder = pictures(tmp_path, 16), tmp_path / "kept"
    prefix = small_prefix()
    prefix.predict_on_batch = lambda batch: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        prefix_outputs(prefix, images, np.arange(3), folder, GB)
    assert not list(folder.glob("*.npy*"))
