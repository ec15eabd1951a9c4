"""Tables of labels: CSV, TSV and JSON Lines, and which picture a row is about."""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from menagerie.errors import DataError

SUFFIXES = (".csv", ".jsonl", ".ndjson", ".tsv")
MAX_FIELD = 2**20  # characters; a description may stand beside a label


class Table(NamedTuple):
    """The rows of a file; a value that is not there is an empty text."""

    file: str
    columns: tuple[str, ...]
    rows: list[dict[str, str]]


def is_table(name: str) -> bool:
    return name.lower().endswith(SUFFIXES)


def read_table(file: str, content: bytes) -> Table:
    """The table in a file's bytes, which are UTF-8; the first line names the columns, JSON each of its keys.

    A CSV may be parted by commas, semicolons or tabs, whichever its first line has most of.

    Raises:
        DataError: it is not UTF-8, or no table, or has two columns of one name.
    """
    try:
        text = content.decode("utf-8-sig")
        rows = list(_json_rows(text) if file.lower().endswith(("jsonl", "ndjson")) else _csv_rows(file, text))
    except (ValueError, RecursionError, csv.Error) as error:  # of lists in lists in lists
        raise DataError(
            f"{file!r} is no table in UTF-8: {error}; write it anew as CSV with a first line that names the "
            "columns"
        ) from error
    return Table(file, tuple(dict.fromkeys(column for row in rows[:1000] for column in row)), rows)


def _csv_rows(file: str, text: str) -> Iterator[dict[str, str]]:
    first = text.partition("\n")[0]
    delimiter = "\t" if file.lower().endswith(".tsv") else max(",;\t", key=first.count)
    csv.field_size_limit(MAX_FIELD)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    named = Counter(filter(None, map(str.strip, reader.fieldnames or ())))
    if twins := [repr(name) for name, count in named.items() if count > 1]:
        raise ValueError(f"two columns are called {', '.join(twins)}")
    for row in reader:
        yield {(name or "").strip(): (value or "").strip() for name, value in row.items() if name is not None}


def _json_rows(text: str) -> Iterator[dict[str, str]]:
    for line in filter(str.strip, text.splitlines()):
        row = json.loads(line)
        if not isinstance(row, dict):
            raise ValueError(f"a line is no object: {line[:40]!r}")
        json.dumps(row, ensure_ascii=False).encode("utf-8")  # or an escape is half a letter, a ValueError
        yield {str(name): _text(value) for name, value in row.items()}


def _text(value: object) -> str:
    if value is None:
        return ""
    return value.strip() if isinstance(value, str) else json.dumps(value)


def tables_told(tables: Iterable[str], read: Callable[[str], bytes]) -> list[str]:
    """Of each table its columns, which its first line names, or why it is none."""
    told = []
    for file in tables:
        try:
            columns = ", ".join(read_table(file, read(file)).columns) or "none"
        except DataError as error:
            told.append(str(error))
        else:
            told.append(f"{file!r} has the columns {columns}, by its first line")
    return told


class Index:
    """Which pictures a value of a table may mean: by path or its end, with suffix or without."""

    def __init__(self, pictures: Iterable[str]):
        self._pictures: dict[str, list[str]] = {}
        for path in pictures:
            for end in _ends(path):
                self._pictures.setdefault(end, []).append(path)
                stem = end.removesuffix(PurePosixPath(path).suffix)
                if stem != end:
                    self._pictures.setdefault(stem, []).append(path)

    def find(self, value: str) -> Sequence[str]:
        """The pictures with the longest end in common; a value may begin with another machine's folders."""
        for end in _ends(value.replace("\\", "/").removeprefix("./").strip("/")):
            if found := self._pictures.get(end):
                return found
        return ()


def _ends(path: str) -> Iterator[str]:
    """`a/b/c`, `b/c`, `c`."""
    yield path
    while "/" in path:
        path = path.partition("/")[2]
        yield path
