"""Networks: one module an architecture, each with `build(spec, input_shape, num_classes)`.

Every network takes uint8 pictures (batch, height, width, 3) of 0..255 as the data set holds them,
scales them itself, and gives float32 logits (batch, classes).
"""

from importlib import import_module
from pathlib import Path

import keras

from menagerie import models
from menagerie.errors import ParamsError, unknown
from menagerie.params.model import PretrainedModel, ScratchModel


def build_model(
    spec: ScratchModel | PretrainedModel, input_shape: tuple[int, int, int], num_classes: int
) -> keras.Model:
    """Build the network that `spec.arch` names, with fresh weights.

    Raises:
        ParamsError: no such architecture, or a knob that it does not have.
        ModelError: the pictures are too small for it.
    """
    known = [path.stem for path in Path(models.__file__).parent.glob("[!_]*.py")]
    if spec.arch not in known:
        raise ParamsError(unknown("arch", spec.arch, known))
    return import_module(f"menagerie.models.{spec.arch}").build(spec, input_shape, num_classes)
