"""Which layers of a pretrained base are trained in a phase."""

import keras

from menagerie.errors import ParamsError, unknown
from menagerie.params.model import Freeze, FreezeAll, FreezeLast, FreezeNone, FreezeUntil, PretrainedPhase

# The names of the two layers that a pretrained network has its base between.
BACKBONE_INPUT = "backbone_input"
FEATURES = "features"


def backbone(model: keras.Model) -> list[keras.layers.Layer]:
    """The layers of the base, in the order that keras.applications' own model has them.

    "The last ten" are thus the ten that `model.layers[-10:]` gives on the base alone.
    """
    names = [layer.name for layer in model.layers]
    return model.layers[names.index(BACKBONE_INPUT) + 1 : names.index(FEATURES)]


def freeze(model: keras.Model, phase: PretrainedPhase) -> None:
    """Make the base's layers trainable or not as `phase` says, whatever was said before; compile afterwards.

    A frozen BatchNormalization uses its running statistics. With `batch_norm: inference` those of the part
    that is trained stay frozen as well: batches of a small data set would soon wash out what ImageNet
    taught them (https://keras.io/guides/transfer_learning/).

    Raises:
        ParamsError: the base has fewer layers than are counted, or none of the name given.
    """
    layers = backbone(model)
    frozen = layers[_frozen(layers, phase.freeze)]
    if phase.batch_norm == "inference":
        frozen += [layer for layer in layers if isinstance(layer, keras.layers.BatchNormalization)]
    for layer in layers:
        layer.trainable = True
    for layer in frozen:
        layer.trainable = False


def _frozen(layers: list[keras.layers.Layer], policy: Freeze) -> slice:
    match policy:
        case FreezeNone():
            return slice(0, 0)
        case FreezeAll():
            return slice(None)
        case FreezeUntil():
            names = [layer.name for layer in layers]
            if policy.layer not in names:
                raise ParamsError(f"freeze.layer: {unknown('layer of the base', policy.layer, names)}")
            return slice(names.index(policy.layer) + 1)
    if policy.layers > len(layers):
        raise ParamsError(f"freeze.layers: the base has {len(layers)} layers, fewer than {policy.layers}")
    last = len(layers) - policy.layers
    return slice(last, None) if isinstance(policy, FreezeLast) else slice(last)
