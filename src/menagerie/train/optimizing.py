"""What a phase says of optimizer, schedule and callbacks, as Keras's objects."""

import keras

from menagerie.errors import ParamsError
from menagerie.params.model import CosineSchedule, Phase
from menagerie.train.averaging import AveragedWeights


def optimizer(phase: Phase, steps: int, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    """The optimizer of a phase that takes `steps` steps.

    Raises:
        ParamsError: settings that this optimizer does not take.
    """
    kind = type(keras.optimizers.get(phase.optimizer))
    try:
        return kind(learning_rate=_rate(phase, steps, steps_per_epoch), **phase.optimizer_settings)
    except (TypeError, ValueError) as error:
        raise ParamsError(f"optimizer_settings of {phase.optimizer}: {error}") from error


def _rate(
    phase: Phase, steps: int, steps_per_epoch: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    rate, schedule = phase.learning_rate, phase.schedule
    if schedule is None:
        return rate
    if not isinstance(schedule, CosineSchedule):
        return keras.optimizers.schedules.ExponentialDecay(rate, schedule.steps, schedule.rate)
    warmup = min(round(schedule.warmup_epochs * steps_per_epoch), steps - 1)
    if not warmup:
        return keras.optimizers.schedules.CosineDecay(rate, steps)
    return keras.optimizers.schedules.CosineDecay(
        0.0, steps - warmup, warmup_target=rate, warmup_steps=warmup
    )


def averaging(phase: Phase) -> list[keras.callbacks.Callback]:
    """What measures the moving average of the weights, where the optimizer is told to keep one."""
    return [AveragedWeights()] if phase.optimizer_settings.get("use_ema") else []


def callbacks(phase: Phase) -> list[keras.callbacks.Callback]:
    """What watches a phase after each epoch."""
    found: list[keras.callbacks.Callback] = []
    if stop := phase.early_stopping:
        found.append(
            keras.callbacks.EarlyStopping(
                stop.monitor, patience=stop.patience, restore_best_weights=stop.restore_best, verbose=1
            )
        )
    if plateau := phase.reduce_on_plateau:
        found.append(
            keras.callbacks.ReduceLROnPlateau(
                plateau.monitor,
                factor=plateau.factor,
                patience=plateau.patience,
                min_delta=plateau.min_delta,
                min_lr=plateau.min_learning_rate,
            )
        )
    return found
