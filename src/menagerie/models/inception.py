"""Inception blocks, each with a large convolution behind it (seed 001, InceptionModel)."""

from typing import Annotated, Literal

import keras
from pydantic import Field

from menagerie.models.parts.augmentation import augmented
from menagerie.models.parts.sizes import check_size
from menagerie.params.model import ScratchModel
from menagerie.params.section import Count, Fraction, Section, parse

Branches = Annotated[tuple[Count, Count, Count, Count], Field(strict=False)]


class Knobs(Section):
    blocks: Count
    branch_filters: Branches  # 1x1; 1x1 and 3x3; pool and 1x1; 1x1, 3x3 and 3x3
    kernel_size: Count  # of the convolution behind each block; it has the last branch's filters
    activation: Literal["linear", "relu"]  # of every convolution
    dropout: Fraction
    dense_units: Count


def build(spec: ScratchModel, input_shape: tuple[int, int, int], num_classes: int) -> keras.Model:
    knobs = parse(Knobs, spec.knobs, "knobs of arch inception")
    check_size("inception", input_shape, ([(knobs.kernel_size, 1), (2, 2)] * knobs.blocks)[:-1])
    # input and scaling
    inputs = keras.Input(input_shape, dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = augmented(x, spec.augment)
    # backbone
    for number in range(1, knobs.blocks + 1):
        x = _inception_block(x, knobs.branch_filters, knobs.activation)
        x = keras.layers.BatchNormalization()(x)
        x = keras.layers.Conv2D(knobs.branch_filters[-1], knobs.kernel_size, activation=knobs.activation)(x)
        if number < knobs.blocks:
            x = keras.layers.MaxPooling2D()(x)
    # head
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dropout(knobs.dropout)(x)
    x = keras.layers.Dense(knobs.dense_units, activation="relu")(x)
    logits = keras.layers.Dense(num_classes, dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name="inception")


def _inception_block(x: keras.KerasTensor, filters: Branches, activation: str) -> keras.KerasTensor:
    def convolved(x: keras.KerasTensor, filters: int, *kernel_sizes: int) -> keras.KerasTensor:
        for size in kernel_sizes:
            x = keras.layers.Conv2D(filters, size, padding="same", activation=activation)(x)
        return x

    pooled = keras.layers.MaxPooling2D(2, strides=1, padding="same")(x)
    return keras.layers.Concatenate()(
        [
            convolved(x, filters[0], 1),
            convolved(x, filters[1], 1, 3),
            convolved(pooled, filters[2], 1),
            convolved(x, filters[3], 1, 3, 3),
        ]
    )
