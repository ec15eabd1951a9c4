"""What of the notebooks this machine can run: study by study and model by model, with an estimate of time."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from menagerie.notebooks.reach import Place
from menagerie.params import Params
from menagerie.report.findings.values import count, counted, duration

# Training pictures of the published splits, by the name of the study.
TRAIN = {
    "animals10": 18_328,
    "animals5": 11_453,
    "cifar10_images": 45_000,
    "cifar10_model_s": 40_000,
    "cifar10_transfer": 45_000,
    "sign_digits": 1_650,
}
TRY = ("replicates=0",)  # what a try with few epochs leaves out besides


class Speed(NamedTuple):
    """Seconds a picture and epoch; once a picture, for layers that are frozen; how that is known."""

    seconds: float
    once: float
    how: str


@dataclass(frozen=True)
class Estimate:
    seconds: float | None  # None where nobody knows
    how: str


@dataclass(frozen=True)
class Planned:
    """A model of a study: where its weights are, why it is left out (else ""), and how long it may take."""

    name: str
    weights: str
    why_not: str
    estimate: Estimate


@dataclass(frozen=True)
class Plan:
    """A study: where its pictures are, or why it is not run, and its models."""

    study: str
    title: str
    pictures: str
    models: tuple[Planned, ...]

    @property
    def chosen(self) -> list[str]:
        """The models that can be run."""
        return [model.name for model in self.models if not model.why_not]

    @property
    def left_out(self) -> dict[str, str]:
        """The others, each with the reason."""
        return {model.name: model.why_not for model in self.models if model.why_not}

    def command(self, epochs: int | None) -> list[str]:
        """What runs it: the whole study, or what can be had of it."""
        words = ["dvc", "exp", "run", "-S", f"study={self.study}"]
        if self.left_out:
            names = self.chosen
            words += ["-S", f"model={names[0] if len(names) == 1 else '[' + ','.join(names) + ']'}"]
        if epochs:
            words += [word for one in (f"compute.max_epochs={epochs}", *TRY) for word in ("-S", one)]
        return words


@dataclass(frozen=True)
class Knowing:
    """What is known of this machine: where pictures and weights are, and how long a training takes."""

    pictures: Callable[[Params], Place]
    weights: Callable[[Params, str], Place]
    estimate: Callable[[Params, str], Estimate]


def plans(studies: Mapping[str, Params], named: bool, knowing: Knowing) -> list[Plan]:
    """A plan for each study; one on a copy of published pictures runs where these cannot, or if `named`."""
    made = {name: _plan(name, params, knowing) for name, params in studies.items() if not copies(params)}
    for name, params in studies.items():
        if not copies(params):
            continue
        running = [one for one in originals(params, studies) if made[one].chosen]
        if running and not named:
            why = f"it stands in for {', '.join(running)}, which can be run"
            knows = replace(knowing, pictures=lambda _, why=why: Place(False, why))
        else:
            knows = knowing
        made[name] = _plan(name, params, knows)
    return [made[name] for name in studies]


def copies(params: Params) -> bool:
    """Whether the pictures of a study are not those that its numbers were reported of."""
    return params.reported.dataset != params.reported.published_on


def originals(copy: Params, studies: Mapping[str, Params]) -> list[str]:
    """The studies of the pictures that a copy stands in for."""
    published = copy.reported.published_on
    return [name for name, one in studies.items() if one.dataset.name == published]


def _plan(name: str, params: Params, knowing: Knowing) -> Plan:
    place = knowing.pictures(params)
    models = [_planned(params, model, place, knowing) for model in params.models]
    return Plan(name, params.reported.title, place.told, tuple(models))


def _planned(params: Params, model: str, pictures: Place, knowing: Knowing) -> Planned:
    nothing = Estimate(None, "")
    if not pictures.there:
        return Planned(model, "", f"no pictures: {pictures.told}", nothing)
    weights = knowing.weights(params, model)
    if not weights.there:
        return Planned(model, "", f"no weights: {weights.told}", nothing)
    return Planned(model, weights.told, "", knowing.estimate(params, model))


def estimated(params: Params, model: str, epochs: int | None, speed: Speed) -> Estimate:
    """Seconds of a training and its replicates, of a study in TRAIN; `epochs` bounds each phase."""
    runs = 1 if epochs else 1 + params.replicates
    times = f", {runs} times" if runs > 1 else ""
    total, pictures = _epochs(params, model, epochs), TRAIN[params.study]
    seconds = runs * pictures * (total * speed.seconds + speed.once)
    return Estimate(seconds, f"{counted(total, 'epoch')} of {count(pictures)} pictures{times}, {speed.how}")


def _epochs(params: Params, model: str, most: int | None) -> int:
    """As many as were reported, which early stopping leaves, else all."""
    phases, reported = params.models[model].phases.values(), params.reported.models.get(model)
    every = sum(min(phase.epochs, most or phase.epochs) for phase in phases)
    return min(every, reported.epochs) if reported else every


def told(plans: list[Plan], epochs: int | None) -> Iterator[str]:
    """The plan, line by line."""
    for plan in plans:
        yield f"{plan.study}: {plan.title}"
        yield f"  pictures: {plan.pictures}" if plan.chosen else f"  not run: {_why_none(plan)}"
        for model in plan.models if plan.chosen else ():
            yield f"  {model.name}: {_line(model)}"
        if plan.chosen:
            yield f"  {_shown(plan.command(epochs))}"
    seconds = [one.estimate.seconds for plan in plans for one in plan.models if not one.why_not]
    known = [one for one in seconds if one is not None]
    running, models = sum(bool(plan.chosen) for plan in plans), sum(len(plan.models) for plan in plans)
    yield (
        f"{running} of {len(plans)} studies, {len(seconds)} of {models} models can be run here"
        + (f"; their training may take {duration(sum(known))}" if known else "")
        + (f", without that of {len(seconds) - len(known)}" if known and len(known) < len(seconds) else "")
        + ". What DVC has in its cache is not trained again."
    )


def _why_none(plan: Plan) -> str:
    return "; ".join(dict.fromkeys(model.why_not for model in plan.models))


def _line(model: Planned) -> str:
    if model.why_not:
        return f"left out: {model.why_not}"
    weights = f"weights {model.weights}; " if model.weights else ""
    time = model.estimate
    return weights + (time.how if time.seconds is None else f"about {duration(time.seconds)} ({time.how})")


def _shown(command: list[str]) -> str:
    return " ".join(f"'{word}'" if "[" in word else word for word in command)
