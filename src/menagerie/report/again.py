"""The command that repeats a run."""

import json
import re
import shlex
from collections.abc import Iterator
from functools import cache
from typing import Any

from menagerie.errors import ParamsError
from menagerie.params import Params
from menagerie.params.composing import composed, conf

PLAIN = re.compile(r"[A-Za-z_/][\w./-]*", re.ASCII)  # what Hydra takes for text without quotes
DERIVED = {"watch", "watch_split", "watch_labels", "unwatched_None", "looks"}  # conf/ has them of the others
REPRO = "dvc repro"
WORDS = ("true", "false", "null", "nan", "inf")  # but not these


def again(params: Params, models: list[str]) -> str:
    """The command that runs these models from these settings, quoted for Hydra and for a shell.

    It names study, data set and models, and each setting that conf/ would compose otherwise. Where conf/ has
    not even these, as after a file of it was renamed, the settings are in params.yaml alone: `dvc repro`.
    """
    try:
        chosen, differing = _overrides(params)
    except ParamsError:
        return REPRO
    chosen[-1] = f"model={_hydra(models[0] if len(models) == 1 else models)}"
    others = tuple(f"models.{name}." for name in params.models if name not in models)
    chosen += [f"{key}={_hydra(value)}" for key, value in differing if not key.lstrip("+").startswith(others)]
    return " ".join(["dvc exp run", *(f"-S {shlex.quote(choice)}" for choice in chosen)])


def _overrides(params: Params) -> tuple[list[str], list[tuple[str, Any]]]:
    """The choices, the models last; key and value of each setting that these alone would not give.

    `++` stands before a key that they do not have.
    """
    known = [path.stem for path in conf().glob("dataset/*.yaml")]
    name = params.dataset.name
    choices = [f"dataset={name}"] if name in known else ["dataset=folder", f"dataset.name={name}"]
    choices.append(f"model={_hydra(list(params.models))}")
    if params.study:
        choices.insert(0, f"study={params.study}")
    elif _composed(())["study"]:
        choices.insert(0, "~study")
    wanted = params.dataset.split.policy
    if _composed(tuple(choices))["dataset"]["split"]["policy"] != wanted:
        choices.insert(-1, f"split={_split_of(wanted)}")
    without = dict.fromkeys(DERIVED | {"models"}, True) | {
        "compute": {"cache_gb"}
    }  # a limit changes no result
    settings = params.model_dump(mode="json", exclude=without)
    settings["models"] = {name: model.model_dump(mode="json") for name, model in params.models.items()}
    return choices, list(_changes(settings, _composed(tuple(choices))))


def _split_of(policy: str) -> str:
    """A file of conf/split that has this policy; that of its own name, if there is one."""
    files = sorted(conf().glob("split/*.yaml"), key=lambda path: (path.stem != policy, path.stem))
    return next(path.stem for path in files if f"\npolicy: {policy}\n" in path.read_text(encoding="utf-8"))


@cache
def _composed(choices: tuple[str, ...]) -> dict[str, Any]:
    return composed(*choices)


def _changes(wanted: dict[str, Any], given: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in wanted.items():
        if key not in given:
            yield f"++{above}{key}", value
        elif isinstance(value, dict) and value and isinstance(given[key], dict):
            yield from _changes(value, given[key], f"{above}{key}.")
        elif value != given[key]:
            yield f"{above}{key}", value


def _hydra(value: Any) -> str:
    """A value in the grammar of Hydra's overrides."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}: {_hydra(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_hydra, value)) + "]"
    if not isinstance(value, str):
        return json.dumps(value)
    if PLAIN.fullmatch(value) and value.lower() not in WORDS:
        return value
    # A backslash means itself unless a quote follows, ${ would be an interpolation.
    text = re.sub(r"(\\*)('|$)", lambda found: 2 * found[1] + (r"\'" if found[2] else ""), value)
    return "'" + text.replace("${", r"\${") + "'"
