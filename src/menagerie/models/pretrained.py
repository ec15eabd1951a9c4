"""A base of keras.applications with a head of its own (seeds 000, 001 and 003).

One flat graph, not a model within a model, so that it can be cut at any layer.
"""

import inspect
import sys
from collections.abc import Callable, Iterable

import keras
import numpy as np

from menagerie.errors import ModelError, ParamsError, unknown
from menagerie.models.parts import weights
from menagerie.models.parts.augmentation import augmented
from menagerie.models.parts.freezing import BACKBONE_INPUT, FEATURES
from menagerie.models.parts.imagenet import BASES
from menagerie.params.model import Layer, PretrainedModel

GRID = 4  # cells of a side that `pooling: grid` leaves at the most
POOLING = {
    "flatten": keras.layers.Flatten,
    "average": keras.layers.GlobalAveragePooling2D,
    "max": keras.layers.GlobalMaxPooling2D,
}
# What keras.applications takes that says what the base is; the rest is for this module to say.
SHAPING = ("alpha", "depth_multiplier", "minimalistic")


def build(spec: PretrainedModel, input_shape: tuple[int, int, int], num_classes: int) -> keras.Model:
    """Build the network; its base has the weights that `spec.weights` names, its head random ones.

    Raises:
        ParamsError: no such base or layer of the base, or settings that a layer of the head does not take.
        ModelError: the pictures are too small for the base.
        WeightsError: the weights cannot be had, or are not those of the base.
    """
    if spec.base not in BASES:
        raise ParamsError(unknown("base", spec.base, BASES))
    # input and scaling
    inputs = keras.Input(input_shape, dtype="uint8")
    x = keras.layers.Rescaling(1.0)(inputs)  # to floats: bytes would be rounded, and some augmentations fail
    if spec.image_size:
        # Or Keras, for which it is augmentation, has all layers behind it train wherever a model is called.
        x = keras.layers.Resizing(*spec.image_size)(x, training=False)
    x = augmented(x, spec.augment)
    x = _scaled(x, spec)
    # backbone
    x = keras.layers.Identity(name=BACKBONE_INPUT)(x)
    x = _features(x, spec)
    x = keras.layers.Identity(name=FEATURES)(x)
    # head
    x = _pooled(x, spec.pooling)
    x = _head(x, spec.head)
    logits = keras.layers.Dense(num_classes, dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name="pretrained")


def _scaled(x: keras.KerasTensor, spec: PretrainedModel) -> keras.KerasTensor:
    """Scale pixels of 0..255 to 0..1 (`unit`), or to what the base was trained on (`native`)."""
    if spec.preprocess == "unit":
        return keras.layers.Rescaling(1 / 255)(x)
    # The preprocess_input of every base is a scale and an offset a channel, some after turning RGB to BGR:
    # what it makes of four pixels says which. As layers they are saved with the model.
    preprocess_input = sys.modules[_application(spec.base).__module__].preprocess_input
    pixels = np.concatenate([np.zeros((1, 3)), 255 * np.eye(3)])  # black, red, green, blue
    black, *colours = preprocess_input(pixels[np.newaxis, np.newaxis], data_format="channels_last")[0, 0]
    response = (np.array(colours) - black) / 255  # a row for each channel that goes in, a column for each out
    if response.argmax(axis=0).tolist() == [2, 1, 0]:
        x = keras.ops.flip(x, axis=-1)
    return keras.layers.Rescaling(response.max(axis=0).tolist(), black.tolist())(x)


def _application(base: str) -> Callable[..., keras.Model]:
    return getattr(keras.applications, base)


def _features(x: keras.KerasTensor, spec: PretrainedModel) -> keras.KerasTensor:
    """Put the base after `x`, and give what comes out of it, or of its layer `spec.output_layer`."""
    _check_size(spec.base, x.shape[1:])
    if spec.weights == "imagenet":
        settings, shape = spec.base_settings, x.shape[1:]
        base = weights.imagenet(spec.base, settings, shape, lambda file: _base(x, spec, file))
    else:
        base = _base(x, spec, None)
    layers = base.layers[base.layers.index(base.get_layer(BACKBONE_INPUT)) + 1 :]
    names = [layer.name for layer in layers]
    if spec.output_layer not in (None, *names):
        raise ParamsError(unknown(f"output_layer of {spec.base}", spec.output_layer, names))
    if spec.weights not in ("imagenet", "random"):
        # Some files name layers by their position, so they are read where nothing comes before the base.
        weights.load_file(spec, _base(keras.Input(x.shape[1:]), spec, None), layers)
    return base.get_layer(spec.output_layer).output if spec.output_layer else base.output


def _check_size(base: str, shape: tuple[int, int, int]) -> None:
    least, (height, width, _) = BASES[base].least, shape
    if min(height, width) < least:
        raise ModelError(
            f"base {base} needs pictures of at least {least}x{least} pixels, they have {height}x{width}: "
            f"enlarge them in the network with image_size: [{least}, {least}], or more"
        )


def _base(x: keras.KerasTensor, spec: PretrainedModel, weights: str | None) -> keras.Model:
    application = _application(spec.base)
    known = [name for name in inspect.signature(application).parameters if name in SHAPING]
    for name in spec.base_settings:
        if name not in known:
            raise ParamsError(unknown(f"base_settings of {spec.base}", name, known))
    settings = {"input_tensor": x, "input_shape": tuple(x.shape[1:])} | spec.base_settings
    try:
        return application(include_top=False, weights=weights, **settings)
    except TypeError as error:
        raise ParamsError(f"base_settings of {spec.base}: {error}") from error


def _pooled(x: keras.KerasTensor, pooling: str) -> keras.KerasTensor:
    """One row of features a picture; `grid` keeps roughly where they were: means of 4x4 parts in a row."""
    if pooling == "grid":
        parts = [-(-side // GRID) for side in x.shape[1:3]]
        x = keras.layers.AveragePooling2D(parts, padding="same")(x)
        return keras.layers.Flatten()(x)
    return POOLING[pooling]()(x)


def _head(x: keras.KerasTensor, layers: Iterable[Layer]) -> keras.KerasTensor:
    for number, item in enumerate(layers, 1):
        name = f"head_{number}_{item.layer.lower()}"  # the base has names of its own
        try:
            x = getattr(keras.layers, item.layer)(**item.settings, name=name)(x)
        except (TypeError, ValueError) as error:
            raise ParamsError(f"head layer {item.layer}: {error}") from error
    return x
