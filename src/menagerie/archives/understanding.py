"""What names and tables of pictures may mean: every reading, so that nothing is guessed."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from menagerie.archives.folders import folder_readings, split_folders
from menagerie.archives.naming import CAMERAS, NUMBERED, split_of
from menagerie.archives.placing import Explicit, Place, Read, places
from menagerie.archives.tables import Index, Table, read_table
from menagerie.errors import DataError
from menagerie.params.dataset import NamesLayout, TableLayout

PATHS = ("path", "file", "filename", "file_name", "filepath", "file_path", "image", "img", "image_id", "id")
PATHS += (
    "image_path",
    "image_name",
    "img_path",
    "name",
    "picture",
    "photo",
    "imageid",
    "filenames",
    "filepaths",
)
LABELS = ("label", "labels", "class", "class_name", "classname", "category", "target", "species", "breed")
LABELS += ("dx", "diagnosis", "y", "tag", "class_id", "classid", "label_name")
SPLITS = ("split", "set", "subset", "partition", "data_set", "dataset")
GROUPS = ("group", "patient", "patient_id", "subject", "subject_id")
LOOKED_AT = 200  # rows of a table that tell which column names pictures


class Reading(NamedTuple):
    """An explicit layout and what it makes of the pictures."""

    layout: Explicit
    of: Mapping[str, Place]


def readings(names: Sequence[str], tables: Sequence[str], read: Read) -> list[Reading]:
    """Every reading of pictures of these names, and of the tables beside them, that has two classes or more.

    Two that make the same of every picture are one.

    Raises:
        DataError: a table says two things of one picture.
    """
    found: list[Reading] = []
    for layout in _candidates(names, tables, read):
        reading = Reading(layout, places(layout, names, read).of)
        if len({place.class_name for place in reading.of.values()}) > 1 and not any(
            _same(reading, known) for known in found
        ):
            found.append(reading)
    return found


def _candidates(names: Sequence[str], tables: Sequence[str], read: Read) -> Iterator[Explicit]:
    by_folders = folder_readings(names)
    yield from by_folders
    yield from table_layouts(names, tables, read)
    if not by_folders and (layout := _by_names(names)):
        yield layout


def _same(one: Reading, other: Reading) -> bool:
    """Whether both say the same of every picture."""
    if one.of.keys() != other.of.keys():
        return False
    return all(other.of[name][:2] == place[:2] for name, place in one.of.items())


def _by_names(names: Sequence[str]) -> NamesLayout | None:
    """The class before the number, where in each folder every name has one, or none has."""
    splits = split_folders(names)
    layout = NamesLayout(kind="names", pattern=NUMBERED, splits=splits or None, class_names=None)
    matches = {name: re.fullmatch(NUMBERED, PurePosixPath(name).stem) for name in names}
    classes = Counter(match["class"].lower() for match in matches.values() if match)
    folders: dict[str, set[bool]] = {}
    for name, match in matches.items():
        folders.setdefault(name.rpartition("/")[0], set()).add(match is not None)
    whole = all(len(answers) == 1 for answers in folders.values())
    several = 2 <= len(classes) <= classes.total() / 2
    return layout if whole and several and not classes.keys() & {*CAMERAS} else None


def table_layouts(
    names: Sequence[str], tables: Sequence[str], read: Read, given: Mapping[str, str] | None = None
) -> list[TableLayout]:
    """The layouts in which tables hold the labels; `given` names columns that are not to be looked for.

    Tables of the same columns whose names tell a split each are one layout.
    """
    index = Index(names)
    columns: dict[tuple[str | None, ...], list[str]] = {}
    for file in tables:
        try:
            table = read_table(file, read(file))
        except DataError:
            continue  # of another kind, or of another purpose; it is listed as passed over
        for found in _columns(table, index, given or {}):
            columns.setdefault(found, []).append(file)
    splits = split_folders(names) or None
    return [
        _table_layout(found, files, splits)
        for found, several in columns.items()
        for files in _together(several)
    ]


def _table_layout(
    columns: tuple[str | None, ...], tables: dict[str, str | None], splits: dict[str, str] | None
) -> TableLayout:
    path, label, split, group = columns
    return TableLayout(
        kind="table",
        tables=tables,
        path_column=path,
        label_column=label,
        split_column=split,
        group_column=group,
        splits=splits,
        class_names=None,
    )


def _together(files: Sequence[str]) -> list[dict[str, str | None]]:
    splits = [split_of(PurePosixPath(file).stem) for file in files]
    if len(files) > 1 and None not in splits and len(set(splits)) == len(files):
        return [dict(zip(files, splits, strict=True))]
    return [{file: None} for file in files]


def _columns(table: Table, index: Index, given: Mapping[str, str]) -> list[tuple[str | None, ...]]:
    """Path, label, split and group column, each way that they may be meant."""
    found = []
    for path in _path_columns(table, index, given):
        rest = [column for column in table.columns if column != path]
        split = given.get("split_column") or _called(rest, SPLITS)
        group = given.get("group_column") or _called(rest, GROUPS)
        for label in _label_columns(table, [one for one in rest if one not in (split, group)], given):
            found.append((path, label, split, group))
    return found


def _path_columns(table: Table, index: Index, given: Mapping[str, str]) -> list[str]:
    """The columns whose values are names of pictures, most of them; none where its first line is a row."""
    if "path_column" in given:
        return [given["path_column"]]
    rows = table.rows[:LOOKED_AT]
    naming = [
        column
        for column in table.columns
        if sum(bool(row.get(column) and index.find(row[column])) for row in rows) * 2 > len(rows)
    ]
    called = [column for column in naming if _plain(column) in PATHS]
    # A column that is called as a picture is its first row: that picture would lose its label.
    return called or ([] if any(index.find(column) for column in naming) else naming)


def _label_columns(table: Table, columns: Sequence[str], given: Mapping[str, str]) -> list[str]:
    """The columns that may be the label: by name, or the only one there is."""
    if "label_column" in given:
        return [given["label_column"]]
    called = [column for column in columns if _plain(column) in LABELS]
    if not called:
        return list(columns) if len(columns) == 1 else []
    texts = [column for column in called if not all(row.get(column, "").isdecimal() for row in table.rows)]
    numbers = [column for column in called if column not in texts]
    if len(texts) == 1 and all(_one_to_one(table, texts[0], column) for column in numbers):
        return texts
    return called


def _one_to_one(table: Table, one: str, other: str) -> bool:
    """Whether two columns say the same in other words: a class by name and by number."""
    pairs = {(row.get(one), row.get(other)) for row in table.rows}
    return len(pairs) == len({pair[0] for pair in pairs}) == len({pair[1] for pair in pairs})


def _called(columns: Sequence[str], known: Sequence[str]) -> str | None:
    found = [column for column in columns if _plain(column) in known]
    return found[0] if len(found) == 1 else None


def _plain(column: str) -> str:
    """`Data Set` is data_set."""
    return re.sub(r"[\s-]+", "_", column.strip().lower())
