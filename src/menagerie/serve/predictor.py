"""One picture, one answer: what predict, serve, export and the MLflow model all ask."""

from pathlib import Path

import numpy as np

from menagerie.confidence import probabilities
from menagerie.errors import ModelError
from menagerie.model_facts import ANEW, MEMBER, Pixels, read_facts, warn_of_other_versions
from menagerie.model_files import load_model
from menagerie.prepare.decoding import decode
from menagerie.prepare.opening import Reading


def pixels_of(data: bytes, pixels: Pixels) -> np.ndarray:
    """The bytes of a picture file as uint8 (height, width, 3), exactly as `prepare` made those of training.

    Raises:
        UnreadableError: the bytes are empty, broken, truncated, too large or no picture.
    """
    reading = Reading(pixels.jpeg, pixels.truncated, pixels.max_pixels)
    return decode(data, pixels.image_size, pixels.resize, reading)[0]


class Predictor:
    """A model file, open.

    `facts` is what the file says of itself, `model` the Keras network: pictures uint8 (n, height, width, 3)
    in, logits float32 (n, classes) out. Where it was trained with another major version of Keras or of
    TensorFlow, the log says so.

    Raises:
        ModelError: there is no such file, it is no model, does not say what its classes are, or says what is
            not true of its network.
    """

    def __init__(self, path: Path) -> None:
        self.facts = read_facts(path)
        warn_of_other_versions(self.facts)
        self.model = load_model(path)
        found = (self.model.input_shape, self.model.output_shape)
        said = ((None, *self.facts.pixels.image_size, 3), (None, len(self.facts.classes)))
        if found != said:
            raise ModelError(
                f"{path}: its network takes and gives {found[0]} and {found[1]}, its member {MEMBER} says "
                f"{said[0]} and {said[1]}; {ANEW}"
            )

    def probabilities(self, pictures: np.ndarray) -> np.ndarray:
        """Calibrated probabilities float64 (n, classes) of pictures uint8 (n, height, width, 3)."""
        logits = np.asarray(self.model.predict_on_batch(pictures))
        return probabilities(logits / self.facts.temperature)
