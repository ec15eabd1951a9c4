"""One more training of the same model, from a seed of its own, and what it scores."""

import keras
import numpy as np

from menagerie.data import Data
from menagerie.model_files import predict
from menagerie.models.parts.choosing import chosen
from menagerie.params.model import PretrainedModel, ScratchModel
from menagerie.train.building import build_model
from menagerie.train.seeding import seed_everything


def untrained(
    spec: ScratchModel | PretrainedModel, data: Data, seed: int, deterministic: bool
) -> keras.Model:
    """The network as the stage `train` has it with this seed before its first epoch."""
    counts = len(data.classes), len(data.subsets["train"].rows)
    spec, _ = chosen(spec, data.images.shape[1:3], *counts)
    keras.backend.clear_session()  # or what was built for the seed before stays in memory
    seed_everything(seed, deterministic)
    return build_model(spec, data.images.shape[1:], len(data.classes))


def accuracies(model: keras.Model, data: Data) -> dict[str, float]:
    """Accuracy on val and on test, in [0, 1], by the name of its column."""
    return {
        f"{part}_accuracy": float(np.mean(predict(model, data.images, of.rows).argmax(axis=1) == of.labels))
        for part, of in data.subsets.items()
        if part != "train"
    }
