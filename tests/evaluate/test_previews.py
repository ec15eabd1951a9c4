"""Augmentations as they are shown beside the pictures."""

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from menagerie.evaluate import previews  # noqa: E402
from menagerie.train import building  # noqa: E402

pytestmark = pytest.mark.tensorflow


def build(params, name, shape):
    return building.build_model(params(f"model={name}").model(name), shape, 10)


def test_each_augmentation_is_shown_alone_on_the_pictures(params):
    model = build(params, "cnn_augmented", (32, 32, 3))
    pictures = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    keras.utils.set_random_seed(1)
    shown = previews.augmentations(model, pictures)
    flip, rotation = shown
    assert ("flip" in flip, "rotation" in rotation) == (True, True)
    for picture, flipped in zip(pictures, shown[flip], strict=True):
        assert (flipped == picture).all() or (flipped == picture[:, ::-1]).all()
    assert (shown[flip] != pictures).any()
    assert shown[rotation].dtype == np.uint8
    assert (shown[rotation] != pictures).any()
    assert previews.augmentations(build(params, "cnn", (32, 32, 3)), pictures) == {}
