"""Blocks of convolutions with LeakyReLU, then one hidden layer (seed 003, models 1 to 3)."""

import keras

from menagerie.models.parts.augmentation import augmented
from menagerie.models.parts.sizes import check_size
from menagerie.params.model import ScratchModel
from menagerie.params.section import Count, Fraction, Many, Section, parse

SLOPE = 0.1  # of the negative side, in every network of the notebook


class Knobs(Section):
    blocks: Many[Many[Count]]  # filters of each convolution; a pool ends a block
    conv_dropout: Fraction  # after each convolution
    pool_dropout: Fraction  # after each pool
    dense_units: Count
    dense_dropout: Fraction


def build(spec: ScratchModel, input_shape: tuple[int, int, int], num_classes: int) -> keras.Model:
    knobs = parse(Knobs, spec.knobs, "knobs of arch leaky_cnn")
    check_size("leaky_cnn", input_shape, [(2, 2)] * len(knobs.blocks))
    # input and scaling
    inputs = keras.Input(input_shape, dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = augmented(x, spec.augment)
    # backbone
    for block in knobs.blocks:
        for filters in block:
            x = keras.layers.Conv2D(filters, 3, padding="same")(x)
            x = keras.layers.LeakyReLU(SLOPE)(x)
            x = keras.layers.Dropout(knobs.conv_dropout)(x)
        x = keras.layers.MaxPooling2D()(x)
        x = keras.layers.Dropout(knobs.pool_dropout)(x)
    # head
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(knobs.dense_units)(x)
    x = keras.layers.LeakyReLU(SLOPE)(x)
    x = keras.layers.Dropout(knobs.dense_dropout)(x)
    logits = keras.layers.Dense(num_classes, dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name="leaky_cnn")
