"""Convolutions with pooling and a linear head, nothing else (seed 001, SimpleModel)."""

from typing import Literal

import keras

from menagerie.models.parts.augmentation import augmented
from menagerie.models.parts.sizes import check_size
from menagerie.params.model import ScratchModel
from menagerie.params.section import Count, Many, Section, parse


class Knobs(Section):
    filters: Many[Count]
    activation: Literal["linear", "relu"]
    pool_last: bool  # whether the last convolution is pooled too


def build(spec: ScratchModel, input_shape: tuple[int, int, int], num_classes: int) -> keras.Model:
    knobs = parse(Knobs, spec.knobs, "knobs of arch simple_cnn")
    windows = [(3, 1), (2, 2)] * len(knobs.filters)
    check_size("simple_cnn", input_shape, windows if knobs.pool_last else windows[:-1])
    # input and scaling
    inputs = keras.Input(input_shape, dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = augmented(x, spec.augment)
    # backbone
    for number, filters in enumerate(knobs.filters, start=1):
        x = keras.layers.Conv2D(filters, 3, activation=knobs.activation)(x)
        if number < len(knobs.filters) or knobs.pool_last:
            x = keras.layers.MaxPooling2D()(x)
    # head
    x = keras.layers.Flatten()(x)
    logits = keras.layers.Dense(num_classes, dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name="simple_cnn")
