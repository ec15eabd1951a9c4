"""What a model's augmentation does to a picture, layer by layer."""

import keras
import numpy as np


def augmentations(model: keras.Model, pictures: np.ndarray) -> dict[str, np.ndarray]:
    """Apply each random layer of `model` alone to `pictures`, uint8 (n, height, width, 3).

    Returns:
        Layer name -> uint8 pictures of that shape, in the model's order; none for a model without
        augmentation. Each layer gets the pictures as the model scales and resizes them before its first one.
    """
    layers = [layer for layer in model.layers if _is_random(layer)]
    if not layers:
        return {}
    before = keras.Model(model.input, layers[0].input)
    white = float(keras.ops.max(before(np.full_like(pictures[:1], 255))))
    scaled, shown = before(pictures), {}
    for layer in layers:
        result = keras.ops.image.resize(layer(scaled, training=True), pictures.shape[1:3])
        result = keras.ops.convert_to_numpy(result) * (255 / white)
        shown[layer.name] = np.clip(np.rint(result), 0, 255).astype(np.uint8)
    return shown


def _is_random(layer: keras.Layer) -> bool:
    return type(layer).__name__.startswith("Random") or isinstance(layer, keras.layers.GaussianNoise)
