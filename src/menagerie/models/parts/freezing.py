"""Which layers of a pretrained base are trained in a phase."""

import keras

from menagerie.errors import ParamsError, unknown
from menagerie.params.model import AllButLast, Last, PretrainedPhase, Until

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


def _frozen(layers: list[keras.layers.Layer], policy: str | Last | AllButLast | Until) -> slice:
    match policy:
        case "none":
            return slice(0, 0)
        case "all":
            return slice(None)
        case Until(until=name):
            names = [layer.name for layer in layers]
            if name not in names:
                raise ParamsError(f"freeze.until: {unknown('layer of the base', name, names)}")
            return slice(names.index(name) + 1)
        case Last(last=count):
            return slice(_position(layers, "last", count), None)
    return slice(_position(layers, "all_but_last", policy.all_but_last))


def _position(layers: list[keras.layers.Layer], key: str, count: int) -> int:
    """Where the last `count` layers begin."""
    if count > len(layers):
        raise ParamsError(f"freeze.{key}: the base has {len(layers)} layers, fewer than {count}")
    return len(layers) - count
