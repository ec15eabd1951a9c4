"""DVC's experiments side by side: what each found, and what it changed."""

from collections.abc import Iterator
from typing import Any

import yaml

COLUMNS = ("experiment", "data set", "model", "test", "val", "changed")
LONGEST = 60  # characters of a value; a recipe's list of layers can be longer than the table is wide
# What follows from the choice of a data set or of a study, which has a place of its own in the row.
OF_DATASET, OF_STUDY = ("dataset.", "watch", "looks"), ("claims", "reported")


def experiments(shown: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """One row of COLUMNS for the first commit and each that has experiments, and below it for each of these.

    `shown` is what `dvc exp show --json` prints, the newest commit first. The model is the best by val of
    metrics/<ds>/summary.json, of the data set that the row's own params.yaml names, with its accuracies on
    test and val; of what is not finished, `model` has the state (`queued`, `running`, `failed`) and the
    accuracies are `-`. `changed` has the settings that are not as in the commit above, `key=value`, and
    `no key` for those that are gone.
    """
    rows = []
    for commit in shown[:1] + [earlier for earlier in shown[1:] if earlier["experiments"]]:
        of_commit = _params(commit)
        rows.append(_row(commit, None, []))
        for experiment in commit["experiments"] or []:
            revision = experiment["revs"][0]
            state = (experiment["executor"] or {}).get("state")
            changed = list(_changes(_params(revision), of_commit))
            rows.append(_row(revision, None if state == "success" else state, changed))
    return rows


def _row(revision: dict[str, Any], state: str | None, changed: list[str]) -> tuple[str, ...]:
    name = revision["name"] or revision["rev"][:7]
    data = revision["data"] or {}
    dataset = _params(revision).get("dataset.name", "-")
    summary = (data.get("metrics") or {}).get(f"metrics/{dataset}/summary.json", {}).get("data")
    if state or not summary:
        return name, dataset, state or "-", "-", "-", ", ".join(changed)
    best = summary["best"]
    accuracies = (f"{best[key]:.4f}" for key in ("accuracy", "val_accuracy"))
    return name, dataset, best["model"], *accuracies, ", ".join(changed)


def _params(revision: dict[str, Any]) -> dict[str, Any]:
    """The settings of params.yaml by their dotted keys."""
    files = (revision["data"] or {}).get("params") or {}
    return dict(_flat(files.get("params.yaml", {}).get("data") or {}))


def _flat(settings: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _changes(own: dict[str, Any], reference: dict[str, Any]) -> Iterator[str]:
    """The models that came and went, then each setting of those that both have, and of all else."""
    hidden: tuple[str, ...] = ("models.",) if not reference else ()
    for key, told in (("dataset.name", OF_DATASET), ("study", OF_STUDY)):
        if own.get(key) != reference.get(key):
            hidden += told
    if own.get("study") != reference.get("study"):
        yield f"study={_text(own.get('study'))}"
    models, others = _models(own), _models(reference)
    if models != others:
        yield f"model={_text(models)}"
    hidden += tuple(f"models.{name}." for name in {*models} ^ {*others})
    for key in [*own, *(key for key in reference if key not in own)]:
        if key == "study" or key.startswith(hidden):
            continue
        if key not in own:
            yield f"no {key}"
        elif key not in reference or own[key] != reference[key]:
            yield f"{key}={_text(own[key])}"


def _models(settings: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(key.split(".")[1] for key in settings if key.startswith("models.")))


def _text(value: Any) -> str:
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str):
        value = value[0]
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True)
    text = text.removesuffix("\n").removesuffix("\n...")
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
