"""What a person wrote down of pictures: a CSV with a column `path` and one that says something of each."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from menagerie.errors import DataError


def entries(file: Path, column: str, key: str, paths: pd.Series) -> Iterator[tuple[str, str, str]]:
    """Give of each line of the CSV `file` where it stands, its picture and what `column` says of that.

    `paths` are those of the data set; `key` is the setting that names the file. Other columns are passed
    over; a line that ends before the column says nothing, "".

    Raises:
        DataError: the file cannot be read as such, or a line names no picture, or one that has a line.
    """
    known, said = set(paths), {}
    for line, path, value in _lines(file, column, key):
        where = f"{file}, line {line}"
        if path not in known:
            raise DataError(
                f"{where}: {path!r} is no picture of the data set; expected paths as in its manifest.csv, "
                f"such as {paths.iloc[0]!r}"
            )
        if path in said:
            raise DataError(f"{where}: {path!r} stands in line {said[path]} already; remove one of them")
        said[path] = line
        yield where, path, value


def _lines(file: Path, column: str, key: str) -> Iterator[tuple[int, str, str]]:
    """The number, path and value of each line; of text over several lines, the last one's number."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:  # Excel puts a mark in front
            reader = csv.DictReader(opened)
            found = reader.fieldnames or []
            if not {"path", column} <= set(found):
                raise DataError(
                    f"{file}, line 1: the columns are {', '.join(found) or 'none'}; expected path and "
                    f"{column}, with a comma between them"
                )
            for row in reader:
                yield reader.line_num, row["path"], row[column] or ""
    except FileNotFoundError:
        raise DataError(
            f"{key} is {file}, which is not in {Path.cwd()}; give a path from the root of the repository, or "
            "a whole one"
        ) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file} is no CSV in UTF-8 ({error}); save it as one") from None
