"""Augmentation: Keras preprocessing layers, random in training and silent in inference."""

from collections.abc import Iterable

import keras

from menagerie.errors import ParamsError, unknown
from menagerie.params.model import Layer

LAYERS = (
    "GaussianNoise",
    "RandomContrast",
    "RandomFlip",
    "RandomRotation",
    "RandomTranslation",
    "RandomZoom",
)


def augmented(x: keras.KerasTensor, augmentations: Iterable[Layer]) -> keras.KerasTensor:
    """Put the layers after `x`, float pictures (batch, height, width, channels), in the order given.

    Raises:
        ParamsError: a layer that is not offered, or settings that it does not take.
    """
    for augmentation in augmentations:
        if augmentation.layer not in LAYERS:
            raise ParamsError(unknown("augmentation layer", augmentation.layer, LAYERS))
        try:
            layer = getattr(keras.layers, augmentation.layer)(**augmentation.settings)
        except (TypeError, ValueError) as error:
            raise ParamsError(f"augmentation layer {augmentation.layer}: {error}") from error
        x = layer(x)
    return x
