"""Networks: one module an architecture, each with `build(spec, input_shape, num_classes)`.

Every network takes uint8 pictures (batch, height, width, 3) of 0..255 as the data set holds them,
scales them itself, and gives float32 logits (batch, classes).
"""

from importlib import import_module
from pathlib import Path

import keras

from menagerie import models
from menagerie.data import Data
from menagerie.errors import ParamsError, unknown
from menagerie.models.parts.choosing import chosen
from menagerie.params import Compute
from menagerie.params.model import PretrainedModel, ScratchModel
from menagerie.train.seeding import seed_everything


def untrained(spec: ScratchModel | PretrainedModel, data: Data, seed: int, compute: Compute) -> keras.Model:
    """The network for these data as training from this seed begins with it.

    What other networks of this process were built and trained for has no part in it.

    Raises:
        ParamsError, ModelError, WeightsError: see build_model.
    """
    spec, _ = chosen(spec, *asked(data))
    # Or what was built before stays in memory, and in the names of layers. It takes the policy with it, too.
    keras.backend.clear_session()
    keras.config.set_dtype_policy(compute.precision)
    seed_everything(seed, compute.deterministic)
    return build_model(spec, data.images.shape[1:], len(data.classes))


def asked(data: Data) -> tuple[tuple[int, int], int, int]:
    """What a preset chooses its base by: size of pictures, number of classes, number of training pictures."""
    return data.images.shape[1:3], len(data.classes), len(data.subsets["train"].rows)


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
