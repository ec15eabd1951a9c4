"""Test-time augmentation: a network that looks at several views of a picture, and answers with their mean."""

import math
from collections.abc import Iterable

import keras

from menagerie.params.model import View

CROP = 0.1  # what a crop leaves out of each side's length


def with_views(model: keras.Model, views: Iterable[View]) -> keras.Model:
    """The network whose probabilities are the mean over the picture and these views of it.

    It shares the layers of `model`, in one flat graph: the views are pictures of one batch, the whole ones
    first. `model` takes uint8 pictures and gives logits, and so does what is returned: the logarithms of the
    mean.
    """
    views = tuple(views)
    if not views:
        return model
    _, first, *_ = model.layers  # behind the input, and nothing goes past it
    several = keras.models.clone_model(
        model,
        clone_function=lambda layer: layer,
        call_function=lambda layer, x, *rest, **more: layer(
            _views(x, views) if layer is first else x, *rest, **more
        ),
    )
    logits, count = several.output, (1 + 4 * ("crops" in views)) * (1 + ("flip" in views))
    each = keras.ops.reshape(keras.ops.log_softmax(logits), (count, -1, logits.shape[-1]))
    mean = keras.ops.logsumexp(each, axis=0) - math.log(count)
    return keras.Model(several.input, mean, name=model.name)


def _views(inputs: keras.KerasTensor, views: tuple[View, ...]) -> keras.KerasTensor:
    pictures = [keras.layers.Rescaling(1.0)(inputs)]  # to floats: what is resized would be rounded
    if "crops" in views:
        pictures += _crops(pictures[0])
    if "flip" in views:
        pictures += [keras.ops.flip(picture, axis=2) for picture in pictures]
    return keras.layers.Concatenate(axis=0)(pictures)


def _crops(x: keras.KerasTensor) -> list[keras.KerasTensor]:
    """The four corners, each brought to the size of the whole."""
    height, width = x.shape[1:3]
    down, right = max(1, round(CROP * height)), max(1, round(CROP * width))
    corners = [(rows, columns) for rows in ((0, down), (down, 0)) for columns in ((0, right), (right, 0))]
    crops = [keras.layers.Cropping2D(corner)(x) for corner in corners]
    return [keras.layers.Resizing(height, width)(crop, training=False) for crop in crops]
