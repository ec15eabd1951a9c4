"""A short residual network in the spirit of ResNet-9 (David Page, How to train your ResNet, 2018).

Convolution, batch normalisation and ReLU throughout; each stage widens, halves the picture and adds residual
blocks; the mean of each map goes to the head.
"""

from typing import Annotated

import keras
from pydantic import Field

from menagerie.errors import ParamsError
from menagerie.models.parts.augmentation import augmented
from menagerie.models.parts.sizes import check_size
from menagerie.params.model import ScratchModel
from menagerie.params.section import Count, Many, Section, parse

# Keras's 0.99 needs hundreds of steps to follow the weights; the recipes here take a few dozen an epoch.
BATCH_NORM_MOMENTUM = 0.9


class Knobs(Section):
    stem_filters: Count
    stem_stride: Count
    widths: Many[Count]  # filters of each stage
    residual_blocks: Many[Annotated[int, Field(ge=0)]]  # of each stage, two convolutions each


def build(spec: ScratchModel, input_shape: tuple[int, int, int], num_classes: int) -> keras.Model:
    knobs = parse(Knobs, spec.knobs, "knobs of arch resnet9")
    if len(knobs.widths) != len(knobs.residual_blocks):
        raise ParamsError(
            f"knobs of arch resnet9: {len(knobs.widths)} widths and {len(knobs.residual_blocks)} "
            "residual_blocks; give one of each a stage"
        )
    check_size("resnet9", input_shape, [(1, knobs.stem_stride)] + [(2, 2)] * len(knobs.widths))
    # input and scaling
    inputs = keras.Input(input_shape, dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = augmented(x, spec.augment)
    # backbone
    x = _convolution(x, knobs.stem_filters, knobs.stem_stride)
    for width, blocks in zip(knobs.widths, knobs.residual_blocks, strict=True):
        x = _convolution(x, width)
        x = keras.layers.MaxPooling2D()(x)
        for _ in range(blocks):
            x = keras.layers.Add()([x, _convolution(_convolution(x, width), width)])
    # head
    x = keras.layers.GlobalAveragePooling2D()(x)
    logits = keras.layers.Dense(num_classes, dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name="resnet9")


def _convolution(x: keras.KerasTensor, filters: int, strides: int = 1) -> keras.KerasTensor:
    x = keras.layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False)(x)
    x = keras.layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM)(x)
    return keras.layers.ReLU()(x)
