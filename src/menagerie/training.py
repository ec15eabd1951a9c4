"""Training: phases, their callbacks, and pictures fed from disk ahead of the step."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pandas as pd

from menagerie.data import Subset, gather
from menagerie.errors import ModelError
from menagerie.params import Phase

OnEpoch = Callable[[dict[str, float], int], None]  # what was measured, and the epoch (from 1)


class Batches(keras.utils.PyDataset):
    """Batches of a split, (pictures uint8 (b, height, width, 3), labels int32 (b,)), read ahead of the step.

    With a `seed` the pictures come in a new order each epoch, a function of (seed, epoch) alone, so that a
    run can be taken up again at any epoch; with None they come in the split's own order.
    """

    def __init__(
        self, images: np.ndarray, subset: Subset, batch_size: int, seed: int | None, epoch: int = 0
    ) -> None:
        # TensorFlow's side of Keras reads ahead by itself; for the others Keras does, given two threads.
        super().__init__(workers=1 if keras.backend.backend() == "tensorflow" else 2, max_queue_size=8)
        self.images, self.subset, self.batch_size = images, subset, batch_size
        self.seed, self.epoch = seed, epoch
        self.order = self._order()

    def _order(self) -> np.ndarray:
        count = len(self.subset.rows)
        if self.seed is None:
            return np.arange(count)
        return np.random.default_rng([self.seed, self.epoch]).permutation(count)

    @property
    def num_batches(self) -> int:
        return -(-len(self.subset.rows) // self.batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        return gather(self.images, self.subset.rows[chosen]), self.subset.labels[chosen]

    def on_epoch_end(self) -> None:
        self.epoch += 1
        self.order = self._order()


class EpochRecorder(keras.callbacks.Callback):
    """Collect what each epoch measured, with its phase, learning rate and seconds, and pass it on."""

    def __init__(self, phase: str, on_epoch: OnEpoch) -> None:
        super().__init__()
        self.phase, self.on_epoch, self.rows = phase, on_epoch, []

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.learning_rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        measured = {name: float(logs[name]) for name in ("loss", "accuracy", "val_loss", "val_accuracy")} | {
            "learning_rate": self.learning_rate
        }
        if not math.isfinite(measured["loss"]):
            raise ModelError(
                f"the loss is {measured['loss']} in epoch {epoch + 1} of phase {self.phase}; "
                f"lower its learning_rate ({self.learning_rate:g} now)"
            )
        self.rows.append({"epoch": epoch + 1, "phase": self.phase} | measured)
        self.on_epoch(measured | {"epoch_seconds": time.perf_counter() - self.started}, epoch + 1)


@dataclass(frozen=True)
class Trained:
    """What training gave besides the weights: one row an epoch, and what it cost.

    `history` has the columns epoch (from 1), phase, loss, accuracy, val_loss, val_accuracy, learning_rate.
    """

    history: pd.DataFrame
    fit_seconds: float
    pictures_per_second: float


def train(
    model: keras.Model,
    phases: dict[str, Phase],
    batches: Batches,
    val_batches: Batches,
    max_epochs: int | None,
    on_epoch: OnEpoch,
    verbose: int,
) -> Trained:
    """Fit `model`, which gives logits, in the phases' order; its weights change in place.

    `max_epochs` caps each phase. Epochs are counted through: the second phase starts where the first ended.

    Raises:
        ModelError: the loss is no longer a number.
    """
    rows: list[dict[str, Any]] = []
    started = time.perf_counter()
    for name, phase in phases.items():
        model.compile(
            _optimizer(phase),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
            jit_compile="auto" if _has_accelerator() else False,  # XLA is slower than oneDNN on a CPU
        )
        recorder = EpochRecorder(name, on_epoch)
        epochs = min(phase.epochs, max_epochs or phase.epochs)
        model.fit(
            batches,
            validation_data=val_batches,
            initial_epoch=len(rows),
            epochs=len(rows) + epochs,
            callbacks=[*_callbacks(phase), recorder],
            verbose=verbose,
        )
        rows += recorder.rows
    seconds = time.perf_counter() - started
    return Trained(pd.DataFrame(rows), seconds, len(rows) * len(batches.subset.rows) / seconds)


def _optimizer(phase: Phase) -> keras.optimizers.Optimizer:
    rate: Any = phase.learning_rate
    if phase.decay:
        rate = keras.optimizers.schedules.ExponentialDecay(rate, phase.decay.steps, phase.decay.rate)
    optimizer = keras.optimizers.get(phase.optimizer)
    return type(optimizer)(learning_rate=rate)


def _callbacks(phase: Phase) -> list[keras.callbacks.Callback]:
    callbacks: list[keras.callbacks.Callback] = []
    if stop := phase.early_stopping:
        callbacks.append(
            keras.callbacks.EarlyStopping(
                stop.monitor, patience=stop.patience, restore_best_weights=stop.restore_best, verbose=1
            )
        )
    if plateau := phase.reduce_on_plateau:
        callbacks.append(
            keras.callbacks.ReduceLROnPlateau(
                plateau.monitor,
                factor=plateau.factor,
                patience=plateau.patience,
                min_lr=plateau.min_learning_rate,
            )
        )
    return callbacks


def _has_accelerator() -> bool:
    return any(not str(device).lower().startswith("cpu") for device in keras.distribution.list_devices())
