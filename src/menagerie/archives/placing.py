"""The class, split and group of each picture, as an explicit layout says them."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from menagerie.archives.naming import UNLABELLED, split_of
from menagerie.archives.tables import Index, Table, read_table
from menagerie.errors import DataError, ParamsError
from menagerie.params.dataset import FoldersLayout, NamesLayout, TableLayout

Explicit = FoldersLayout | NamesLayout | TableLayout
Read = Callable[[str], bytes]  # of a file's name, its bytes


class Place(NamedTuple):
    """Where a picture belongs; without a class it is unlabelled."""

    class_name: str
    folder: str  # the split that it was put in, if it was put in one
    group: str = ""


class Places(NamedTuple):
    """The places of the pictures that have a class, and the rows of tables that no picture belongs to."""

    of: dict[str, Place]
    lost_rows: tuple[str, ...] = ()


def places(layout: Explicit, names: Sequence[str], read: Read) -> Places:
    """The places of pictures by their names; a picture without a class has none. `read` reads the tables.

    Raises:
        ParamsError: the template of folders cannot be used.
        DataError: a table cannot be read, lacks a column, or says two things of one picture.
    """
    if isinstance(layout, TableLayout):
        return _by_table(layout, names, read)
    by_name = _by_folders(layout) if isinstance(layout, FoldersLayout) else _by_names(layout)
    found = {name: by_name(name) for name in names}
    return Places({name: place for name, place in found.items() if place})


def _by_folders(layout: FoldersLayout) -> Callable[[str], Place | None]:
    template = compiled(layout.folders, layout.splits)

    def place(name: str) -> Place | None:
        match = template.fullmatch(name)
        if match is None:
            return None
        folder = match.groupdict().get("folder", "")
        split = folder if layout.splits is None else layout.splits.get(folder, "")
        return None if split == UNLABELLED else Place(match["class_name"], split)

    return place


def compiled(folders: str, splits: Mapping[str, str] | None = None) -> re.Pattern[str]:
    """What a template of folders matches: the whole name of a picture.

    `{class}` and `{folder}` stand for one name each, `*` for any one, other parts for themselves. They are
    the folders right above a picture, whatever is above them; with `**` at the end they are all folders from
    the top, and below them may be others. Where `splits` are given, `{folder}` is one of those paths.

    Raises:
        ParamsError: the template cannot be used.
    """
    deep = folders.endswith("/**")
    parts = folders.removesuffix("/**").split("/")
    literal = [part for part in parts if part not in ("{class}", "{folder}")]
    once = parts.count("{class}") == 1 and parts.count("{folder}") <= 1
    if not once or not all(literal) or any("{" in part or "}" in part for part in literal):
        raise ParamsError(
            f"layout.folders is {folders!r}; expected names of folders, one of them {{class}} and at most "
            "one {folder}, such as '{class}/**' or 'images/{folder}/{class}'"
        )
    one = "[^/]+"
    known = (
        one
        if splits is None
        else "|".join(re.escape(path) for path in sorted(splits, reverse=True)) or "(?!)"
    )
    patterns = {"{class}": f"(?P<class_name>{one})", "{folder}": f"(?P<folder>{known})", "*": one}
    above = "/".join(patterns.get(part) or re.escape(part) for part in parts)
    return re.compile(f"{above}/.+" if deep else f"(?:.*/)?{above}/{one}", re.DOTALL)


def _by_names(layout: NamesLayout) -> Callable[[str], Place | None]:
    pattern = re.compile(layout.pattern, re.DOTALL)

    def place(name: str) -> Place | None:
        match = pattern.fullmatch(PurePosixPath(name).stem)
        split = split_above(name, layout.splits)
        return Place(match["class"], split) if match and match["class"] and split != UNLABELLED else None

    return place


def split_above(name: str, splits: Mapping[str, str] | None) -> str:
    """What the folders of a path say it is for: the longest of `splits` among them; empty where none is."""
    above = [folder for folder in splits or () if f"/{folder}/" in f"/{name}"]
    return (splits or {})[max(above, key=len)] if above else ""


def _by_table(layout: TableLayout, names: Sequence[str], read: Read) -> Places:
    index = Index(names)
    found: dict[str, Place] = {}
    lost: list[str] = []
    for file, split in layout.tables.items():
        table = read_table(file, read(file))
        _check_columns(layout, table)
        for row in table.rows:
            candidates = index.find(row.get(layout.path_column, "")) if row.get(layout.path_column) else ()
            label = row.get(layout.label_column, "")
            if not candidates:
                lost.append(f"{file}: {row.get(layout.path_column, '')}")
            elif label:
                name = _meant(candidates, split, layout, table)
                place = Place(label, _split(row, split, layout, name), row.get(layout.group_column or "", ""))
                if found.setdefault(name, place) != place:
                    raise DataError(
                        f"{file!r} says two things of {name!r}: {found[name][:2]} and {place[:2]}; mend it"
                    )
    return Places(found, tuple(lost))


def _check_columns(layout: TableLayout, table: Table) -> None:
    wanted = (layout.path_column, layout.label_column, layout.split_column, layout.group_column)
    missing = [column for column in wanted if column is not None and column not in table.columns]
    if missing:
        raise DataError(
            f"{table.file!r} has no column {missing[0]!r}, which dataset.layout names; its columns are "
            f"{', '.join(map(repr, table.columns)) or 'none'}"
        )


def _split(row: Mapping[str, str], split: str | None, layout: TableLayout, name: str) -> str:
    if layout.split_column is not None:
        said = row.get(layout.split_column, "")
        return split_of(said) or said
    above = split_above(name, layout.splits)
    return split or ("" if above == UNLABELLED else above)


def _meant(candidates: Sequence[str], split: str | None, layout: TableLayout, table: Table) -> str:
    """The picture that a row means: of several of one name, that of the table's split or folder."""
    beside = str(PurePosixPath(table.file).parent)
    choices: Iterable[list[str]] = (
        list(candidates),
        [name for name in candidates if split and split_above(name, layout.splits) == split],
        [name for name in candidates if name.startswith(f"{beside}/")],
    )
    for choice in choices:
        if len(choice) == 1:
            return choice[0]
    shown = " and ".join(map(repr, candidates[:2]))
    raise DataError(f"a row of {table.file!r} may mean {shown}; write the picture's folder before its name")
