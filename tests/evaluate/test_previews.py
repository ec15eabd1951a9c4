"""Augmentations as they are shown beside the pictures."""

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from menagerie.evaluate import previews  # noqa: E402
from menagerie.models.parts.augmentation import augmentation  # noqa: E402
from menagerie.train import building  # noqa: E402

pytestmark = pytest.mark.tensorflow


def test_each_augmentation_is_shown_alone_on_the_pictures(params):
    spec = params("model=cnn_augmented").model("cnn_augmented")
    model, _ = augmentation(building.build_model(spec, (32, 32, 3), 10), spec.augment)
    pictures = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    keras.utils.set_random_seed(1)
    shown = previews.augmentations(model, pictures)
    flip, rotation, together = shown
    assert together == "all together"
    assert ("flip" in flip, "rotation" in rotation) == (True, True)
    for picture, flipped in zip(pictures, shown[flip], strict=True):
        assert (flipped == picture).all() or (flipped == picture[:, ::-1]).all()
    assert (shown[flip] != pictures).any()
    assert shown[rotation].dtype == np.uint8
    assert (shown[rotation] != pictures).any()


def composed(*layers):
    inputs = x = keras.Input((8, 8, 3), dtype="uint8")
    for layer in (keras.layers.Rescaling(1 / 255), *layers):
        x = layer(x)
    return keras.Model(inputs, keras.layers.Flatten()(x))


def test_all_together_is_every_layer_on_what_the_one_before_it_left():
    """Moved down by half, then right by half: only the last quarter of a white picture stays white."""
    down, right = (
        keras.layers.RandomTranslation(*shift, fill_mode="constant", name=name)
        for name, shift in (("down", ((0.5, 0.5), 0)), ("right", (0, (0.5, 0.5))))
    )
    shown = previews.augmentations(composed(down, right), np.full((2, 8, 8, 3), 255, np.uint8))
    assert list(shown) == ["down", "right", "all together"]
    expected = {name: np.zeros((2, 8, 8, 3), np.uint8) for name in shown}
    expected["down"][:, 4:], expected["right"][:, :, 4:] = 255, 255
    expected["all together"][:, 4:, 4:] = 255
    for name, pictures in shown.items():
        np.testing.assert_array_equal(pictures, expected[name], err_msg=name)


def test_a_single_layer_is_not_shown_twice():
    shown = previews.augmentations(
        composed(keras.layers.RandomFlip(name="flip")), np.zeros((1, 8, 8, 3), "u1")
    )
    assert list(shown) == ["flip"]
