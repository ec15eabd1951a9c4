"""Augmentation: Keras preprocessing layers between a network's scaling and the rest, for training alone.

The network has but the place for them, so that what is saved holds no random layer: Keras's act whenever a
network is called without `training=False`, make the layers behind them train, and cannot be exported.
"""

import inspect
from collections.abc import Iterable

import keras
import numpy as np

from menagerie.errors import ModelError, ParamsError
from menagerie.params.model import MIXING_LAYERS, Layer

# The names of the two layers that the augmentation stands between.
PLAIN = "plain"
AUGMENTED = "augmented"


def augmented(x: keras.KerasTensor, augmentations: Iterable[Layer]) -> keras.KerasTensor:
    """Make the place for layers after `x`, float pictures (batch, height, width, channels).

    Where a layer crops, the network has the middle of the pictures, of the same shape, brought to that size.

    Raises:
        ParamsError: a layer has settings that it does not take.
        ModelError: a crop is larger than the pictures.
    """
    layers = [_built(augmentation, 255) for augmentation in augmentations]
    if not layers:
        return x
    x = keras.layers.Identity(name=PLAIN)(x)
    for layer in layers:
        if isinstance(layer, keras.layers.RandomCrop):
            _check_crop(layer, *x.shape[1:3])
            crop = keras.layers.Resizing(layer.height, layer.width, crop_to_aspect_ratio=True)
            x = crop(x, training=False)
    return keras.layers.Identity(name=AUGMENTED)(x)


def _built(augmentation: Layer, white: float) -> keras.Layer:
    kind, settings = getattr(keras.layers, augmentation.layer), dict(augmentation.settings)
    # RandomContrast stays as Keras has it: a notebook left it the range 0..255 on pictures of 0..1.
    if "value_range" in inspect.signature(kind).parameters and kind is not keras.layers.RandomContrast:
        settings.setdefault("value_range", (0, white))
    try:
        return kind(**settings)
    except (TypeError, ValueError) as error:
        raise ParamsError(f"augmentation layer {augmentation.layer}: {error}") from error


def _check_crop(layer: keras.layers.RandomCrop, height: int, width: int) -> None:
    if layer.height > height or layer.width > width:
        raise ModelError(
            f"RandomCrop takes {layer.height}x{layer.width} pixels of pictures of {height}x{width}: make the "
            "crop smaller, or the pictures larger"
        )


def augmentation(model: keras.Model, augmentations: Iterable[Layer]) -> tuple[keras.Model, list[keras.Layer]]:
    """What augments the pictures that a network takes, scaled as it does, and the layers that mix a batch.

    `augmentations` are those that the network was built for. A layer that depends on what values the
    pictures have, and is not told, gets to know it.
    """
    marked = keras.Model(model.input, model.get_layer(PLAIN).output)
    white = float(
        keras.ops.max(marked(np.full((1, *model.input.shape[1:]), 255, model.input.dtype), training=False))
    )
    x, mixing = marked.output, []
    for one in augmentations:
        layer = _built(one, white)
        if one.layer in MIXING_LAYERS:
            mixing.append(layer)
        else:
            x = layer(x)
    return keras.Model(model.input, x, name="augmentation"), mixing
