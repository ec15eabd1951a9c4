"""What a model's augmentation does to a picture, layer by layer."""

import keras
import numpy as np


def augmentations(model: keras.Model, pictures: np.ndarray) -> dict[str, np.ndarray]:
    """Apply each random layer of `model` alone to `pictures`, uint8 (n, height, width, 3).

    Returns:
        Layer name -> uint8 pictures of that shape, in the model's order; none for a model without
        augmentation. Each layer gets the pictures as the model scales them before its first one.
    """
    layers = [layer for layer in model.layers if _is_random(layer)]
    if not layers:
        return {}
    scaled = keras.Model(model.input, layers[0].input)(pictures)
    unit = float(keras.ops.max(scaled)) <= 1
    shown = {}
    for layer in layers:
        result = keras.ops.convert_to_numpy(layer(scaled, training=True)) * (255 if unit else 1)
        shown[layer.name] = np.clip(np.rint(result), 0, 255).astype(np.uint8)
    return shown


def _is_random(layer: keras.Layer) -> bool:
    return type(layer).__name__.startswith("Random") or isinstance(layer, keras.layers.GaussianNoise)
