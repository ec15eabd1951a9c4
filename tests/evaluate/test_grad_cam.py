"""Grad-CAM: networks whose answer is known, finite differences, and every architecture."""

from contextlib import contextmanager

import numpy as np
import pytest
import yaml
from PIL import Image

from helpers import ROOT

keras = pytest.importorskip("keras")

from menagerie.evaluate.grad_cam import grad_cam  # noqa: E402
from menagerie.train.building import build_model  # noqa: E402

pytestmark = pytest.mark.tensorflow

ARCHITECTURES = {
    yaml.safe_load(path.read_text("utf-8")).get("arch") for path in ROOT.glob("conf/model/*.yaml")
}
CONVOLUTIONAL = sorted(ARCHITECTURES - {None, "ann", "pretrained"})  # each has a model file of its name
LARGE = (16, 24)


def noise(*shape):
    return np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)


@contextmanager
def precision(policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def at_peak_1(maps):
    return np.maximum(maps, 0) / maps.max(axis=(1, 2), keepdims=True)


# known answers


@pytest.mark.parametrize(
    ("policy", "tolerance"), [("float32", 2e-4), ("mixed_float16", 5e-3), ("mixed_bfloat16", 3e-2)]
)
def test_under_a_mean_and_one_layer_it_is_the_class_activation_map(policy, tolerance):
    """Zhou et al., CVPR 2016: there the weights of the class's logit are those of the maps."""
    rng = np.random.default_rng(0)
    kernel, weights = rng.normal(size=(3, 6)), rng.normal(scale=1e-4, size=(6, 4))
    with precision(policy):
        inputs = keras.Input((61, 67, 3), dtype="uint8")
        x = keras.layers.Rescaling(1 / 255)(inputs)
        x = keras.layers.GaussianNoise(1.0)(keras.layers.RandomFlip()(x))  # silent, like all that is random
        x = keras.layers.Conv2D(6, 1, use_bias=False, name="conv")(x)
        x = keras.layers.Dropout(0.9)(keras.layers.ReLU()(x))
        x = keras.layers.Dropout(0.9)(keras.layers.GlobalAveragePooling2D()(x))
        x = keras.layers.Dense(4, use_bias=False, dtype="float32", name="logits")(x)
        model = keras.Model(inputs, x)
    model.get_layer("conv").set_weights([kernel[np.newaxis, np.newaxis]])
    model.get_layer("logits").set_weights([weights])
    pictures, classes = noise(3, 61, 67), np.array([0, 3, 2])
    maps = np.maximum(pictures / 255 @ kernel, 0)
    expected = at_peak_1(np.einsum("nhwk,kn->nhw", maps, weights[:, classes]))
    np.testing.assert_allclose(grad_cam(model, pictures, classes), expected, atol=tolerance)


def same(x):
    return x


def pooled(x):
    return keras.layers.Dropout(0.5)(keras.layers.MaxPooling2D(4)(x))


def one_cell(x):
    return keras.layers.Conv2D(2, 1, kernel_initializer="ones")(keras.layers.AveragePooling2D(LARGE)(x))


def shortcut_to_one_cell(x):
    """Within the block are maps of many cells, too, but the shortcut goes past them."""
    inside = keras.layers.Conv2D(1, 1, kernel_initializer="ones")(x)
    return keras.layers.Add()([keras.layers.MaxPooling2D(LARGE)(inside), keras.layers.MaxPooling2D(LARGE)(x)])


def brightness_summed(tail):
    """Class 0 is for bright pictures, class 1 against them; `tail` comes between the maps and the sum."""
    inputs = keras.Input((*LARGE, 3), dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.Conv2D(1, 1, kernel_initializer="ones")(x)
    x = keras.layers.Flatten()(tail(keras.layers.ReLU()(x)))
    logits = keras.layers.Dense(2, use_bias=False, name="logits")
    model = keras.Model(inputs, logits(x))
    logits.set_weights([np.tile([1.0, -1.0], (x.shape[1], 1))])
    return model


def bright_squares():
    pictures = np.zeros((2, *LARGE, 3), np.uint8)
    pictures[0, 4:9, 10:15] = 255
    pictures[1, :3, 21:] = 120
    return pictures


@pytest.mark.parametrize("tail", [same, pooled, one_cell, shortcut_to_one_cell])
def test_a_network_that_sums_brightness_looks_at_the_bright_square_alone(tail):
    pictures = bright_squares()
    found = grad_cam(brightness_summed(tail), pictures, np.array([0, 0]))
    np.testing.assert_allclose(found, pictures[..., 0] > 0, atol=1e-6)


def test_a_picture_that_only_speaks_against_the_class_gives_zeros():
    pictures = bright_squares()
    found = grad_cam(brightness_summed(same), pictures, np.array([1, 0]))
    np.testing.assert_array_equal(found[0], 0)
    assert found[1].max() == 1


def test_its_weights_are_the_slopes_that_finite_differences_give():
    keras.utils.set_random_seed(1)
    inputs = keras.Input((9, 11, 3), dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(inputs)
    maps = keras.layers.Conv2D(5, 3, activation="tanh")(x)
    x = keras.layers.Flatten()(keras.layers.AveragePooling2D(2)(maps))
    x = keras.layers.Dense(8, activation="tanh")(x)
    model = keras.Model(inputs, keras.layers.Dense(3, name="logits")(x))
    pictures, classes = noise(4, 9, 11), np.array([0, 1, 2, 1])

    values = keras.Model(inputs, maps).predict_on_batch(pictures)
    head = keras.Model(maps, model.output)
    steps = 0.02 * np.eye(5, dtype=np.float32)[:, np.newaxis, np.newaxis, np.newaxis]  # a whole map at a time
    slopes = [head.predict_on_batch(values + step) - head.predict_on_batch(values - step) for step in steps]
    weights = np.stack(slopes)[:, np.arange(4), classes]
    coarse = np.maximum(np.einsum("nhwk,kn->nhw", values, weights), 0)
    large = [Image.fromarray(one).resize((11, 9), Image.Resampling.BILINEAR) for one in coarse]
    expected = at_peak_1(np.stack(large))
    np.testing.assert_allclose(grad_cam(model, pictures, classes), expected, atol=2e-3)


# the networks of the project


@pytest.mark.parametrize(
    ("name", "policy"), [*((name, "float32") for name in CONVOLUTIONAL), ("resnet", "mixed_float16")]
)
def test_every_architecture_gives_maps_of_its_pictures_size(params, name, policy):
    keras.utils.set_random_seed(0)
    with precision(policy):
        model = build_model(params(f"model={name}").model(name), (47, 53, 3), 4)
    check(model, noise(4, 47, 53))


@pytest.mark.parametrize("image_size", ["[64,64]", "[32,32]"], ids=["of 2x2 cells", "of one cell"])
def test_a_pretrained_base_gives_maps_of_its_pictures_size(params, image_size):
    keras.utils.set_random_seed(0)
    chosen = params("model=mobilenet_imagenet", f"models.mobilenet_imagenet.image_size={image_size}")
    spec = chosen.model("mobilenet_imagenet").model_copy(update={"weights": "random"})
    check(build_model(spec, (45, 70, 3), 4), noise(4, 45, 70))


def check(model, pictures):
    found = grad_cam(model, pictures, np.arange(len(pictures)))
    assert found.shape == pictures.shape[:3]
    assert found.dtype == np.float32
    peaks = found.max(axis=(1, 2))
    assert found.min() >= 0
    assert set(peaks) <= {0, 1}
    assert peaks.any()


def test_a_network_without_a_convolution_has_none(params):
    model = build_model(params("model=ann").model("ann"), (47, 53, 3), 4)
    assert grad_cam(model, noise(2, 47, 53), np.array([0, 1])) is None
