"""What a model says of pictures, and what is to be said of its answers together."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from menagerie.model_facts import STEPS, Promise
from menagerie.serve.pictures import Picture

UNSURE = "unsure"
PAIRS = 3  # of classes confused that are told


class Answer(NamedTuple):
    """What is said of one picture; one that cannot be read has a `problem` and no class."""

    picture: str
    label: str  # of its folder, empty where that is no class
    answer: str  # its surest class, or UNSURE
    classes: tuple[str, ...]  # the surest first
    probabilities: tuple[float, ...]  # calibrated
    problem: str


def answers(
    pictures: Sequence[Picture], problems: Sequence[str], probabilities: np.ndarray, classes: Sequence[str]
) -> Iterator[Answer]:
    """One for each picture, with all classes; `short` keeps the first.

    `probabilities` float (n, classes) are of those without a problem, in their order.
    """
    rows = iter(probabilities)
    for picture, problem in zip(pictures, problems, strict=True):
        if problem:
            yield Answer(picture.name, picture.label, "", (), (), problem)
            continue
        row = next(rows)
        order = np.argsort(-row, kind="stable")
        names = tuple(classes[column] for column in order)
        yield Answer(picture.name, picture.label, names[0], names, tuple(row[order].tolist()), "")


def short(answer: Answer, top: int, threshold: float | None) -> Answer:
    """With the `top` surest classes, and UNSURE where the first is less sure than `threshold`."""
    unsure = threshold is not None and not answer.problem and answer.probabilities[0] < threshold
    return answer._replace(
        answer=UNSURE if unsure else answer.answer,
        classes=answer.classes[:top],
        probabilities=answer.probabilities[:top],
    )


def threshold_told(found: Sequence[Answer], step: int, val: Promise) -> str:
    """How many answers are unsure, and what val promises at the threshold `step` / STEPS."""
    read = [one for one in found if not one.problem]
    unsure = sum(one.answer == UNSURE for one in read)
    answered, right = val.answered[step], val.right[step]
    promised = f"of val's {val.n:,} pictures {_share(answered, val.n)} are answered at this threshold"
    promised += f", and {_share(right, answered)} of these {answered:,} right" if answered else ""
    return f"{unsure:,} of {len(read):,} are unsure (below {step / STEPS:g}); {promised}"


def scores_told(found: Sequence[Answer]) -> list[str]:
    """How often the surest class is that of the picture's folder; nothing where no folder is a class."""
    pairs = [(one.label, one.classes[0]) for one in found if one.label and not one.problem]
    if not pairs:
        return []
    wrong = Counter(pair for pair in pairs if pair[0] != pair[1])
    right = len(pairs) - wrong.total()
    lines = [f"by these pictures' folders {_share(right, len(pairs))} of {len(pairs):,} are right"]
    sure = [one for one in found if one.label and not one.problem and one.answer != UNSURE]
    if 0 < len(sure) < len(pairs):
        hits = sum(one.answer == one.label for one in sure)
        lines[0] += f"; of the {len(sure):,} that are not unsure {_share(hits, len(sure))}"
    if wrong:
        most = sorted(wrong.items(), key=lambda item: (-item[1], item[0]))
        told = [f"{label} taken for {answer}: {count:,}" for (label, answer), count in most[:PAIRS]]
        rest = wrong.total() - sum(count for _, count in most[:PAIRS])
        lines.append("wrong: " + ", ".join(told) + (f", others: {rest:,}" if rest else ""))
    return lines


def _share(count: int, n: int) -> str:
    """`97.2 % (95.0 to 98.5)`, with the 95 % interval of Wilson."""
    from menagerie.evaluate.intervals import wilson_interval

    low, high = wilson_interval(count, n)
    return f"{100 * count / n:.1f} % ({100 * low:.1f} to {100 * high:.1f})"
