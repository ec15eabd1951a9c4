"""Answers as tables: for people, for programs, as text and as a file."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

from menagerie.files import whole
from menagerie.serve.answers import Answer

LONGEST = 60  # letters of a name or a reason in a table


def text_of(found: Sequence[Answer], top: int, form: str) -> str:
    """`table`, `csv` or `json`."""
    return as_json(found) if form == "json" else {"table": as_table, "csv": as_csv}[form](found, top)


def write(found: Sequence[Answer], top: int, form: str, target: Path) -> None:
    """A file, whole or not at all, of any of these kinds or `parquet`."""
    with whole(target) as part:
        if form == "parquet":
            write_parquet(found, top, part)
        else:
            part.write_text(text_of(found, top, form), encoding="utf-8", newline="\n")


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
        shares = zip(one.classes, one.probabilities, strict=True)
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
