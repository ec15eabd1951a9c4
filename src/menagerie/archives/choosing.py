"""Readings in words, and the one of them that counts."""

from collections.abc import Iterable, Mapping, Sequence

from menagerie.archives.placing import Explicit, Place
from menagerie.archives.understanding import Reading
from menagerie.errors import DataError
from menagerie.params.dataset import NamesLayout, TableLayout

ADD = "menagerie add NAME PATH"


def only(
    found: Sequence[Reading], names: Sequence[str], tables: Iterable[str], command: str = ADD
) -> Reading:
    """The one reading there is; `tables` says of the tables, where there is none, why not by them.

    Raises:
        DataError: there is none, or there are several; each is told with what chooses it.
    """
    if len(found) == 1:
        return found[0]
    if not names:
        raise DataError("no picture is there, only other files; an archive in an archive is to be unpacked")
    if not found:
        shown = ", ".join(map(repr, names[:5]))
        raise DataError(
            f"nothing tells the classes of {len(names)} pictures, such as {shown}: two folders or more, one "
            "for each class, a table of labels, or names as cat.1.jpg; say which of the layouts it is:\n"
            f"  {command} --folders '{{class}}/**'\n"
            f"  {command} --table FILE --path-column COLUMN --label-column COLUMN\n"
            f"  {command} --pattern '(?P<class>[a-z]+).*'"
            + "".join(f"\nno labels are taken from this table: {line}" for line in tables)
        )
    lines = [f"  {described(*reading)}:\n    {command} {flags(reading.layout)}" for reading in found]
    raise DataError(f"{len(found)} readings are possible; choose one:\n" + "\n".join(lines))


def described(layout: Explicit, of: Mapping[str, Place]) -> str:
    """A reading in words, with its classes."""
    classes = sorted({place.class_name for place in of.values()})
    shown = ", ".join(classes[:6]) + (f" and {len(classes) - 6} more" if len(classes) > 6 else "")
    if isinstance(layout, TableLayout):
        how = f"column {layout.label_column!r} of {', '.join(layout.tables)}"
    elif isinstance(layout, NamesLayout):
        how = "names of files"
    else:
        how = f"folders {layout.folders}"
    uses = in_order({place.folder for place in of.values()})
    given = f", in the splits {', '.join(uses)}" if uses else ""
    return f"by the {how}: {len(classes)} classes, {shown}{given}"


def in_order(splits: Iterable[str]) -> list[str]:
    """The names of splits: train, val, test, then others."""
    usual = ["train", "val", "test"]
    return [name for name in usual if name in splits] + sorted({*splits} - {*usual, ""})


def flags(layout: Explicit) -> str:
    """What chooses this reading at `menagerie add`."""
    if isinstance(layout, TableLayout):
        chosen = [f"--table {quoted(file)}" for file in layout.tables]
        columns = {"--path-column": layout.path_column, "--label-column": layout.label_column}
        return " ".join([*chosen, *(f"{flag} {quoted(column)}" for flag, column in columns.items())])
    if isinstance(layout, NamesLayout):
        return f"--pattern {quoted(layout.pattern)}"
    uses = [f"--split {quoted(f'{path}={use}')}" for path, use in (layout.splits or {}).items()]
    return " ".join([f"--folders {quoted(layout.folders)}", *uses])


def quoted(text: str) -> str:
    """As a shell takes it."""
    return "'" + text.replace("'", "'\\''") + "'"
