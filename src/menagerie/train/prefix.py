"""The frozen prefix of a network: what it gives for a picture is the same in every epoch, so it is run once.

The prefix is the longest part that comes before anything random or trainable: a resize, a frozen base in
inference mode, all of a base but its last layers. What it gave is kept between runs, so that twenty heads
tried on one frozen base pay for the base once.
"""

import hashlib
import logging
import math
import os
import re
from contextlib import suppress
from pathlib import Path

import keras
import numpy as np
from tqdm import tqdm

from menagerie.data import gather
from menagerie.files import locked, whole
from menagerie.model_files import addresses_numbered

BATCH = 64  # pictures that go through the prefix at a time

log = logging.getLogger(__name__)


def split_at_prefix(model: keras.Model) -> tuple[keras.Model, keras.Model] | None:
    """The frozen prefix of a functional model as it is set now, and the rest; they share its layers.

    None when there is no prefix that pays: one without weights that gives more bytes than it takes, like a
    scaling to float32, costs more to read from disk than to run.
    """
    cut = _last_cut(model)
    if cut is None:
        return None
    return keras.Model(model.input, cut, name="prefix"), keras.Model(cut, model.output, name="rest")


def _last_cut(model: keras.Model) -> keras.KerasTensor | None:
    """The last tensor before which all is fixed and past which nothing leads but through itself."""
    operations = model.operations  # each after those that it takes its input from
    position = {
        id(tensor): number
        for number, operation in enumerate(operations)
        for tensor in keras.tree.flatten(operation.output)
    }
    last_use = dict.fromkeys(range(len(operations)), -1)
    for number, operation in enumerate(operations[1:], start=1):
        for tensor in keras.tree.flatten(operation.input):
            last_use[position[id(tensor)]] = number
    found, has_weights, open_until = None, False, 0
    for number, operation in enumerate(operations[:-1]):
        if not _is_fixed(operation):
            break
        has_weights = has_weights or bool(getattr(operation, "weights", ()))
        if open_until <= number and (has_weights or _bytes(operation.output) < _bytes(model.input)):
            found = operation.output
        open_until = max(open_until, last_use[number])
    return found


def _is_fixed(operation: keras.Operation) -> bool:
    """Whether it gives the same output for the same input whatever is trained, and however often."""
    if not isinstance(operation, keras.layers.Layer):
        return True
    random = len(operation.variables) > len(operation.weights)  # the state of a generator is no weight
    return not random and not (operation.weights and operation.trainable)


def _bytes(tensor: keras.KerasTensor) -> int:
    """Bytes for one picture."""
    return math.prod(tensor.shape[1:]) * (1 if tensor.dtype == "uint8" else 4)


def prefix_outputs(
    prefix: keras.Model, images: np.ndarray, rows: np.ndarray, folder: Path, limit_bytes: float
) -> np.ndarray | None:
    """What `prefix` gives for these rows of the pictures, float32 (n, ...), memory-mapped from `folder`.

    It is read from there if it was computed before, by this process or another; the file's name is a hash of
    all it depends on: the prefix and its weights, the pictures, the precision, Keras and its backend. The
    files used longest ago are removed when together they exceed `limit_bytes`; None if this one does alone.
    """
    shape = (len(rows), *prefix.output.shape[1:])
    size = 128 + 4 * math.prod(shape)  # with the header of an .npy file
    if size > limit_bytes:
        said = "the frozen layers give %.1f GB, more than compute.cache_gb: they are computed in every epoch"
        log.warning(said, size / 1e9)
        return None
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{_key(prefix, images, rows)}.npy"
    with locked(target.with_suffix(".lock"), "another run computes the same frozen layers"):
        if not target.exists():
            _sweep(folder, limit_bytes - size)
            with whole(target) as part:
                _compute(prefix, images, rows, part, shape)
        os.utime(target)  # it is the last to be swept
        return np.load(target, mmap_mode="r", allow_pickle=False)


def _compute(
    prefix: keras.Model, images: np.ndarray, rows: np.ndarray, path: Path, shape: tuple[int, ...]
) -> None:
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    bar = tqdm(desc="frozen layers", unit=" pictures", total=len(rows), disable=None)
    with bar, path.open("wb") as file:  # written, not mapped: a full disk is then an error and no crash
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, len(rows), BATCH):
            batch = prefix.predict_on_batch(gather(images, rows[start : start + BATCH]))
            file.write(keras.ops.convert_to_numpy(keras.ops.cast(batch, "float32")).astype("<f4", "C"))
            bar.update(len(batch))


def _key(prefix: keras.Model, images: np.ndarray, rows: np.ndarray) -> str:
    # Keras numbers names that it makes up by all that was built before; here the position is the name.
    position = {operation.name: str(number) for number, operation in enumerate(prefix.operations)}
    network = addresses_numbered(prefix.to_json())  # with the precision of each layer
    network = re.sub(r'"([^"]+)"', lambda found: f'"{position.get(found[1], found[1])}"', network)
    digest = hashlib.sha256(repr((keras.version(), keras.backend.backend(), network)).encode())
    for weight in prefix.weights:
        digest.update(keras.ops.convert_to_numpy(weight).tobytes())
    for start in range(0, len(rows), BATCH):
        digest.update(gather(images, rows[start : start + BATCH]))
    return digest.hexdigest()


def _sweep(folder: Path, room: float) -> None:
    """Remove the files used longest ago until the rest take no more than `room` bytes."""
    kept = sorted(folder.glob("*.npy"), key=lambda path: path.stat().st_mtime)
    total = sum(path.stat().st_size for path in kept)
    while kept and total > room:
        oldest = kept.pop(0)
        total -= oldest.stat().st_size
        with suppress(PermissionError):  # Windows keeps what another run has open
            oldest.unlink()
