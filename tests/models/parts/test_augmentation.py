"""What each augmentation of the recipes does to pictures, against what Keras 2.15 did."""

import json

import numpy as np
import pytest

from helpers import MODELS, recipe

keras = pytest.importorskip("keras")

from menagerie.models.parts.augmentation import AUGMENTED, PLAIN, augmentation, augmented  # noqa: E402
from menagerie.params.model import (  # noqa: E402
    AUGMENTATION_LAYERS,
    Layer,
    PretrainedModel,
    ScratchModel,
)
from menagerie.params.section import parse  # noqa: E402
from menagerie.train.building import build_model  # noqa: E402

pytestmark = pytest.mark.tensorflow

SIDE = 40
COUNT = 1500  # pictures, each with a draw of its own

# Of each layer with its settings, the values between which Keras 2.15 drew evenly: the notebooks ran on it.
# contrast: its change by a factor; turn: degrees; zoom: the side by a factor; shift: share of the side.
KERAS_2 = {
    'RandomContrast {"factor": [0.1, 0.1]}': {"contrast": (0.9, 1.1)},
    'RandomContrast {"factor": [0.1, 0.1], "value_range": [0, 1]}': {"contrast": (0.9, 1.1)},
    'RandomContrast {"factor": [0.2, 0.2], "value_range": [0, 1]}': {"contrast": (0.8, 1.2)},
    'RandomRotation {"factor": 0.05}': {"turn": (-18, 18)},
    'RandomRotation {"factor": 0.1}': {"turn": (-36, 36)},
    'RandomTranslation {"height_factor": 0.1, "width_factor": 0.1}': {
        "shift_x": (-0.1, 0.1),
        "shift_y": (-0.1, 0.1),
    },
    'RandomTranslation {"height_factor": 0.125, "width_factor": 0.125}': {
        "shift_x": (-0.125, 0.125),
        "shift_y": (-0.125, 0.125),
    },
    'RandomTranslation {"fill_mode": "reflect", "height_factor": 0.125, "interpolation": "nearest", '
    '"width_factor": 0.125}': {"shift_x": (-0.125, 0.125), "shift_y": (-0.125, 0.125)},
    'RandomContrast {"factor": [0.2, 0.2]}': {"contrast": (0.8, 1.2)},
    'RandomRotation {"factor": 0.04}': {"turn": (-14.4, 14.4)},
    'RandomTranslation {"height_factor": 0.08, "width_factor": 0.08}': {
        "shift_x": (-0.08, 0.08),
        "shift_y": (-0.08, 0.08),
    },
    'RandomZoom {"height_factor": 0.12}': {"zoom_x": (1 / 1.12, 1 / 0.88), "zoom_y": (1 / 1.12, 1 / 0.88)},
    'RandomZoom {"height_factor": 0.1}': {"zoom_x": (1 / 1.1, 1 / 0.9), "zoom_y": (1 / 1.1, 1 / 0.9)},
    'RandomZoom {"height_factor": 0.15}': {"zoom_x": (1 / 1.15, 1 / 0.85), "zoom_y": (1 / 1.15, 1 / 0.85)},
    'RandomZoom {"height_factor": 0.2}': {"zoom_x": (1 / 1.2, 1 / 0.8), "zoom_y": (1 / 1.2, 1 / 0.8)},
}
# What is not drawn evenly from a range: the share mirrored from left to right, the standard deviation.
KERAS_2_FLIP = {'RandomFlip {"mode": "horizontal"}': 0.5}
KERAS_2_NOISE = {'GaussianNoise {"stddev": 0.01}': 0.01, 'GaussianNoise {"stddev": 3.92e-05}': 3.92e-5}
KERAS_BRIGHTNESS = {'RandomBrightness {"factor": 0.15}': 0.15}  # share of white, up or down
KNOWN = KERAS_2.keys() | KERAS_2_FLIP.keys() | KERAS_2_NOISE.keys() | KERAS_BRIGHTNESS.keys()


def told(layer):
    return f"{layer['layer']} {json.dumps(layer['settings'], sort_keys=True)}"


USED = {}  # layer and settings, and the recipes that have it
for model in MODELS:
    for used in recipe(model)["augment"]:
        USED.setdefault(told(used), []).append(model)


def slopes():
    """Float pictures between 0.4 and 0.6 that grow from left to right in red, from top to bottom in green.

    Sampled between two pixels they are what they are: nothing that moves them rounds. They are too dull to
    be cut off by more contrast.
    """
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    picture = 0.4 + 0.2 * np.stack([x, y, np.full_like(x, 0.5)], axis=-1)
    return np.broadcast_to(picture, (COUNT, SIDE, SIDE, 3)).astype(np.float32)


def after(name, white=1):
    """The same pictures, of 0 to `white`, as a layer leaves them in training."""
    layer, _, settings = name.partition(" ")
    inputs = keras.Input((SIDE, SIDE, 3))
    layers = [Layer(layer=layer, settings=json.loads(settings))]
    random, _ = augmentation(keras.Model(inputs, augmented(inputs, layers)), layers)
    keras.utils.set_random_seed(0)
    return keras.ops.convert_to_numpy(random(white * slopes(), training=True))


def effects(pictures):
    """What was done to each picture, read off its middle."""
    middle = slice(SIDE // 2 - 2, SIDE // 2 + 2)
    inside = (pictures[:, middle, middle].astype(np.float64) - 0.4) / 0.2
    red, green = inside[..., 0], inside[..., 1]
    red_x, green_y = (np.diff(red, axis=2).mean((1, 2)) * SIDE, np.diff(green, axis=1).mean((1, 2)) * SIDE)
    red_y = np.diff(red, axis=1).mean((1, 2)) * SIDE
    centre = slopes()[0, middle, middle].mean((0, 1))
    moved = (centre - pictures[:, middle, middle].mean((1, 2))) / 0.2
    return {
        "contrast": np.ptp(pictures[..., 0], axis=(1, 2)) / np.ptp(slopes()[0, ..., 0]),
        "turn": np.degrees(np.arctan2(red_y, red_x)),
        "zoom_x": 1 / red_x,
        "zoom_y": 1 / green_y,
        "shift_x": moved[:, 0],
        "shift_y": moved[:, 1],
    }


@pytest.mark.parametrize("name", sorted(USED))
def test_what_an_augmentation_of_a_recipe_does_is_known(name):
    assert name in KNOWN, (
        f"{', '.join(USED[name])}: augmentation {name} has no range here to be measured against; put in what "
        "Keras 2.15 did with it, or for a recipe of no notebook what is meant"
    )


def test_every_range_is_of_a_layer_that_a_recipe_has():
    assert KNOWN.issubset(USED)


@pytest.mark.parametrize("name", sorted(KERAS_2))
def test_a_layer_draws_from_the_range_of_keras_2_and_nearly_reaches_both_ends(name):
    done = effects(after(name))
    for effect, (low, high) in KERAS_2[name].items():
        values, width = done[effect], high - low
        assert low - 1e-3 * width <= values.min() <= low + 0.02 * width, effect
        assert high - 0.02 * width <= values.max() <= high + 1e-3 * width, effect


@pytest.mark.parametrize("name", [name for name in sorted(KERAS_2) if "Zoom" in name])
def test_a_zoom_told_one_factor_keeps_the_shape(name):
    done = effects(after(name))
    np.testing.assert_allclose(done["zoom_x"], done["zoom_y"], rtol=1e-3)


@pytest.mark.parametrize(("name", "share"), KERAS_2_FLIP.items())
def test_a_flip_mirrors_its_share_of_the_pictures_from_left_to_right_alone(name, share):
    flipped, pictures = after(name), slopes()
    mirrored = (flipped == pictures[:, :, ::-1]).all((1, 2, 3))
    assert (mirrored | (flipped == pictures).all((1, 2, 3))).all()
    assert mirrored.mean() == pytest.approx(share, abs=0.05)  # four standard errors


@pytest.mark.parametrize(("name", "deviation"), KERAS_2_NOISE.items())
def test_noise_has_its_standard_deviation(name, deviation):
    noise = after(name).astype(np.float64) - slopes()
    assert noise.std() == pytest.approx(deviation, rel=0.01)
    assert noise.mean() == pytest.approx(0, abs=0.01 * deviation)


@pytest.mark.parametrize(("name", "share"), KERAS_BRIGHTNESS.items())
def test_brightness_is_added_up_to_its_share_of_white(name, share):
    """Of pictures of 0..255, as every base of keras.applications gets them."""
    added = (after(name, 255) - 255 * slopes()).mean((1, 2, 3)) / 255
    assert -share <= added.min() <= -0.97 * share
    assert 0.97 * share <= added.max() <= share


# what is saved


def network_of(name):
    settings = recipe(name)
    kind, extra = (PretrainedModel, {"weights": "random"}) if "base" in settings else (ScratchModel, {})
    spec = parse(kind, settings | extra, name)
    return build_model(spec, (32, 32, 3), 10), spec.augment


@pytest.mark.parametrize("name", ["cnn_augmented", "inception_v3_finetune"])
def test_the_network_holds_nothing_random_and_its_augmentation_does(name):
    model, augment = network_of(name)
    pictures = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    random, _ = augmentation(model, augment)
    assert (random(pictures, training=True) != random(pictures, training=True)).numpy().any()
    np.testing.assert_array_equal(model(pictures), model(pictures, training=False))
    assert not [layer for layer in model.layers if layer.__class__.__name__ in AUGMENTATION_LAYERS]


def test_a_network_without_augmentation_has_no_place_for_one():
    model, _ = network_of("cnn")
    assert not {PLAIN, AUGMENTED} & {layer.name for layer in model.layers}
