"""What is asked about a model in a process of its own: TensorFlow keeps what memory of a GPU it took."""

import io
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import redirect_stdout
from typing import Any

from menagerie import paths
from menagerie.backend import loading
from menagerie.files import read_json
from menagerie.notebooks import reach
from menagerie.notebooks.planning import TRAIN, Estimate, Speed, estimated
from menagerie.notebooks.reach import Place
from menagerie.params import Params
from menagerie.params.model import PretrainedModel

Ask = Callable[[Any], Future[Any]]


def answer(question: tuple[Any, ...]) -> Any:
    """Call a function of timing.py, `at_hand` or `seconds`, with what it takes; nothing is printed."""
    name, *arguments = question
    with loading(), redirect_stdout(io.StringIO()):
        from menagerie.notebooks import timing

        return getattr(timing, name)(*arguments)


def weights(params: Params, model: str, ask: Ask, mirror: str | None, answers: reach.Answers) -> Place:
    """Where the weights that a model starts from are; nothing is said of random ones."""
    spec, shape = params.models[model], _shape(params)
    if not isinstance(spec, PretrainedModel) or spec.weights == "random":
        return Place(True, "")
    if spec.weights == "imagenet" and ask(("at_hand", spec, shape)).result():
        return Place(True, "at hand")
    return reach.weights(spec, spec.image_size or shape, mirror, answers)


def estimate(params: Params, model: str, ask: Ask, epochs: int | None) -> Estimate:
    """How long the training may take, by the speed of the last one here, else by a few steps."""
    if params.study not in TRAIN:
        return Estimate(None, "nobody knows how long, since nobody counted its pictures")
    record = paths.run_record(params.dataset.name, model)
    measured = read_json(record).get("pictures_per_second") if record.is_file() else None
    if measured:  # a model out of DVC's cache was only tested here
        speed = Speed(1 / measured, 0, "at the speed of its last training here")
        return estimated(params, model, epochs, speed)
    try:
        found = ask(("seconds", params.models[model], _shape(params))).result()
    except Exception as error:  # whatever it is: the run will tell, and an estimate is no reason to stop
        return Estimate(None, f"nobody knows how long: a few steps ended in {type(error).__name__}: {error}")
    return estimated(params, model, epochs, Speed(*found, "by a few steps measured now"))


def _shape(params: Params) -> tuple[int, int, int]:
    return (*params.dataset.image_size, 3)
