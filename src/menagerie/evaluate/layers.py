"""A network layer by layer, as Keras's summary() prints it."""

import math

import keras
import pandas as pd


def layers(model: keras.Model) -> pd.DataFrame:
    """One row a layer, a nested network being one.

    Columns: layer (its name), kind (its class), output (the shape for n pictures, such as
    `n x 28 x 28 x 16`), parameters, and how many of them were trainable in the last phase of training.
    """
    rows = [
        {
            "layer": layer.name,
            "kind": type(layer).__name__,
            "output": " x ".join("n" if size is None else str(size) for size in layer.output.shape),
            "parameters": layer.count_params(),
            "trainable": trainable_parameters(layer),
        }
        for layer in model.layers
    ]
    return pd.DataFrame(rows)


def trainable_parameters(layer: keras.Layer) -> int:
    """How many numbers the trainable weights of a layer or network hold."""
    return sum(math.prod(weight.shape) for weight in layer.trainable_weights)
