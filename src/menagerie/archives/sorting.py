"""Files sorted out: each is a picture of a class, a picture without one, or passed over for a reason."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from menagerie.archives.choosing import only
from menagerie.archives.naming import UNLABELLED, check_twins
from menagerie.archives.placing import Explicit, Place, Read, compiled, places
from menagerie.archives.tables import is_table, tables_told
from menagerie.archives.understanding import Reading, readings
from menagerie.errors import DataError
from menagerie.params.dataset import AutoLayout, FoldersLayout

HIDDEN = "hidden"
EMPTY_FOLDER = "empty folder"
TABLES_TOLD = 3
LOST_ROW = "row of a table without a picture"
# What may lie in a folder that is none of a class.
DOCUMENTS = (
    ".csv",
    ".doc",
    ".docx",
    ".htm",
    ".html",
    ".ipynb",
    ".json",
    ".jsonl",
    ".log",
    ".mat",
    ".md",
    ".npy",
)
DOCUMENTS += (".pdf", ".pkl", ".py", ".rst", ".sh", ".tsv", ".txt", ".xls", ".xlsx", ".xml", ".yaml", ".yml")


class Contents(NamedTuple):
    """Files by name: which are pictures, why each of the others is none; `read` gives the bytes of one."""

    pictures: Sequence[str]
    others: Mapping[str, str]
    read: Read

    def tables(self) -> list[str]:
        return sorted(name for name, reason in self.others.items() if is_table(name) and reason != HIDDEN)

    def tables_told(self, found: Sequence[Reading]) -> list[str]:
        """Where nothing was found, what the first few tables hold."""
        return [] if found else tables_told(self.tables()[:TABLES_TOLD], self.read)


class Sorted(NamedTuple):
    """What became of each file."""

    layout: Explicit
    of: Mapping[str, Place]  # of each picture that has a class
    unlabelled: list[str]
    passed_over: dict[str, list[str]]  # by reason


def sort_out(
    contents: Contents,
    layout: Explicit | AutoLayout,
    left_out: Mapping[str, Sequence[str]] | None = None,
) -> Sorted:
    """What each file is by a layout; `left_out` are files, by reason, that are not among the contents.

    Raises:
        ParamsError: the layout cannot be used.
        DataError: no picture has a class, or all the same one; a class's folder yields no picture; names of
            classes look alike; `auto` has no reading, or several.
    """
    names = sorted(contents.pictures)
    if isinstance(layout, AutoLayout):
        found = readings(names, contents.tables(), contents.read)
        chosen = only(found, names, contents.tables_told(found)).layout
        layout = chosen.model_copy(update={"class_names": layout.class_names})
    placed = places(layout, names, contents.read)
    passed_over = {reason: list(files) for reason, files in (left_out or {}).items()}
    for name, reason in contents.others.items():
        if name not in getattr(layout, "tables", {}):
            passed_over.setdefault(reason, []).append(name)
    if placed.lost_rows:
        passed_over[LOST_ROW] = list(placed.lost_rows)
    of = renamed(layout, placed.of)
    check_classes(layout, of, [*names, *sorted(contents.others)])
    check_twins({place.class_name for place in of.values()})
    _check_no_class_is_lost(layout, of, passed_over)
    unlabelled = [name for name in names if name not in of]
    return Sorted(layout, of, unlabelled, dict(sorted(passed_over.items())))


def renamed(layout: Explicit, of: Mapping[str, Place]) -> dict[str, Place]:
    """The places with the classes' names of `class_names`."""
    names = layout.class_names or {}
    return {
        name: place._replace(class_name=names.get(place.class_name, place.class_name))
        for name, place in of.items()
    }


def check_classes(layout: Explicit, of: Mapping[str, Place], names: Sequence[str], where: str = "") -> None:
    """Raise DataError when there are not two classes; `names` are those of all files, pictures first."""
    key = {"folders": "folders", "names": "pattern", "table": "tables"}[layout.kind]
    told = f"{where}with layout.{key}={getattr(layout, key)!r}"
    if not of:
        seen = ", ".join(map(repr, names[:5])) or "none"
        raise DataError(f"{told} no member is a picture; make it fit the members, which are {seen}")
    if len({place.class_name for place in of.values()}) < 2:
        name = min(of)
        raise DataError(
            f"{told} every picture is of class {of[name].class_name!r}, such as {name!r}; "
            "two classes are needed: move {class} or add pictures"
        )


def _check_no_class_is_lost(
    layout: Explicit, of: Mapping[str, Place], passed_over: Mapping[str, Sequence[str]]
) -> None:
    """Raise DataError where a folder of a class, in a split or at all, holds files but no picture."""
    if not (isinstance(layout, FoldersLayout) and layout.folders.endswith("/**")):
        return  # which folder is one of a class, only a whole template tells
    template = compiled(layout.folders, layout.splits)
    lost: dict[str, Counter[str]] = {}
    for reason, name in ((reason, name) for reason, files in passed_over.items() for name in files):
        match = template.fullmatch(f"{name}." if name.endswith("/") else name)
        if match is None or reason == HIDDEN or PurePosixPath(name).suffix.lower() in DOCUMENTS:
            continue
        if (layout.splits or {}).get(match.groupdict().get("folder", "")) != UNLABELLED:
            lost.setdefault(name[: match.end("class_name")], Counter())[reason] += 1
    full = {name[: match.end("class_name")] for name in of if (match := template.fullmatch(name))}
    for folder in sorted(lost.keys() - full):
        why = ", ".join(f"{count} {reason}" for reason, count in sorted(lost[folder].items()))
        raise DataError(
            f"the folder {folder!r} is one of a class and yields no picture: {why}; add pictures, "
            "take it away, or let its name begin with a dot if it is no class"
        )
