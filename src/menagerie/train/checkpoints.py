"""Where a training stood: one that was killed goes on there, and ends as if it never had been.

It is kept in the work folder and not in the stage's outputs, which DVC removes before a stage runs.
"""

import hashlib
import json
import time
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from menagerie.files import file_sha256, locked, remove, whole

EVERY = 60  # seconds between two that are written, so that they cost next to nothing
OLD = 30 * 24 * 3600  # seconds after which nobody is thought to go on with one

# What these callbacks know of the epochs before; beside it, EarlyStopping holds the best epoch's weights.
MEMORY = {
    keras.callbacks.EarlyStopping: ("best", "best_epoch", "wait"),
    keras.callbacks.ReduceLROnPlateau: ("best", "wait", "cooldown_counter"),
}


@dataclass(frozen=True)
class Checkpoint:
    """A training at the end of an epoch.

    `begun` epochs came before the phase; `rows` is what each epoch measured, `seconds` what they took;
    `variables` are those of the network, with the states of its random generators, then of the optimizer;
    `callbacks` has what each knows of the epochs before, `best_weights` the weights of the network that each
    holds.
    """

    phase: str
    begun: int
    rows: list[dict[str, Any]]
    seconds: float
    variables: list[np.ndarray]
    callbacks: list[dict[str, Any]]
    best_weights: list[list[np.ndarray]]


@contextmanager
def kept(folder: Path, facts: object, files: Iterable[Path], model: keras.Model) -> Iterator[Path]:
    """The checkpoint of a training, which is removed when the block ends well; one of no use for long goes.

    Its name is a hash of all that the training depends on: `facts` by their repr, files and first weights by
    their bytes. A second process that trains the same waits.
    """
    digest = hashlib.sha256(repr(facts).encode())
    for weight in model.weights:
        digest.update(keras.ops.convert_to_numpy(weight).tobytes())
    for file in files:
        digest.update(file_sha256(file).encode())
    path = folder / f"{digest.hexdigest()[:32]}.npz"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if time.time() - old.stat().st_mtime > OLD:
            remove(old)
    with locked(path.with_suffix(".lock"), "another run trains the same model on the same data"):
        yield path
        for done in folder.glob(f"{path.stem}*{path.suffix}"):  # of each member
            remove(done)


def read(path: Path) -> Checkpoint | None:
    """None when there is none that can be read: training then starts from the beginning."""
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            about = json.loads(file["about"].item())
            variables = [file[f"variable {number}"] for number in range(about.pop("variables"))]
            best = [
                [file[f"best {callback} {number}"] for number in range(count)]
                for callback, count in enumerate(about.pop("best_weights"))
            ]
            return Checkpoint(**about, variables=variables, best_weights=best)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return None


def write(path: Path, checkpoint: Checkpoint) -> None:
    arrays = {f"variable {number}": values for number, values in enumerate(checkpoint.variables)}
    for callback, weights in enumerate(checkpoint.best_weights):
        arrays |= {f"best {callback} {number}": values for number, values in enumerate(weights)}
    about = vars(checkpoint) | {
        "variables": len(checkpoint.variables),
        "best_weights": [len(weights) for weights in checkpoint.best_weights],
    }
    with whole(path) as part, part.open("wb") as file:
        np.savez(file, about=np.array(json.dumps(about)), **arrays)


@dataclass(frozen=True)
class Progress:
    """A phase of a training on its way.

    `begun` epochs came before the phase; `rows` grows as epochs end; `started` is when training began, of
    time.perf_counter; `saved` is where the phase is to go on, None where it begins.
    """

    phase: str
    begun: int
    rows: list[dict[str, Any]]
    started: float
    saved: Checkpoint | None


class Keeper(keras.callbacks.Callback):
    """Writes where a phase stands, at most once in EVERY seconds, and goes back to `progress.saved` at first.

    `network` is the whole one, of which a part may be trained; `others` are the callbacks before this one.
    """

    def __init__(
        self,
        path: Path,
        progress: Progress,
        network: keras.Model,
        others: Sequence[keras.callbacks.Callback],
    ) -> None:
        super().__init__()
        self.path, self.progress, self.network = path, progress, network
        self.others = [other for other in others if type(other) in MEMORY]
        self.last = time.monotonic()

    def _variables(self) -> list[keras.Variable]:
        return [*self.network.variables, *self.model.optimizer.variables]

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Go back to where it stood: after the other callbacks, which now forget all that they know."""
        saved = self.progress.saved
        if saved is None:
            return
        self.model.optimizer.build(self.model.trainable_variables)
        for variable, values in zip(self._variables(), saved.variables, strict=True):
            variable.assign(values)
        for other, known, weights in zip(self.others, saved.callbacks, saved.best_weights, strict=True):
            vars(other).update(known)
            if weights:
                best = dict(zip(map(id, self.network.weights), weights, strict=True))
                other.best_weights = [best[id(weight)] for weight in self.model.weights]

    def _best_weights(self, other: keras.callbacks.Callback) -> list[np.ndarray]:
        """The weights that a callback holds, as those of the whole network: another part of it may go on."""
        held = getattr(other, "best_weights", None)
        if not held:
            return []
        best = dict(zip(map(id, self.model.weights), held, strict=True))
        return [best.get(id(weight), keras.ops.convert_to_numpy(weight)) for weight in self.network.weights]

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if self.model.stop_training or time.monotonic() - self.last < EVERY:
            return
        checkpoint = Checkpoint(
            self.progress.phase,
            self.progress.begun,
            self.progress.rows,
            time.perf_counter() - self.progress.started,
            [keras.ops.convert_to_numpy(variable) for variable in self._variables()],
            [{name: getattr(other, name) for name in MEMORY[type(other)]} for other in self.others],
            [self._best_weights(other) for other in self.others],
        )
        write(self.path, checkpoint)
        self.last = time.monotonic()
