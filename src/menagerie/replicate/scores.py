"""What one more training of the same model scores."""

import keras
import numpy as np

from menagerie.data import Data
from menagerie.model_files import predict


def scores(model: keras.Model, data: Data) -> tuple[dict[str, float], np.ndarray]:
    """Accuracy on val and on test, in [0, 1], by its name; which test pictures are right, bool (n,)."""
    right = {
        part: predict(model, data.images, of.rows).argmax(axis=1) == of.labels
        for part, of in data.subsets.items()
        if part != "train"
    }
    return {f"{part}_accuracy": float(np.mean(one)) for part, one in right.items()}, right["test"]
