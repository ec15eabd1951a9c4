"""A multilayer perceptron on a small copy of the picture (seed 000, section 2)."""

import keras

from menagerie.models.parts.augmentation import augmented
from menagerie.params.model import ScratchModel
from menagerie.params.section import Count, Fraction, Many, Section, parse


class Knobs(Section):
    resize: Count
    dense_units: Many[Count]
    dropout: Fraction


def build(spec: ScratchModel, input_shape: tuple[int, int, int], num_classes: int) -> keras.Model:
    knobs = parse(Knobs, spec.knobs, "knobs of arch ann")
    # input and scaling
    inputs = keras.Input(input_shape, dtype="uint8")
    x = keras.layers.Rescaling(1.0)(inputs)  # to floats: called eagerly, Resizing would round bytes
    # Or Keras, which takes it for augmentation, has all layers behind it train wherever a model is called.
    x = keras.layers.Resizing(knobs.resize, knobs.resize)(x, training=False)
    x = keras.layers.Rescaling(1 / 255)(x)
    x = augmented(x, spec.augment)
    # hidden layers
    x = keras.layers.Flatten()(x)
    for units in knobs.dense_units:
        x = keras.layers.Dense(units, activation="relu")(x)
        x = keras.layers.Dropout(knobs.dropout)(x)
    # head
    logits = keras.layers.Dense(num_classes, dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name="ann")
