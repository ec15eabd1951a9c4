"""What is said of a model where somebody finds it without its report: the card, in Markdown."""

from collections.abc import Mapping
from typing import Any

from menagerie.model_facts import ModelFacts
from menagerie.params.dataset import Dataset

SHOWN = 20  # classes that are named
LONGEST = 5000  # characters of a description that MLflow's registry keeps
PARTS = ("train", "val", "test")


def card(dataset: Dataset, facts: ModelFacts, metrics: Mapping[str, Any], uri: str) -> str:
    """What the model is, what it was made of, how good it is, what it cannot do, and how it is used.

    `metrics` as evaluate writes them in metrics.json; `uri` is where the model is found, `models:/digits/3`.
    """
    height, width = facts.pixels.image_size
    sides = f"{height} x {width} pixels"
    sections = [
        f"`{facts.model}`, trained on {dataset.title}, says which of {len(facts.classes)} classes a picture "
        f"shows: {_named(facts.classes)}. It gets {100 * metrics['test']['accuracy']:.2f} % of the "
        "test pictures right.",
        f"```\nmenagerie predict PICTURE --uri {uri}\n```",
        "## How good it is",
        _numbers(metrics),
        "In parentheses: 95 % intervals. ECE is the calibration error of the network as it is; with the "
        f"temperature that val asks for, {facts.temperature:.3g}, which the command applies, it is "
        f"{metrics['calibration']['ece_after']:.4f} on test.",
        "## Data",
        " ".join(filter(None, [f"{dataset.title}.", dataset.homepage, dataset.citation])),
        f"Licence of the pictures: {dataset.licence}. Split: `{facts.split_sha256[:12]}`, pictures: "
        f"`{facts.images_sha256[:12]}`.",
        "## Limits",
        "- It knows no other class: whatever a picture shows, one of these is the answer.\n"
        "- The numbers are of pictures as those of the data set; others may be harder.\n"
        "- Val chose the epoch and the temperature, so its numbers flatter; test was opened after that.\n"
        f"- Each picture is brought to {sides} ({facts.pixels.resize}); finer detail is lost.",
        "## Licence",
        f"The code is Apache-2.0. {_of_pictures(dataset.licence)}",
    ]
    return "\n\n".join(sections)[:LONGEST]


def _of_pictures(licence: str) -> str:
    if licence == "unknown":  # what the choice of a person's own pictures says
        return "The licence of its pictures is not known."
    return f"The model was made from pictures under {licence}."


def _named(classes: list[str]) -> str:
    named = ", ".join(classes[:SHOWN])
    return named if len(classes) <= SHOWN else f"{named} and {len(classes) - SHOWN} more"


def _numbers(metrics: Mapping[str, Any]) -> str:
    rows = [
        ("pictures", [f"{metrics[part]['n']:,}" for part in PARTS]),
        ("accuracy", [_with_interval(metrics[part], "accuracy") for part in PARTS]),
        ("loss", [_with_interval(metrics[part], "loss") for part in PARTS]),
        ("ECE", [_with_interval(metrics[part], "ece") for part in PARTS]),
    ]
    lines = ["| | train | val | test |", "|---|---|---|---|"]
    return "\n".join([*lines, *(f"| {name} | {' | '.join(cells)} |" for name, cells in rows)])


def _with_interval(scores: Mapping[str, float], name: str) -> str:
    if name not in scores:
        return ""
    value = f"{scores[name]:.4f}"
    if f"{name}_low" not in scores:
        return value
    return f"{value} ({scores[f'{name}_low']:.4f} to {scores[f'{name}_high']:.4f})"
