"""What one more training of the same model scores."""

import keras
import numpy as np

from menagerie.data import Data
from menagerie.model_files import predict


def accuracies(model: keras.Model, data: Data) -> dict[str, float]:
    """Accuracy on val and on test, in [0, 1], by the name of its column."""
    return {
        f"{part}_accuracy": float(np.mean(predict(model, data.images, of.rows).argmax(axis=1) == of.labels))
        for part, of in data.subsets.items()
        if part != "train"
    }
