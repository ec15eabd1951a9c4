"""One trial: the model with other settings, trained as the stage `train` does, and tried on val."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from menagerie import paths, tracking
from menagerie.data import Data
from menagerie.files import file_sha256
from menagerie.model_files import predict
from menagerie.models.parts.views import with_views
from menagerie.params import Params
from menagerie.params.section import parse
from menagerie.train import checkpoints
from menagerie.train.building import untrained
from menagerie.train.fitting import Session, train, without_prefix
from menagerie.train.seeding import environment, recorded
from menagerie.tune.study import Report, Tried

PACKAGE = Path(__file__).parents[1]


class _HopelessError(Exception):
    """Ends a training out of a callback of it."""


def trainer(
    params: Params, name: str, data: Data, parent: str
) -> Callable[[int, Params, Report], Tried | None]:
    """A function that trains model `name` with other params as trial of a number, a run under `parent`.

    A trial that was killed goes on where it stood when it is begun again.
    """
    dataset, val = params.dataset.name, data.subsets["val"]
    files = [paths.images(dataset), paths.split(dataset), *sorted(PACKAGE.rglob("*.py"))]
    tags = {"split.sha256": file_sha256(paths.split(dataset)), **recorded(paths.PINNED)}
    if parent:
        tags["mlflow.parentRunId"] = parent

    def one(number: int, changed: Params, report: Report) -> Tried | None:
        spec, compute = changed.model(name), changed.compute
        model = untrained(spec, data, changed.seed, compute)
        depends_on = (spec, changed.seed, compute.max_epochs, compute.precision, compute.deterministic)
        of_trial = tags | {"tune.trial": str(number)}
        with (
            checkpoints.kept(
                paths.work() / "checkpoints", (*depends_on, environment()), files, model
            ) as kept,
            tracking.training_run(
                changed, name, of_trial, kept.with_suffix(".run"), f"trial {number}"
            ) as run,
        ):

            def on_epoch(metrics: dict[str, float], epoch: int) -> None:
                run.log_epoch(metrics, epoch)
                if report(epoch, metrics["val_accuracy"]):
                    raise _HopelessError

            session = Session.of(compute, changed.seed, paths.work(), kept, on_epoch)
            try:
                train(model, spec, data, session)
            except _HopelessError:
                run.set_tags({"tune.state": "pruned"})
                return None
            if spec.tta:
                logits = predict(with_views(model, spec.tta), data.images, val.rows)
            else:  # each trial's look at val through a frozen base would cost as much as its head
                rest, images, subsets = without_prefix(model, data, session)
                logits = predict(rest, images, subsets["val"].rows)
            right = logits.argmax(axis=1) == val.labels
            run.log_metrics({"val/accuracy": float(np.mean(right)), "val/n": len(right)})
        return Tried(float(np.mean(right)), right)

    return one


def with_settings(params: Params, name: str, settings: dict[str, Any]) -> Params:
    """The params with other settings of one model.

    Raises:
        ParamsError: a setting that cannot be.
    """
    spec = parse(type(params.model(name)), settings, f"a trial of {name}")
    return params.model_copy(update={"models": {name: spec}})
