"""What a person who is handed a model should read first."""

from typing import Any

from menagerie.model_facts import STEPS, ModelFacts
from menagerie.params.dataset import Dataset

SHOWN_CLASSES = 50
RESIZED = {"stretch": "stretched to", "crop": "cropped in the middle to", "pad": "padded with black to"}


def card(facts: ModelFacts, dataset: Dataset | None, metrics: dict[str, Any] | None) -> str:
    """Markdown: what the model is, what it was made from, how well it does and what it cannot do.

    `dataset` is where its pictures come from and `metrics` what evaluate wrote of this very file, each None
    where that is not known.
    """
    size = "{0} {2} x {1} pixels".format(RESIZED[facts.pixels.resize], *facts.pixels.image_size)
    count, known = len(facts.classes), ", ".join(facts.classes[:SHOWN_CLASSES])
    more = f", ... ({count} in all)" if count > SHOWN_CLASSES else ""
    return "\n".join(
        [
            f"# {facts.model}: {facts.title}",
            "",
            f"A Keras network that says which of {count} classes a picture shows: {known}{more}.",
            f"It takes RGB pictures, {size}, and gives logits;",
            f"softmax(logits / {facts.temperature:.4g}) are calibrated probabilities.",
            "",
            "## Data",
            "",
            *_data(facts, dataset),
            "",
            "## How well it does",
            "",
            *_numbers(metrics),
            "",
            *_promise(facts),
            "",
            "## Limits",
            "",
            "It knows these classes only: a picture of anything else gets one of them, at times with a high "
            "probability. The numbers hold for pictures like those of the data set, not for others.",
            "",
        ]
    )


def _data(facts: ModelFacts, dataset: Dataset | None) -> list[str]:
    hashes = f"SHA-256 of the prepared pictures: {facts.images_sha256}, of the split: {facts.split_sha256}."
    if dataset is None:
        return [f"{facts.title} (`{facts.dataset}`). Its licence is not known here. {hashes}"]
    told = {"From": dataset.homepage, "Licence": dataset.licence, "To cite": dataset.citation}
    lines = [f"- {key}: {value}" for key, value in told.items() if value]
    return [f"{facts.title} (`{facts.dataset}`).", "", *lines, "", hashes]


def _numbers(metrics: dict[str, Any] | None) -> list[str]:
    if metrics is None:
        return ["No test of this very file is at hand."]
    rows = ["| | accuracy | 95 % interval | pictures |", "|---|---|---|---|"]
    for part in ("val", "test"):
        of = metrics[part]
        low, high = of["accuracy_low"], of["accuracy_high"]
        rows.append(f"| {part} | {of['accuracy']:.2%} | {low:.2%} to {high:.2%} | {of['n']:,} |")
    return [*rows, "", "Val chose the model and its temperature; test was opened once, after that."]


def _promise(facts: ModelFacts) -> list[str]:
    rows = ["| answers as sure as | of val are | and right are |", "|---|---|---|"]
    for threshold in (0.5, 0.9, 0.99):
        step = round(threshold * STEPS)
        answered, right = facts.val.answered[step], facts.val.right[step]
        share = f"{right / answered:.1%}" if answered else "-"
        rows.append(f"| {threshold} | {answered / facts.val.n:.1%} | {share} |")
    return rows
