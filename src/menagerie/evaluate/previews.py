"""What a model's augmentation does to a picture, layer by layer and as a whole."""

import functools

import keras
import numpy as np

from menagerie.params.model import AUGMENTATION_LAYERS

TOGETHER = "all together"


def augmentations(model: keras.Model, pictures: np.ndarray) -> dict[str, np.ndarray]:
    """Apply the random layers of `model` to `pictures`, uint8 (n, height, width, 3): each alone, then all.

    Returns:
        Layer name -> uint8 pictures of that shape, in the model's order; then, of two layers or more,
        `all together`, one after the other, as training has them.
        Each layer gets the pictures as the model scales and resizes them before its first one.
    """
    layers = [layer for layer in model.layers if _is_random(layer)]
    before = keras.Model(model.input, layers[0].input)
    white = float(keras.ops.max(before(np.full_like(pictures[:1], 255))))
    scaled = before(pictures)
    results = {layer.name: layer(scaled, training=True) for layer in layers}
    if len(layers) > 1:
        results[TOGETHER] = functools.reduce(lambda x, layer: layer(x, training=True), layers, scaled)
    return {name: _as_bytes(result, pictures.shape[1:3], white) for name, result in results.items()}


def _as_bytes(pictures: keras.KerasTensor, size: tuple[int, int], white: float) -> np.ndarray:
    """Pictures of 0 to `white` as uint8 pictures of a size (height, width)."""
    resized = keras.ops.convert_to_numpy(keras.ops.image.resize(pictures, size))
    return np.clip(np.rint(resized * (255 / white)), 0, 255).astype(np.uint8)


def _is_random(layer: keras.Layer) -> bool:
    return type(layer).__name__ in AUGMENTATION_LAYERS
