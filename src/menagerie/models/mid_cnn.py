"""Two convolutions and a pool, thrice, then one hidden layer (seed 001, MidModel)."""

import keras

from menagerie.models.parts.augmentation import augmented
from menagerie.models.parts.sizes import check_size
from menagerie.params.model import ScratchModel
from menagerie.params.section import Count, Fraction, Many, Section, parse


class Knobs(Section):
    filters: Many[Count]
    dropout: Fraction  # after the first pool, and nowhere else
    dense_units: Count


def build(spec: ScratchModel, input_shape: tuple[int, int, int], num_classes: int) -> keras.Model:
    knobs = parse(Knobs, spec.knobs, "knobs of arch mid_cnn")
    check_size("mid_cnn", input_shape, [(3, 1), (3, 1), (2, 2)] * len(knobs.filters))
    # input and scaling
    inputs = keras.Input(input_shape, dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = augmented(x, spec.augment)
    # backbone
    for number, filters in enumerate(knobs.filters):
        x = keras.layers.Conv2D(filters, 3, activation="relu")(x)
        x = keras.layers.Conv2D(filters, 3, activation="relu")(x)
        x = keras.layers.MaxPooling2D()(x)
        if number == 0:
            x = keras.layers.Dropout(knobs.dropout)(x)
    # head
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(knobs.dense_units, activation="relu")(x)
    logits = keras.layers.Dense(num_classes, dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name="mid_cnn")
