"""What is said of a model where somebody finds it without its report: the card, in Markdown."""

import re
from collections.abc import Mapping
from typing import Any

from menagerie.evaluate.intervals import wilson_interval
from menagerie.model_facts import STEPS, ModelFacts
from menagerie.params.dataset import Dataset

SHOWN = 20  # classes that are named
UNKNOWN = "How it does on test pictures is not known here: evaluate wrote nothing of this very file."
LONGEST = 60  # letters of a name
PARTS = ("train", "val", "test")
RESIZED = {"stretch": "stretched to", "crop": "cropped in the middle to", "pad": "padded with black to"}


def card(facts: ModelFacts, dataset: Dataset | None, metrics: Mapping[str, Any] | None, command: str) -> str:
    """What the model is, what it was made of, how good it is, what it cannot do, and how it is used.

    `dataset` is where its pictures come from and `metrics` what evaluate wrote of this very file in
    metrics.json, each None where that is not known; `command` has the model predict.
    """
    right = (
        f" It gets {100 * metrics['test']['accuracy']:.2f} % of the test pictures right." if metrics else ""
    )
    title = _plain(facts.title)
    sections = [
        f"# {facts.model}: {title}",
        f"`{facts.model}`, trained on {title}, says which of {len(facts.classes)} classes a picture "
        f"shows: {_named(facts.classes)}.{right}",
        f"```\n{command}\n```",
        "## How good it is",
        *(
            _numbers(metrics, facts.temperature)
            if metrics
            else [
                "What it does on test pictures is not known here: evaluate wrote nothing of this very file."
            ]
        ),
        _promise(facts),
        "## Data",
        *_data(facts, dataset),
        "## Limits",
        _limits(facts),
        "## Licence",
        f"The code, of Menagerie, is Apache-2.0. {_of_pictures(dataset)}",
    ]
    return "\n\n".join(sections) + "\n"


def _named(classes: list[str]) -> str:
    named = ", ".join(map(_plain, classes[:SHOWN]))
    return named if len(classes) <= SHOWN else f"{named} and {len(classes) - SHOWN} more"


def _plain(name: str) -> str:
    """A name in which Markdown finds nothing, in one line."""
    name = " ".join(name.split())
    name = name if len(name) <= LONGEST else f"{name[: LONGEST - 3]}..."
    return re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", name)


def _numbers(metrics: Mapping[str, Any], temperature: float) -> list[str]:
    rows = [
        ("pictures", [f"{metrics[part]['n']:,}" for part in PARTS]),
        ("accuracy", [_with_interval(metrics[part], "accuracy") for part in PARTS]),
        ("loss", [_with_interval(metrics[part], "loss") for part in PARTS]),
        ("ECE", [_with_interval(metrics[part], "ece") for part in PARTS]),
    ]
    keys = ("n", "accuracy", "loss")
    same = all(metrics["val"][key] == metrics["test"][key] for key in keys)
    opened = "**here test is val, so its numbers flatter, too.**" if same else "test was opened after that."
    head = ["| | train | val | test |", "|---|---|---|---|"]
    return [
        "\n".join([*head, *(f"| {name} | {' | '.join(cells)} |" for name, cells in rows)]),
        "In parentheses: 95 % intervals. Val chose the epoch and the temperature, so its numbers flatter; "
        f"{opened} ECE is the calibration error of the network as it is; with the "
        f"temperature, {temperature:.3g}, it is {metrics['calibration']['ece_after']:.4f} on test.",
    ]


def _with_interval(scores: Mapping[str, float], name: str) -> str:
    if name not in scores:
        return ""
    value = f"{scores[name]:.4f}"
    if f"{name}_low" not in scores:
        return value
    return f"{value} ({scores[f'{name}_low']:.4f} to {scores[f'{name}_high']:.4f})"


def _promise(facts: ModelFacts) -> str:
    rows = ["| answers as sure as | of val are | and right are (95 % interval) |", "|---|---|---|"]
    for threshold in (0.5, 0.9, 0.99):
        step = round(threshold * STEPS)
        answered, right = facts.val.answered[step], facts.val.right[step]
        share = "-"
        if answered:
            low, high = wilson_interval(right, answered)
            share = f"{100 * right / answered:.1f} % ({100 * low:.1f} to {100 * high:.1f}) of {answered:,}"
        rows.append(f"| {threshold} | {100 * answered / facts.val.n:.1f} % | {share} |")
    return "\n".join(rows)


def _data(facts: ModelFacts, dataset: Dataset | None) -> list[str]:
    told = [f"{_plain(facts.title)} (`{facts.dataset}`)."]
    if dataset is not None:
        told += filter(None, [dataset.homepage, dataset.citation])
    return [
        " ".join(told),
        f"SHA-256 of the prepared pictures: `{facts.images_sha256}`, of the split: `{facts.split_sha256}`.",
    ]


def _limits(facts: ModelFacts) -> str:
    size = "{} x {} pixels".format(*facts.pixels.image_size)
    return (
        "- It knows no other class: whatever a picture shows, one of these is the answer, at times with a "
        "high probability.\n"
        "- The numbers are of pictures as those of the data set; others may be harder.\n"
        f"- Each picture is {RESIZED[facts.pixels.resize]} {size} (height x width); finer detail is lost.\n"
        f"- The network gives logits; softmax(logits / {facts.temperature:.4g}) are the calibrated "
        "probabilities, which the command gives."
    )


def _of_pictures(dataset: Dataset | None) -> str:
    # "unknown" is what the choice of a person's own pictures says.
    if dataset is None or dataset.licence == "unknown":
        return "The licence of its pictures is not known."
    return f"The model was made from pictures under {dataset.licence}."
