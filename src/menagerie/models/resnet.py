"""A residual network of four stages (seed 001, CustomResNet), with or without its dead convolutions."""

import keras

from menagerie.models.parts.augmentation import augmented
from menagerie.params.model import ScratchModel
from menagerie.params.section import Count, Many, Section, parse


class Knobs(Section):
    filters: Many[Count]  # one number a stage
    dense_units: Count
    dead_convolutions: bool  # whether identity blocks throw away what their first convolution gives


def build(spec: ScratchModel, input_shape: tuple[int, int, int], num_classes: int) -> keras.Model:
    """Any picture size will do: every convolution and pool is padded."""
    knobs = parse(Knobs, spec.knobs, "knobs of arch resnet")
    # input and scaling
    inputs = keras.Input(input_shape, dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = augmented(x, spec.augment)
    # backbone
    x = keras.layers.ZeroPadding2D(3)(x)
    x = keras.layers.Conv2D(knobs.filters[0], 7, strides=2, padding="same")(x)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.ReLU()(x)
    x = keras.layers.MaxPooling2D(3, strides=2, padding="same")(x)
    for stage, filters in enumerate(knobs.filters, start=1):
        first = f"stage{stage}_block1"
        if stage == 1:
            x = _identity_block(x, filters, knobs.dead_convolutions, first)
        else:
            x = _halving_block(x, filters, first)
        x = _identity_block(x, filters, knobs.dead_convolutions, f"stage{stage}_block2")
    # head
    x = keras.layers.Dense(knobs.dense_units, activation="relu")(x)  # at every place of the map
    x = keras.layers.GlobalAveragePooling2D()(x)
    logits = keras.layers.Dense(num_classes, dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name="resnet")


def _identity_block(x: keras.KerasTensor, filters: int, dead: bool, name: str) -> keras.KerasTensor:
    first = _convolution(x, filters, f"{name}_conv1")
    first = keras.layers.ReLU()(first)
    second = _convolution(x if dead else first, filters, f"{name}_conv2")
    summed = [x, second]
    if dead:
        # Times zero, so that the unused weights stay in the network, and in its count, as in the notebook's.
        summed.append(keras.layers.Rescaling(0.0, name=f"{name}_dead")(first))
    x = keras.layers.Add()(summed)
    return keras.layers.ReLU()(x)


def _halving_block(x: keras.KerasTensor, filters: int, name: str) -> keras.KerasTensor:
    shortcut = keras.layers.Conv2D(filters, 1, strides=2, name=f"{name}_shortcut")(x)
    x = _convolution(x, filters, f"{name}_conv1", strides=2)
    x = keras.layers.ReLU()(x)
    x = _convolution(x, filters, f"{name}_conv2")
    x = keras.layers.Add()([x, shortcut])
    return keras.layers.ReLU()(x)


def _convolution(x: keras.KerasTensor, filters: int, name: str, strides: int = 1) -> keras.KerasTensor:
    x = keras.layers.Conv2D(filters, 3, strides=strides, padding="same", name=name)(x)
    return keras.layers.BatchNormalization(name=f"{name}_bn")(x)
