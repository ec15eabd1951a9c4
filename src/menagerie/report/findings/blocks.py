"""What a report is made of, as plain values that say nothing of Markdown or HTML.

Texts may hold `code`, **bold** and <https://addresses>. Titles, names, cells and code are taken as they are.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Paragraph:
    text: str
    quiet: bool = False  # a remark in passing


@dataclass(frozen=True)
class Notice:
    """What a reader must not overlook."""

    text: str


@dataclass(frozen=True)
class Facts:
    """Names, and what is to be said of each."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Items:
    texts: tuple[str, ...]
    numbered: bool = False


@dataclass(frozen=True)
class Code:
    """Lines to copy; of a summary's text they are `folded` away behind that."""

    text: str
    folded: str = ""


@dataclass(frozen=True)
class Cell:
    """A cell of a table as it is read.

    `below` adds to `text`, an interval for one. Rows are sorted by `key`, NaN last, or by the text where it
    is None. `judged` marks a verdict. `target` is the section that the text leads to
    and `drawn` an interval between 0 and 1: low, value, high.
    """

    text: str
    below: str = ""
    key: float | None = None
    judged: Literal["", "good", "careful", "open"] = ""
    target: str = ""
    drawn: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class Column:
    title: str
    kind: Literal["name", "model", "number", "prose"]


@dataclass(frozen=True)
class Table:
    """Rows of cells, one for each column; the first cell names its row.

    `falling` is the column by which the rows are sorted already, `chosen` the row to point out, `total` a
    row that sums the others up; of a summary's text the table is `folded` away behind that.
    """

    name: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    sortable: bool = False
    falling: str = ""
    chosen: str = ""
    total: tuple[Cell, ...] | None = None
    folded: str = ""


Block = Paragraph | Notice | Facts | Items | Code | Table


@dataclass(frozen=True)
class Section:
    name: str  # unique in a report
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Findings:
    title: str
    lead: tuple[Block, ...]
    sections: tuple[Section, ...]


def names(*titles: str) -> tuple[Column, ...]:
    return tuple(Column(title, "name") for title in titles)


def model_names(*titles: str) -> tuple[Column, ...]:
    """Columns of names of models, each of which has a colour in the figures."""
    return tuple(Column(title, "model") for title in titles)


def numbers(*titles: str) -> tuple[Column, ...]:
    return tuple(Column(title, "number") for title in titles)


def prose(*titles: str) -> tuple[Column, ...]:
    """Columns of texts so long that they need more than one line."""
    return tuple(Column(title, "prose") for title in titles)
