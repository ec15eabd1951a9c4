"""The siblings of published models that are as these were meant, by the comments of conf/model."""

import re
from collections.abc import Mapping
from typing import NamedTuple

SAID = re.compile(r"As (?P<published>\w+) \(seed [^)]*\), (?P<change>with .*)")
SIZE = re.compile(r"[\d,]+ parameters\b")


class Meant(NamedTuple):
    name: str
    published: str
    change: str  # a sentence or more


def meant_forms(files: Mapping[str, str]) -> list[Meant]:
    """Of texts of conf/model, by name, those whose comment begins with `As NAME (seed ...), with ...`.

    What such a comment says of its parameters is left out.
    """
    found = []
    for name, text in files.items():
        if said := SAID.fullmatch(_comment(text)):
            sentences = re.split(r"(?<=\.) (?=[A-Z\d])", said["change"])
            change = " ".join(one for one in sentences if not SIZE.match(one))
            found.append(Meant(name, said["published"], change[:1].upper() + change[1:]))
    return found


def _comment(text: str) -> str:
    """The comment between the first line, which Hydra reads, and the command."""
    lines = []
    for line in text.splitlines()[1:]:
        if not line.startswith("#") or line.startswith("# dvc exp run"):
            break
        lines.append(line.removeprefix("#").strip())
    return " ".join(lines)
