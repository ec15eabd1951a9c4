"""A search for better settings of one model: Optuna's TPE by accuracy on val, hopeless trials pruned.

The study is kept in a database, so that it goes on after a kill, and several workers share it.
"""

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from optuna.trial import TrialState

from menagerie.errors import MenagerieError
from menagerie.params.tuning import Between, OneOf, Space, Times
from menagerie.tracking.reasons import first_line
from menagerie.tune.places import values_at

HEARTBEAT = 10  # seconds; a trial whose worker is silent for twice as long is begun again
STARTUP = 5  # trials that none is pruned before
RIGHT = "right"  # the attribute of a trial that says of each val picture, as 0 or 1, whether it was right
OVER = (TrialState.COMPLETE, TrialState.PRUNED)


@dataclass(frozen=True)
class Tried:
    """What a trial came to: accuracy on val, in [0, 1], and which pictures were right, bool (n,)."""

    accuracy: float
    right: np.ndarray


Report = Callable[[int, float], bool]  # an epoch and its val accuracy; whether to stop there
Train = Callable[[int, dict[str, Any], Report], Tried | None]  # a trial's number, values; None: stopped


def open_study(storage: str, name: str, seed: int) -> optuna.Study:
    """Make the study, or take it up.

    Raises:
        MenagerieError: the storage cannot be reached.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        try:
            database = optuna.storages.RDBStorage(
                storage,
                heartbeat_interval=HEARTBEAT,
                heartbeat_stale_trial_callback=optuna.storages.RetryHeartbeatStaleTrialCallback(),
            )
        except Exception as error:  # SQLAlchemy's, or its driver's
            raise MenagerieError(
                f"the study's database cannot be reached: {first_line(error)}; name another with --storage, "
                "as SQLAlchemy writes it: postgresql://user@host/name"
            ) from error
        study = optuna.create_study(
            storage=database, study_name=name, direction="maximize", load_if_exists=True
        )
        # Another draw of the first, random settings than that of the process that was here before.
        study.sampler = optuna.samplers.TPESampler(seed=seed + len(study.trials))
        study.pruner = optuna.pruners.MedianPruner(n_startup_trials=STARTUP, n_warmup_steps=1)
    return study


def begin_with(study: optuna.Study, space: Space, settings: dict[str, Any]) -> None:
    """Have the first trial be the model as it is, by which the others are measured."""
    if not study.trials:
        study.enqueue_trial({place: _own(kind, value) for place, kind, value in _searched(space, settings)})


def search(
    study: optuna.Study,
    space: Space,
    settings: dict[str, Any],
    train: Train,
    trials: int | None,
    until: float | None,
    told: Callable[[optuna.Study, optuna.trial.FrozenTrial], None],
) -> None:
    """Try settings until so many trials of the study are over, or until a time of time.time().

    `told` is called after each; other workers may search the same study.
    """

    def objective(trial: optuna.Trial) -> float:
        values = {
            place: _drawn(trial, place, kind, value) for place, kind, value in _searched(space, settings)
        }

        def report(epoch: int, accuracy: float) -> bool:
            trial.report(accuracy, epoch)
            return trial.number > 0 and trial.should_prune()

        tried = train(trial.number, values, report)
        if tried is None:
            raise optuna.TrialPruned
        trial.set_user_attr(RIGHT, "".join("01"[int(one)] for one in tried.right))
        return tried.accuracy

    limits = [] if trials is None else [optuna.study.MaxTrialsCallback(trials, states=OVER)]
    if trials is not None and len(study.get_trials(deepcopy=False, states=OVER)) >= trials:
        return
    seconds = None if until is None else max(until - time.time(), 0)
    study.optimize(objective, timeout=seconds, callbacks=[told, *limits])


def over(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    """The trials that came to their end or were pruned, in order."""
    return [trial for trial in study.get_trials(deepcopy=False) if trial.state in OVER]


def best(study: optuna.Study) -> tuple[optuna.trial.FrozenTrial, optuna.trial.FrozenTrial]:
    """The first trial, which is the model as it is, and the best one; at a tie the earlier.

    Raises:
        MenagerieError: the first has not come to its end.
    """
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    first = [trial for trial in complete if not trial.system_attrs.get("failed_trial", trial.number)]
    if not first:
        raise MenagerieError("the model as it is was not tried to its end; give more --budget")
    return first[0], max(complete, key=lambda trial: (trial.value, -trial.number))


def right(trial: optuna.trial.FrozenTrial) -> np.ndarray:
    """Which val pictures a trial had right, bool (n,)."""
    return np.array([one == "1" for one in trial.user_attrs[RIGHT]])


def in_settings(space: Space, settings: dict[str, Any], drawn: dict[str, Any]) -> dict[str, Any]:
    """Values by place, of what a trial drew."""
    return {place: _value(kind, value, drawn[place]) for place, kind, value in _searched(space, settings)}


def _searched(space: Space, settings: dict[str, Any]) -> list[tuple[str, Times | Between | OneOf, Any]]:
    return [
        (place, kind, value)
        for pattern, kind in space.search.items()
        for place, value in values_at(settings, pattern).items()
    ]


def _drawn(trial: optuna.Trial, place: str, kind: Times | Between | OneOf, value: Any) -> Any:
    if isinstance(kind, OneOf):
        drawn = trial.suggest_categorical(place, _choices(kind, value))
    else:
        drawn = trial.suggest_float(place, kind.low, kind.high, log=isinstance(kind, Times))
    return _value(kind, value, drawn)


def _value(kind: Times | Between | OneOf, value: Any, drawn: Any) -> Any:
    return float(f"{value * drawn:.3g}") if isinstance(kind, Times) else drawn


def _own(kind: Times | Between | OneOf, value: Any) -> Any:
    """What is drawn where the model keeps its own value."""
    return 1.0 if isinstance(kind, Times) else value


def _choices(kind: OneOf, value: Any) -> list[Any]:
    return [*kind.values] if value in kind.values else [value, *kind.values]
