"""What a model says of pictures, as a table, and what is to be said of these answers together."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import numpy as np

from menagerie.model_facts import STEPS, Promise
from menagerie.serve.inputs import Picture

UNSURE = "unsure"
PAIRS = 3  # of classes confused that are told
LONGEST = 60  # letters of a name or a reason in a table


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


# as text and as a file


def columns(top: int) -> list[str]:
    pairs = [f"{column}_{place}" for place in range(1, top + 1) for column in ("class", "probability")]
    return ["picture", "label", "answer", *pairs, "problem"]


def as_csv(found: Sequence[Answer], top: int) -> str:
    """Lines end in LF, probabilities have six digits, what there is not is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns(top))
    for one in found:
        pairs = [f"{value:.6f}" if isinstance(value, float) else value for value in _pairs(one, top)]
        writer.writerow([*one[:3], *pairs, one.problem])
    return text.getvalue()


def as_json(found: Sequence[Answer]) -> str:
    """A list of objects; `classes` are pairs of `class` and `probability`."""
    values = [
        {
            "picture": one.picture,
            "label": one.label or None,
            "answer": one.answer or None,
            "classes": [
                {"class": name, "probability": value}
                for name, value in zip(one.classes, one.probabilities, strict=True)
            ],
            "problem": one.problem or None,
        }
        for one in found
    ]
    return json.dumps(values, ensure_ascii=False, indent=1) + "\n"


def as_table(found: Sequence[Answer], top: int) -> str:
    """For people: a line a picture, control characters as their escapes, long names cut at their front."""
    from tabulate import tabulate

    labelled = any(one.label for one in found)
    rows = []
    for one in found:
        shares = zip_longest(one.classes, one.probabilities)
        told = [f"{_plain(name)} {value:.1%}" for name, value in shares]
        label = [_plain(one.label)] if labelled else []
        name, problem = _plain(one.picture), _plain(one.problem)
        name = name if len(name) <= LONGEST else f"...{name[3 - LONGEST :]}"
        told = [f"cannot be read: {problem[:LONGEST]}"] if one.problem else told
        rows.append([name, *label, _plain(one.answer) or "-", *told, *[""] * (top - len(told))])
    places = [str(place) for place in range(1, top + 1)]
    header = ["picture", *(["label"] if labelled else []), "answer", *places]
    return tabulate(rows, header, tablefmt="simple", disable_numparse=True) + "\n"


def write_parquet(found: Sequence[Answer], top: int, path: Path) -> None:
    """The columns of the CSV; what there is not is null."""
    import pandas as pd

    rows = [[*(text or None for text in one[:3]), *_pairs(one, top), one.problem or None] for one in found]
    table = pd.DataFrame(rows, columns=columns(top))
    kinds = {name: "float64" if name.startswith("probability") else "string" for name in table}
    table.astype(kinds).to_parquet(path, index=False)


def _pairs(one: Answer, top: int) -> list[str | float | None]:
    """Class, probability, class, probability, as many as there are columns."""
    pairs = zip(one.classes, one.probabilities, strict=True)
    filled = [value for pair in pairs for value in pair]
    return filled + [None] * (2 * top - len(filled))


def _plain(text: str) -> str:
    return text.translate({code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))})


# what they say together


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
