"""Training: phases one after another, and pictures fed from disk ahead of the step."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import keras
import numpy as np
import pandas as pd
from sklearn.utils.class_weight import compute_class_weight

from menagerie.data import Data, Subset
from menagerie.errors import ModelError
from menagerie.models.parts.freezing import freeze
from menagerie.params import Compute
from menagerie.params.model import PretrainedModel, PretrainedPhase, ScratchModel
from menagerie.train import checkpoints
from menagerie.train.augmenting import Augmenter
from menagerie.train.batches import Batches
from menagerie.train.checkpoints import Progress
from menagerie.train.optimizing import averaging, callbacks, optimizer
from menagerie.train.prefix import prefix_outputs, split_at_prefix

OnEpoch = Callable[[dict[str, float], int], None]  # what was measured, and the epoch (from 1)


class EpochRecorder(keras.callbacks.Callback):
    """Add what each epoch measured, with its phase, learning rate and seconds, to `progress`; pass it on."""

    def __init__(self, progress: Progress, on_epoch: OnEpoch) -> None:
        super().__init__()
        self.progress, self.on_epoch = progress, on_epoch

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.learning_rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        measured = {name: float(logs[name]) for name in ("loss", "accuracy", "val_loss", "val_accuracy")}
        if not math.isfinite(measured["loss"]):
            raise ModelError(
                f"the loss is {measured['loss']} in epoch {epoch + 1} of phase {self.progress.phase}; "
                f"lower its learning_rate ({self.learning_rate:g} now)"
            )
        took = {"learning_rate": self.learning_rate, "epoch_seconds": time.perf_counter() - self.started}
        self.progress.rows.append({"epoch": epoch + 1, "phase": self.progress.phase} | measured | took)
        pass_on(self.progress.rows[-1], self.on_epoch)


def pass_on(row: dict[str, Any], on_epoch: OnEpoch) -> None:
    on_epoch({name: value for name, value in row.items() if name not in ("epoch", "phase")}, row["epoch"])


@dataclass(frozen=True)
class Session:
    """How a training is run, whatever is trained on what.

    `seed` decides the order of the pictures; `max_epochs` bounds each phase. What frozen layers give is kept
    in the folder `prefixes`, up to `prefix_bytes`; with 0 they are computed in every epoch. Where training
    stands is kept at `checkpoint`, which is to name all that it depends on. `verbose` is as of Keras's fit.
    """

    seed: int
    max_epochs: int | None
    prefixes: Path
    prefix_bytes: float
    checkpoint: Path
    on_epoch: OnEpoch
    verbose: int

    @classmethod
    def of(cls, compute: Compute, seed: int, work: Path, checkpoint: Path, on_epoch: OnEpoch) -> Self:
        """As `compute` says, with what is kept between runs in the folder `work`; silent."""
        return cls(
            seed=seed,
            max_epochs=compute.max_epochs,
            prefixes=work / "prefixes",
            prefix_bytes=compute.cache_gb * 1e9,
            checkpoint=checkpoint,
            on_epoch=on_epoch,
            verbose=0,
        )


@dataclass(frozen=True)
class Trained:
    """What training gave besides the weights: one row an epoch, and what it cost.

    `history` has the columns epoch (from 1), phase, loss, accuracy, val_loss, val_accuracy, learning_rate and
    kept, which is true of the one epoch that the weights are of.
    """

    history: pd.DataFrame
    fit_seconds: float
    pictures_per_second: float


def train(model: keras.Model, spec: ScratchModel | PretrainedModel, data: Data, session: Session) -> Trained:
    """Fit `model`, which gives logits, in the order of the spec's phases; its weights change in place.

    Epochs are counted through: the second phase starts where the first ended. It goes on from what is at
    `session.checkpoint`, with the same result as if it had never stopped, and `session.on_epoch` is told of
    the epochs before too. The caller removes the file when the result is safe.

    Raises:
        ModelError: the loss is no longer a number.
        ParamsError: settings that an optimizer does not take, or layers to freeze that are not there.
    """
    saved = checkpoints.read(session.checkpoint)
    rows: list[dict[str, Any]] = saved.rows if saved else []
    for row in rows:
        pass_on(row, session.on_epoch)
    started = time.perf_counter() - (saved.seconds if saved else 0)
    for name in spec.phases:
        if saved and saved.phase != name:
            continue  # it was over
        progress = Progress(name, saved.begun if saved else len(rows), rows, started, saved)
        kept = _fit_phase(model, spec, data, session, progress)
        saved = None
    seconds = time.perf_counter() - started
    history = pd.DataFrame(rows).drop(columns="epoch_seconds")
    history["kept"] = history["epoch"] == kept
    return Trained(history, seconds, len(rows) * len(data.subsets["train"].rows) / seconds)


def _fit_phase(
    model: keras.Model,
    spec: ScratchModel | PretrainedModel,
    data: Data,
    session: Session,
    progress: Progress,
) -> int:
    """The epoch, from 1, that the weights are of when it ends."""
    phase, part, images, subsets = spec.phases[progress.phase], model, data.images, data.subsets
    augment, mixed = None, False
    if isinstance(phase, PretrainedPhase):
        freeze(model, phase)
    if spec.augment and (phase.augmented if isinstance(phase, PretrainedPhase) else True):
        augment = Augmenter(model, spec.augment)
        part, mixed = augment.rest, bool(augment.mixing)
    else:
        part, images, subsets = without_prefix(model, data, session)
    classes = len(data.classes) if spec.label_smoothing or mixed else None
    batches = Batches(images, subsets["train"], spec.batch_size, session.seed, classes, augment)
    epochs = min(phase.epochs, session.max_epochs or phase.epochs)
    part.compile(
        optimizer(phase, epochs * batches.num_batches, batches.num_batches),
        _loss(spec.label_smoothing, one_hot=classes is not None),
        metrics=["accuracy"],
        jit_compile="auto" if _has_accelerator() else False,  # XLA is slower than oneDNN on a CPU
    )
    watching = [*callbacks(phase), EpochRecorder(progress, session.on_epoch), *averaging(phase)]
    keeper = checkpoints.Keeper(session.checkpoint, progress, model, watching)
    part.fit(
        batches,
        validation_data=Batches(images, subsets["val"], spec.batch_size, None, classes, augment),
        initial_epoch=len(progress.rows),
        epochs=progress.begun + epochs,
        class_weight=_class_weights(spec, data.subsets["train"].labels),
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_begin=batches.begin), *watching, keeper],
        shuffle=False,  # or Keras shuffles the batches once more, with a generator of its own
        verbose=session.verbose,
    )
    restored = [other.best_epoch + 1 for other in watching if getattr(other, "restore_best_weights", False)]
    return restored[0] if restored else len(progress.rows)


def without_prefix(
    model: keras.Model, data: Data, session: Session
) -> tuple[keras.Model, np.ndarray, dict[str, Subset]]:
    """The part of a network behind what is frozen now, what it is fed with, and the rows of train and val.

    That is the network itself, on the pictures, where nothing that pays is frozen or may be kept.
    """
    parts = split_at_prefix(model) if session.prefix_bytes else None
    if parts is None:
        return model, data.images, data.subsets
    prefix, rest = parts
    seen = {name: data.subsets[name] for name in ("train", "val")}
    rows = np.unique(np.concatenate([subset.rows for subset in seen.values()]))
    given = prefix_outputs(prefix, data.images, rows, session.prefixes, session.prefix_bytes)
    if given is None:
        return model, data.images, data.subsets
    return (
        rest,
        given,
        {name: replace(subset, rows=np.searchsorted(rows, subset.rows)) for name, subset in seen.items()},
    )


def _loss(label_smoothing: float, one_hot: bool) -> keras.losses.Loss:
    if one_hot:
        return keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=label_smoothing)
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def _class_weights(spec: ScratchModel | PretrainedModel, labels: np.ndarray) -> dict[int, float] | None:
    if spec.class_weights is None:
        return None
    classes = np.unique(labels)
    weights = compute_class_weight(spec.class_weights, classes=classes, y=labels)
    return dict(zip(classes.tolist(), weights.tolist(), strict=True))


def _has_accelerator() -> bool:
    return any(not str(device).lower().startswith("cpu") for device in keras.distribution.list_devices())
