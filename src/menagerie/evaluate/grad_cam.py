"""Grad-CAM: where in a picture a network finds the evidence for a class.

Selvaraju et al., Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization, ICCV 2017.
"""

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.SeparableConv2D)

Tensor = Any  # of the backend


def grad_cam(model: keras.Model, pictures: np.ndarray, classes: np.ndarray) -> np.ndarray | None:
    """Heat maps of the evidence for one class in each picture, float32 (n, height, width) of 0..1.

    `model` is functional and gives logits; `pictures` are uint8 (n, height, width, 3), one batch; `classes`
    are int (n,). Each map of the last convolution is weighted by the mean over its cells of the gradient of
    the class's logit; what is positive of their sum is resized to the picture and divided by its maximum.
    A picture in which nothing speaks for the class gives zeros. Of a network that takes several views of a
    picture (models/parts/views.py) the maps are those of the first, the whole picture; of one that holds
    others (train/members.py) the mean of theirs, again divided by its maximum.

    Returns:
        None for a network without a convolution.
    """
    if members := [layer for layer in model.layers if isinstance(layer, keras.Model)]:
        each = [grad_cam(member, pictures, classes) for member in members]
        return None if each[0] is None else _to_one(np.mean(each, axis=0))
    maps = _last_maps(model)
    if maps is None:
        return None
    before, after = keras.Model(model.input, maps), keras.Model(maps, model.output)
    # A head that takes means divides the gradient by the cells, and float16 rounds what is then below 6e-8
    # to zero. Multiplied by them it is not lost; the factor goes when the map is divided by its maximum.
    asked = math.prod(maps.shape[1:3]) * np.eye(model.output_shape[-1], dtype=np.float32)[classes]

    def evidence(values: Tensor) -> Tensor:
        # In inference mode no picture has a part in another's logits: the sum's gradient is each one's own.
        return keras.ops.sum(keras.ops.multiply(after(values, training=False), asked))

    values = before(pictures, training=False)
    weights = _numpy(_gradient(evidence, values)).mean(axis=(1, 2))
    heat = np.maximum(np.einsum("nhwk,nk->nhw", _numpy(values), weights), 0)[: len(pictures)]
    size = pictures.shape[1:3]
    heat = keras.ops.image.resize(heat[..., np.newaxis], size, "bilinear", data_format="channels_last")
    return _to_one(_numpy(heat)[..., 0])


def _to_one(heat: np.ndarray) -> np.ndarray:
    peak = heat.max(axis=(1, 2), keepdims=True)
    return np.divide(heat, peak, out=np.zeros_like(heat), where=peak > 0)


def _last_maps(model: keras.Model) -> keras.KerasTensor | None:
    """The maps of the last convolution that has more than one cell, after its normalisation and activation.

    Past them nothing leads but through them, so that the network can be cut there: of a residual block they
    are the sum. Where pooling follows they are those before it: it passes the sum of a map's gradient on as
    it is, so that the weights are the same but for one factor, and the cells before it are finer.
    """
    found, cells = None, 1
    ahead = {id(model.output)}  # what later operations take
    for operation in reversed(model.operations):
        output = operation.output
        if ahead == {id(output)} and len(output.shape) == 4 and math.prod(output.shape[1:3]) > cells:
            found, cells = output, math.prod(output.shape[1:3])
        if found is not None and isinstance(operation, CONVOLUTIONS):
            return found
        ahead -= {id(tensor) for tensor in keras.tree.flatten(output)}
        ahead |= {id(tensor) for tensor in keras.tree.flatten(operation.input)}
    return None


def _gradient(function: Callable[[Tensor], Tensor], at: Tensor) -> Tensor:
    """The gradient at a tensor of a function that gives one number: Keras leaves this to its backends."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(at)
            value = function(at)
        return tape.gradient(value, at)
    if backend == "jax":
        import jax

        return jax.grad(function)(at)
    import torch

    at = at.detach().requires_grad_()
    return torch.autograd.grad(function(at), at)[0]


def _numpy(tensor: Tensor) -> np.ndarray:
    return keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float32"))
