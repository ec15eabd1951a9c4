"""What was found in some archives, in words and in numbers."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from menagerie.archives.choosing import described, in_order
from menagerie.archives.layout import Found
from menagerie.archives.placing import Place

EXAMPLES = 5  # names of a kind that are written down


def lines(found: Found) -> list[str]:
    """Three lines: what the layout means, which pictures have a class, what is not used."""
    of = {picture.path: Place(picture.class_name, picture.folder) for picture in found.pictures}
    splits = Counter(picture.folder for picture in found.pictures)
    named = [(name, splits[name]) for name in in_order(splits)]
    dealt = ", ".join(f"{count} in {name}" for name, count in named)
    return [
        f"read {described(found.layout, of)}",
        f"{len(found.pictures)} pictures{f': {dealt}' if dealt else ', not split yet'}",
        f"not used: {not_used(found.unlabelled, found.passed_over)}",
    ]


def not_used(unlabelled: Sequence[str], passed_over: Mapping[str, Sequence[str]]) -> str:
    """`6 pictures without a class, set aside; 2 no picture (.txt)`, or `nothing`."""
    told = [f"{len(unlabelled)} pictures without a class, set aside"] if unlabelled else []
    told += [f"{len(names)} {reason}" for reason, names in passed_over.items()]
    return "; ".join(told) or "nothing"


def record(found: Found) -> dict[str, Any]:
    """For source.json: numbers, and a few names of what is not used."""
    kinds = {"no class": found.unlabelled} if found.unlabelled else {}
    return {
        "layout": found.layout.model_dump(),
        "unlabelled": len(found.unlabelled),
        "passed_over": {reason: len(names) for reason, names in found.passed_over.items()},
        "examples": {reason: list(names[:EXAMPLES]) for reason, names in (kinds | found.passed_over).items()},
    }
