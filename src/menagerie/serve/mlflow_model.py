"""The model that MLflow keeps: pictures in, classes and calibrated probabilities out.

MLflow copies this script, the package and the model file to its store and runs the script where the model is
loaded (its "models from code"): this project need not be installed there.
"""

import base64
import binascii
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from PIL import Image

BATCH = 256  # pictures that are in memory as pixels at a time
TOP = 3


class PictureModel(mlflow.pyfunc.PythonModel):
    """A network with the pixels it was trained on and the probabilities that val calibrated.

    A picture is the bytes of a picture file, the same as base64 text, an array uint8 (height, width, 3), or a
    `pathlib.Path`. Text is never a path: what comes over a network cannot make a server read its files.
    """

    def load_context(self, context: Any) -> None:
        from menagerie.serve.predictor import Predictor  # loads TensorFlow; logging a model does not need it

        self._predictor = Predictor(Path(context.artifacts["model"]))

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """One row a picture of the first column: class, probability, and `params["top"]` classes as `top`.

        A cell with a list of pictures, or an array uint8 (n, height, width, 3), is n rows.

        Raises:
            MlflowException: an entry is no picture, or is of floats; a server answers it with 400.
        """
        facts = self._predictor.facts
        top = (params or {}).get("top", TOP)
        if top < 1:
            raise MlflowException.invalid_parameter_value(f"`top` is {top}; 1 or more is expected")
        entries = list(_entries(model_input.iloc[:, 0]))
        rows = []
        for start in range(0, len(entries), BATCH):
            batch = entries[start : start + BATCH]
            pictures = np.stack([self._pixels(entry, start + place) for place, entry in enumerate(batch)])
            for row in self._predictor.probabilities(pictures):
                best = np.argsort(-row, kind="stable")[:top]
                ranked = [{"class": facts.classes[one], "probability": float(row[one])} for one in best]
                rows.append({**ranked[0], "top": ranked})
        return pd.DataFrame(rows, columns=["class", "probability", "top"])

    def _pixels(self, entry: Any, place: int) -> np.ndarray:
        from menagerie.prepare.opening import UnreadableError
        from menagerie.serve.predictor import pixels_of

        try:
            if isinstance(entry, Path):
                entry = entry.read_bytes()
            elif isinstance(entry, str):
                entry = _decoded(entry)
            elif not isinstance(entry, bytes):
                entry = _array(entry)
                if entry.shape[:2] == self._predictor.facts.pixels.image_size:
                    return entry
                entry = _png(entry)  # brought to the size of the network as a file is
            return pixels_of(entry, self._predictor.facts.pixels)
        except (UnreadableError, ValueError, OSError) as error:
            raise MlflowException.invalid_parameter_value(f"picture {place} (from 0): {error}") from error


def _entries(column: pd.Series) -> Iterator[Any]:
    for cell in column:
        if isinstance(cell, list | tuple | np.ndarray) and len(cell) and _is_many(cell):
            yield from cell
        else:
            yield cell


def _is_many(cell: Any) -> bool:
    if isinstance(cell[0], bytes | str | Path):
        return True
    try:
        return np.ndim(cell) == 4
    except ValueError:  # arrays of several sizes
        return True


def _decoded(text: str) -> bytes:
    _, _, data = text.rpartition(";base64,")  # of a data URL, as a browser gives it
    try:
        return base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(
            f"the text {text[:40]!r} is no base64 of a picture file; a path is given as pathlib.Path, and "
            "only where the model is loaded: a served model reads no files"
        ) from None


def _array(value: Any) -> np.ndarray:
    """As uint8 (height, width, 3); whole numbers of 0 to 255, as JSON has them, are taken, floats are not."""
    if value is None:
        raise ValueError("it is null; the bytes of a picture file, base64 text or an array is expected")
    array = np.asarray(value)
    if array.dtype.kind not in "iu":
        raise ValueError(
            f"it is of {array.dtype}; the bytes of a picture file, base64 text or an array of uint8, 0 to "
            "255, is expected (floats of 0 to 1 would all be black)"
        )
    if array.ndim != 3 or array.shape[2] != 3 or not array.size:
        raise ValueError(f"it is an array of shape {array.shape}; (height, width, 3) is expected")
    if array.min() < 0 or array.max() > 255:
        raise ValueError(f"it has values of {array.min()} to {array.max()}; 0 to 255 is expected")
    return array.astype(np.uint8)


def _png(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG", compress_level=1)
    return file.getvalue()


mlflow.models.set_model(PictureModel())
