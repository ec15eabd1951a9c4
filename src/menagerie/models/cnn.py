"""Convolution and pooling in pairs, then one hidden layer (seed 000, sections 3, 4 and 7; seed 004)."""

import keras

from menagerie.models.parts.augmentation import augmented
from menagerie.models.parts.sizes import check_size
from menagerie.params.model import ScratchModel
from menagerie.params.section import Count, Fraction, Many, Section, parse


class Knobs(Section):
    filters: Many[Count]
    conv_dropout: Fraction
    dense_units: Count
    dense_dropout: Fraction


def build(spec: ScratchModel, input_shape: tuple[int, int, int], num_classes: int) -> keras.Model:
    knobs = parse(Knobs, spec.knobs, "knobs of arch cnn")
    check_size("cnn", input_shape, [(2, 2)] * len(knobs.filters))
    # input and scaling
    inputs = keras.Input(input_shape, dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = augmented(x, spec.augment)
    # backbone
    for filters in knobs.filters:
        x = keras.layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = keras.layers.MaxPooling2D()(x)
    x = keras.layers.Dropout(knobs.conv_dropout)(x)
    # head
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(knobs.dense_units, activation="relu")(x)
    x = keras.layers.Dropout(knobs.dense_dropout)(x)
    logits = keras.layers.Dense(num_classes, dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name="cnn")
