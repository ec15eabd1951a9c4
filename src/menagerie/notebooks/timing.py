"""How long a training takes on this machine, measured by a few steps of it."""

import math
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import keras
import numpy as np

from menagerie.data import Data, Subset, open_images
from menagerie.models.parts import weights
from menagerie.params.model import PretrainedModel, ScratchModel
from menagerie.train.building import build_model
from menagerie.train.fitting import Session, train

CLASSES, BATCH = 10, 32  # a step of the notebooks' largest batches would take a minute
BATCHES = (2, 16, 128)  # as many as it takes until an epoch is
LONG = 1  # second, beside which what an epoch costs besides its steps counts little
MOST_BYTES = 200_000_000  # of pictures

Shape = tuple[int, int, int]  # height, width, channels of the pictures as the data set has them


def at_hand(spec: PretrainedModel, shape: Shape) -> bool:
    """Whether ImageNet's weights of the base are in Keras's cache or in the mirror's folder."""
    return weights.at_hand(spec.base, spec.base_settings, spec.image_size or shape)


def seconds(spec: ScratchModel | PretrainedModel, shape: Shape) -> tuple[float, float]:
    """Seconds a picture: of an epoch, the mean over the phases; once, for frozen layers, else 0.

    Measured on random pictures from random weights, whose cost is the same, in batches of BATCH at most: on
    a GPU, which likes them larger, it is an upper bound.
    """
    batch = min(spec.batch_size, BATCH)
    changed = {"batch_size": batch} | ({"weights": "random"} if isinstance(spec, PretrainedModel) else {})
    spec = spec.model_copy(update=changed)
    most = max(2 * batch, MOST_BYTES // math.prod(shape))
    for batches in BATCHES:
        count = min(batches * batch, most)
        epoch, once = _measured(spec, shape, count)
        if epoch > LONG or count == most:
            break
    return epoch / count, once / count


def _measured(spec: ScratchModel | PretrainedModel, shape: Shape, count: int) -> tuple[float, float]:
    """Seconds of an epoch over `count` pictures, and of a look at them all."""
    model, epochs = build_model(spec, shape, CLASSES), []
    with TemporaryDirectory() as folder:
        place = Path(folder)
        np.save(place / "images.npy", np.random.default_rng(0).integers(0, 256, (count, *shape), np.uint8))
        images = open_images(place / "images.npy")
        subsets = {"train": _subset(0, count), "val": _subset(0, 2)}
        data = Data(images, [str(label) for label in range(CLASSES)], subsets)
        session = Session(0, 2, place, 1e9, place / "checkpoint.npz", lambda row, _: epochs.append(row), 0)
        train(model, spec, data, session)
        once = _forward(model, images) if isinstance(spec, PretrainedModel) else 0.0
    steady = [row["epoch_seconds"] for row in epochs[1::2]]  # the first epoch of a phase traces the graph
    return sum(steady) / len(steady), once


def _forward(model: keras.Model, images: np.ndarray) -> float:
    model.predict(images, batch_size=BATCH, verbose=0)
    started = perf_counter()
    model.predict(images, batch_size=BATCH, verbose=0)
    return perf_counter() - started


def _subset(start: int, stop: int) -> Subset:
    rows = np.arange(start, stop)
    return Subset(rows, (rows % CLASSES).astype(np.int32), rows.astype(object))
