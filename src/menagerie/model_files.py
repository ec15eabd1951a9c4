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
from menagerie.model_facts import ANEW, MEMBER, ModelFacts

SAID = 300  # characters of what Keras says of a file: of some it shows the whole configuration


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
        ModelError: there is no such file, it is no model, it is not as it was written, a newer Keras wrote
            it and this one cannot read it, or a weight of it is no number.
    """
    try:
        with zipfile.ZipFile(path) as file:  # Keras reads on where a checksum is wrong
            if damaged := file.testzip():
                raise zipfile.BadZipFile(f"its member {damaged} is damaged")
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # of a file that is not as it expects, Keras may raise anything
        raise ModelError(f"{path} {_why_not(path, error)}") from error
    for weight in model.weights:  # or every picture would be of the first class
        if not np.isfinite(keras.ops.convert_to_numpy(weight)).all():
            raise ModelError(f"{path} has weights that are no numbers, in {weight.path}; {ANEW}")
    return model


def _why_not(path: Path, error: Exception) -> str:
    written, here = written_by(path), keras.version()
    if written is not None and _numbers(written) > _numbers(here):
        return (
            f"was written by Keras {written}, and Keras {here}, which is installed, cannot read it; "
            f'pip install "keras>={written}", or train it again here: dvc repro'
        )
    # What it says of a part comes after the whole configuration; what it advises then turns safe mode off.
    reason = str(error).rpartition("Exception encountered: ")[2].partition("If you trust the source")[0]
    said = " ".join(reason.split())[:SAID]
    return f"is no model that Keras can read ({said}); {ANEW}"


def written_by(path: Path) -> str | None:
    """The version of Keras that a .keras file says it was written by; None where it says none."""
    try:
        with zipfile.ZipFile(path) as file:
            return str(json.loads(file.read("metadata.json"))["keras_version"])
    except Exception:  # of the same broken bytes as above
        return None


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)[:3]]
