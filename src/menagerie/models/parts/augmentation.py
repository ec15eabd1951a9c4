"""Augmentation: Keras preprocessing layers before the network, for training alone."""

from collections.abc import Iterable

import keras

from menagerie.errors import ParamsError
from menagerie.params.model import AUGMENTATION_LAYERS, Layer


def augmented(x: keras.KerasTensor, augmentations: Iterable[Layer]) -> keras.KerasTensor:
    """Put the layers after `x`, float pictures (batch, height, width, channels), in the order given.

    Raises:
        ParamsError: a layer has settings that it does not take.
    """
    for augmentation in augmentations:
        try:
            layer = getattr(keras.layers, augmentation.layer)(**augmentation.settings)
        except (TypeError, ValueError) as error:
            raise ParamsError(f"augmentation layer {augmentation.layer}: {error}") from error
        x = layer(x)
    return x


def parted(model: keras.Model) -> tuple[keras.Model, keras.Model | None]:
    """A trained network without its augmentation, and what comes up to its last layer; None without any.

    They share the layers of `model`. What is saved holds no random layer: Keras's act whenever a network is
    called without `training=False`, make the layers behind them train, and cannot be exported.
    """
    layers = [layer for layer in model.layers if type(layer).__name__ in AUGMENTATION_LAYERS]
    if not layers:
        return model, None
    network = keras.models.clone_model(
        model,
        clone_function=lambda layer: layer,
        call_function=lambda layer, x, *rest, **more: x if layer in layers else layer(x, *rest, **more),
    )
    return network, keras.Model(model.input, layers[-1].output, name="augmentation")
