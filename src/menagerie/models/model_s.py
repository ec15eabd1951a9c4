"""Blocks of convolutions, each with batch normalisation, and L1 and L2 on every kernel (seed 002)."""

from typing import Annotated

import keras
from pydantic import Field

from menagerie.models.parts.augmentation import augmented
from menagerie.models.parts.sizes import check_size
from menagerie.params.model import ScratchModel
from menagerie.params.section import Count, Fraction, Many, Section, parse

Penalty = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Knobs(Section):
    blocks: Many[Many[Count]]  # filters of each convolution; a pool ends a block
    dropout: Fraction  # between the convolutions and the hidden layer
    dense_units: Count
    conv_l1: Penalty
    conv_l2: Penalty
    dense_l1: Penalty
    dense_l2: Penalty


def build(spec: ScratchModel, input_shape: tuple[int, int, int], num_classes: int) -> keras.Model:
    knobs = parse(Knobs, spec.knobs, "knobs of arch model_s")
    check_size(
        "model_s", input_shape, [w for block in knobs.blocks for w in [(3, 1)] * len(block) + [(2, 2)]]
    )
    conv_penalty = keras.regularizers.L1L2(knobs.conv_l1, knobs.conv_l2)
    dense_penalty = keras.regularizers.L1L2(knobs.dense_l1, knobs.dense_l2)
    # input and scaling
    inputs = keras.Input(input_shape, dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = augmented(x, spec.augment)
    # backbone
    for block in knobs.blocks:
        for filters in block:
            x = keras.layers.Conv2D(filters, 3, activation="relu", kernel_regularizer=conv_penalty)(x)
            x = keras.layers.BatchNormalization()(x)
        x = keras.layers.MaxPooling2D()(x)
    # head
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dropout(knobs.dropout)(x)
    x = keras.layers.Dense(knobs.dense_units, activation="relu", kernel_regularizer=dense_penalty)(x)
    logits = keras.layers.Dense(
        num_classes, kernel_regularizer=dense_penalty, dtype="float32", name="logits"
    )(x)
    return keras.Model(inputs, logits, name="model_s")
