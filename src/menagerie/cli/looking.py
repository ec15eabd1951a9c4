"""A person's pictures, looked at: what they mean, and how large they are."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple

from menagerie.archives.choosing import only
from menagerie.archives.folders import folder_readings, split_folders
from menagerie.archives.kinds import kind_of
from menagerie.archives.looking import Look
from menagerie.archives.placing import Explicit, places
from menagerie.archives.sorting import Contents, Sorted, sort_out
from menagerie.archives.tables import tables_told
from menagerie.archives.understanding import Reading, readings, table_layouts
from menagerie.errors import DataError, unknown
from menagerie.params.dataset import FoldersLayout, NamesLayout, TableLayout
from menagerie.params.section import parse
from menagerie.prepare.modes import UnreadableError
from menagerie.prepare.opening import size_of

MEASURED = 1000  # pictures whose headers are read for their size
SIDES = (32, 64, 96, 128, 160, 192, 224)  # what pictures of several sizes are brought to
LARGEST = 224


@dataclass(frozen=True)
class Choice:
    """What the person says of the layout; what is empty is to be found out."""

    folders: str | None
    pattern: str | None
    tables: Sequence[str]
    columns: Mapping[str, str]  # `path_column` and the like
    splits: Mapping[str, str]  # what a folder is for
    class_names: Mapping[str, str]


def sorted_out(seen: Look, choice: Choice, command: str) -> Sorted:
    """What each file is, by what the person says or else by the only reading.

    Raises:
        DataError: there is no reading, or there are several; each is told with the flags of `command`.
        ParamsError: what the person says cannot be used.
    """
    names = sorted(seen.contents.pictures)
    found = _readings(names, seen.contents, choice)
    chosen = only(found, names, seen.contents.tables_told(found), command)
    _check_there(choice, chosen, names)
    layout = chosen.layout.model_copy(update={"class_names": dict(choice.class_names) or None})
    return sort_out(seen.contents, layout, seen.left_out)


def _check_there(choice: Choice, chosen: Reading, names: Sequence[str]) -> None:
    """Raise DataError where a flag names a folder or a class that the reading does not have."""
    classes = {place.class_name for place in chosen.of.values()}
    for name in choice.class_names.keys() - classes:
        raise DataError(f"--class: {unknown('class', name, classes)}")
    template = getattr(chosen.layout, "folders", "{folder}")
    if choice.splits and "{folder}" not in template:
        raise DataError(
            f"--split says what {{folder}} is for, and the folders {template} have none; give both, such as "
            "--folders '{folder}/{class}/**', or leave out --split"
        )
    for folder in choice.splits:
        if not any(f"/{folder}/" in f"/{name}" for name in names):
            top = {name.partition("/")[0] for name in names if "/" in name}
            raise DataError(f"--split: {unknown('folder', folder, top)}, and the folders below")


def _readings(names: Sequence[str], contents: Contents, choice: Choice) -> list[Reading]:
    if choice.folders or choice.pattern:
        layouts: Sequence[Explicit] = _folders(names, choice) if choice.folders else [_names(names, choice)]
    elif choice.tables or choice.columns:
        layouts = _tables(names, contents, choice)
    else:
        found = readings(names, contents.tables(), contents.read)
        if not choice.splits:
            return found
        layouts = [_with_splits(reading.layout, choice.splits) for reading in found]
    kept = [layout for place, layout in enumerate(layouts) if layout not in layouts[:place]]
    return [Reading(layout, places(layout, names, contents.read).of) for layout in kept]


def _folders(names: Sequence[str], choice: Choice) -> list[FoldersLayout]:
    known = [layout for layout in folder_readings(names) if layout.folders == choice.folders]
    if known and not choice.splits:
        return known
    settings = {"kind": "folders", "folders": choice.folders, "splits": dict(choice.splits) or None}
    return [parse(FoldersLayout, settings | {"class_names": None}, "--folders and --split")]


def _names(names: Sequence[str], choice: Choice) -> NamesLayout:
    splits = split_folders(names) | dict(choice.splits)
    settings = {"kind": "names", "pattern": choice.pattern, "splits": splits or None, "class_names": None}
    return parse(NamesLayout, settings, "--pattern and --split")


def _tables(names: Sequence[str], contents: Contents, choice: Choice) -> list[TableLayout]:
    files = list(choice.tables) or contents.tables()
    found = table_layouts(names, files, contents.read, choice.columns)
    if not found:
        raise DataError(
            "no table names pictures and their labels: "
            f"{'; '.join(tables_told(files, contents.read)) or 'there is none'}; "
            "say which columns do: --path-column COLUMN --label-column COLUMN"
        )
    if len(choice.tables) > 1:  # that they belong together is said by naming them together
        together = {file: split for layout in found for file, split in layout.tables.items()}
        found = [found[0].model_copy(update={"tables": together})]
    return [_with_splits(layout, choice.splits) for layout in found]


def _with_splits(layout: Explicit, splits: Mapping[str, str]) -> Any:
    values = layout.model_dump()
    values["splits"] = {**(values["splits"] or {}), **splits} or None
    return parse(type(layout), values, "--split")


class Sizes(NamedTuple):
    """Width and height of the pictures that were measured, in pixels."""

    of: list[tuple[int, int]]
    unreadable: list[str]

    def median(self) -> tuple[int, int]:
        return tuple(round(median(side)) for side in zip(*self.of, strict=True))


def sizes(seen: Look, names: Sequence[str]) -> Sizes:
    """The sizes of at most MEASURED of these pictures, evenly taken, from their headers."""
    step = -(-len(names) // MEASURED)
    found = Sizes([], [])
    for name in names[::step]:
        try:
            size = _size(seen, name)
        except (DataError, UnreadableError):
            found.unreadable.append(name)
        else:
            found.of.append(size)
    return found


def _size(seen: Look, name: str) -> tuple[int, int]:
    file = seen.files.get(name)
    return size_of(file.path if file else io.BytesIO(seen.contents.read(name)))


def image_size(measured: Sizes) -> tuple[int, int]:
    """The height and width to bring pictures to: their own where all have one, else a square as the median.

    Neither is larger than LARGEST, and a square is one of SIDES.
    """
    if not measured.of:
        return LARGEST, LARGEST
    width, height = measured.of[0]
    if len(set(measured.of)) == 1 and max(width, height) <= LARGEST:
        return height, width
    side = min(measured.median())
    square = min(SIDES, key=lambda one: abs(one - side))
    return square, square


def misnamed(seen: Look, names: Sequence[str]) -> list[str]:
    """The pictures by name whose first bytes are those of no picture; of a folder only."""
    return [name for name in names if name in seen.files and not kind_of(seen.files[name].head)]
