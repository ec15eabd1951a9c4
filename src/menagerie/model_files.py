"""Model files: Keras's own format, written so that equal weights give equal bytes."""

import json
import re
import zipfile
from pathlib import Path
from zipfile import ZipInfo

import keras
import numpy as np
from tqdm import tqdm

from menagerie.data import gather
from menagerie.errors import ModelError
from menagerie.model_facts import ANEW, MEMBER, UNREADABLE, ModelFacts


def save_model(model: keras.Model, path: Path, facts: ModelFacts | None = None) -> None:
    """Write network and weights, without the optimizer, to a .keras file, and `facts` as a member beside.

    Keras notes the time of saving in metadata.json and in the zip's directory, and memory addresses in
    config.json; the times are taken out and the addresses numbered, so that DVC sees a new model only
    when there is one.
    """
    saved = path.with_name("saved.keras")
    keras.Model(model.input, model.output, name=model.name).save(saved)  # a view with nothing compiled
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "metadata.json":
                content = json.dumps({"keras_version": json.loads(content)["keras_version"]}).encode()
            if name == "config.json":
                content = addresses_numbered(content.decode()).encode()
            target.writestr(ZipInfo(name), content)
        if facts is not None:
            target.writestr(ZipInfo(MEMBER), facts.model_dump_json())
    saved.unlink()


def addresses_numbered(config: str) -> str:
    """Number the ids of shared objects from 0 in the order that they appear: they only need to differ."""
    numbers: dict[str, int] = {}
    return re.sub(
        r'("shared_object_id": )(\d+)',
        lambda found: found[1] + str(numbers.setdefault(found[2], len(numbers))),
        config,
    )


def predict(model: keras.Model, images: np.ndarray, rows: np.ndarray, batch_size: int = 256) -> np.ndarray:
    """Logits float32 (n, classes) for these rows of the memory-mapped pictures, in their order."""
    parts = []
    with tqdm(desc="predictions", unit=" pictures", total=len(rows), disable=None, delay=1) as bar:
        for start in range(0, len(rows), batch_size):
            batch = gather(images, rows[start : start + batch_size])
            parts.append(keras.ops.convert_to_numpy(model.predict_on_batch(batch)))
            bar.update(len(batch))
    return np.concatenate(parts)


def load_model(path: Path) -> keras.Model:
    """Read a .keras file in Keras's safe mode: no code of the file runs.

    Raises:
        ModelError: there is no such file, it is no model, or it is not as it was written.
    """
    try:
        with zipfile.ZipFile(path) as file:  # Keras reads on where a checksum is wrong
            if damaged := file.testzip():
                raise zipfile.BadZipFile(f"its member {damaged} is damaged")
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except (*UNREADABLE, KeyError, TypeError) as error:
        raise ModelError(f"{path} is no model that Keras can read ({error}); {ANEW}") from error
