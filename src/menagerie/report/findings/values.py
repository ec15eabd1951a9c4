"""How values are written: each kind of number in one way, and a dash where there is none."""

import math
from collections.abc import Callable, Mapping
from decimal import Decimal

import pandas as pd

from menagerie.report.findings.blocks import Cell

DASH = "\N{EN DASH}"
Form = Callable[[float | None], str]


def _written(form: str, factor: float = 1) -> Form:
    return lambda value: form.format(factor * value) if pd.notna(value) else DASH


percent = _written("{:z.2f}", 100)
points = _written("{:+z.2f}", 100)
decimal = _written("{:z.4f}")
two = _written("{:z.2f}")
count = _written("{:z,.0f}")
signed = _written("{:+z,.0f}")
megabytes = _written("{:,.2f}", 1e-6)


def counted(number: float, thing: str) -> str:
    """How many there are of a thing whose plural takes an s, or es after an s: 1 picture, 2 classes."""
    many = "es" if thing.endswith("s") else "s"
    return f"{count(number)} {thing}{'' if number == 1 else many}"


def three(value: float | None) -> str:
    """Three digits, or as many as stand before the point."""
    if pd.notna(value) and math.isinf(value):  # as many pictures as would tell equal accuracies apart
        return "\N{INFINITY}"
    digits = 0 if pd.isna(value) or value == 0 else max(0, 2 - math.floor(math.log10(abs(value))))
    return _written(f"{{:,.{digits}f}}")(value)


def duration(seconds: float | None) -> str:
    if pd.isna(seconds) or seconds < 59.95:
        return _written("{:.1f} s")(seconds)
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def as_printed(accuracy: str) -> str:
    """An accuracy as a notebook prints it, in %: with the digits that it has and no more."""
    return f"{Decimal(accuracy).scaleb(2):f}"


def p_value(p: float) -> str:
    return "< 0.0001" if p < 1e-4 else decimal(p)


def interval(low: float, high: float, form: Form = percent) -> str:
    return f"{form(low)} to {form(high)}"


def number(value: float | None, form: Form, low: float | None = None, high: float | None = None) -> Cell:
    """A cell that holds a number, and its interval where `low` is known."""
    below = interval(low, high, form) if pd.notna(low) else ""
    return Cell(form(value), below, key=float("nan") if pd.isna(value) else float(value))


def score(scores: Mapping[str, float], name: str) -> Cell:
    """One of the scores that evaluate wrote of a split, with its interval; a dash where it has none."""
    form = decimal if name in ("loss", "brier") else percent
    return number(scores.get(name), form, scores.get(f"{name}_low"), scores.get(f"{name}_high"))
