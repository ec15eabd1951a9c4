"""Which members of an archive are pictures, and of which class."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from menagerie.archives.kinds import HEAD, SUFFIXES, why_no_picture
from menagerie.archives.naming import SPLIT_FOLDERS as SPLIT_FOLDERS
from menagerie.archives.naming import check_twins, hidden
from menagerie.archives.placing import Explicit, Places, compiled, places
from menagerie.archives.reading import Archive, Member, members
from menagerie.archives.tables import is_table
from menagerie.archives.understanding import only, readings
from menagerie.errors import DataError
from menagerie.params.dataset import AutoLayout, FoldersLayout

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
EMPTY_FOLDER = "empty folder"
LOST_ROW = "row of a table without a picture"


class Picture(NamedTuple):
    """A picture in an archive; `folder` names the split that the archive puts it in, if it has one."""

    archive: Path
    member: Member
    class_name: str
    folder: str
    group: str = ""  # what a table of labels says it belongs to: a patient, a scene

    @property
    def path(self) -> str:
        return self.member.name


class Found(NamedTuple):
    """All files of some archives: each is a picture of a class, has no class, or is passed over."""

    layout: Explicit
    pictures: list[Picture]  # by folder, class and path: in each folder as Keras lists them
    unlabelled: list[str]
    passed_over: dict[str, list[str]]  # by reason


def find(
    archives: Sequence[Path],
    layout: Explicit | AutoLayout,
    left_out: Mapping[str, Sequence[str]] | None = None,
) -> Found:
    """The pictures of some archives, each with its class; what is none is listed with the reason.

    `left_out` are files, by reason, that did not come into the archives.

    Raises:
        ParamsError: the layout cannot be used.
        DataError: an archive cannot be used, two of them hold the same path, no picture has a class, all
            are of one class, a class's folder yields no picture, names of classes look alike, or `auto` has
            no reading or several.
    """
    contents = _contents(archives)
    names, tables = sorted(contents.pictures), sorted(filter(is_table, contents.others))
    if isinstance(layout, AutoLayout):
        renamed = layout.class_names
        layout = only(readings(names, tables, contents.read), names).layout.model_copy(
            update={"class_names": renamed}
        )
    placed = places(layout, names, contents.read)
    passed_over = {reason: list(files) for reason, files in (left_out or {}).items()}
    used = getattr(layout, "tables", {})
    for name, reason in contents.others.items():
        if name not in used:
            passed_over.setdefault(reason, []).append(name)
    if placed.lost_rows:
        passed_over[LOST_ROW] = list(placed.lost_rows)
    pictures = _pictures(archives, layout, contents, placed)
    check_twins({picture.class_name for picture in pictures})
    _check_no_class_is_lost(layout, placed, passed_over)
    unlabelled = [name for name in names if name not in placed.of]
    return Found(layout, pictures, unlabelled, dict(sorted(passed_over.items())))


def find_pictures(
    archives: Sequence[Path], folders: str, class_names: Mapping[str, str] | None = None
) -> list[Picture]:
    """The pictures of some archives by a template of folders alone.

    `class_names` renames classes. Pictures lie where `compiled` says; the rest is passed over.

    Raises:
        ParamsError: the template cannot be used.
        DataError: an archive cannot be used, two of them hold the same path, no member is a picture,
            or all are of one class.
    """
    layout = FoldersLayout(kind="folders", folders=folders, splits=None, class_names=class_names)
    contents = _contents(archives)
    return _pictures(archives, layout, contents, places(layout, list(contents.pictures), contents.read))


class _Contents(NamedTuple):
    """What the members of some archives are, by name."""

    pictures: dict[str, tuple[Path, Member]]
    others: dict[str, str]  # why each is no picture
    where: dict[str, tuple[Path, Member]]

    def read(self, name: str) -> bytes:
        if name not in self.where:
            raise DataError(f"dataset.layout.tables names {name!r}, which is not there")
        archive, member = self.where[name]
        with Archive(archive) as reader:
            return reader.read(member)


def _contents(archives: Sequence[Path]) -> _Contents:
    found = _Contents({}, {}, {})
    for path in archives:
        with Archive(path) as archive:
            for member in sorted(members(path), key=lambda member: member.offset):
                if member.name in found.where:
                    both = f"{found.where[member.name][0]} and {path}"
                    raise DataError(
                        f"{both} both hold {member.name!r}; rename a folder above it in one of them"
                    )
                found.where[member.name] = path, member
                if reason := _why_not(archive, member):
                    found.others[member.name] = reason
                else:
                    found.pictures[member.name] = path, member
    return found


def _why_not(archive: Archive, member: Member) -> str | None:
    if hidden(member.name):
        return "hidden"
    if member.name.lower().endswith(SUFFIXES):
        return None  # without a look at the content, which preparing takes
    return why_no_picture(member.name, archive.head(member, HEAD))


def _pictures(
    archives: Sequence[Path], layout: Explicit, contents: _Contents, placed: Places
) -> list[Picture]:
    renamed = layout.class_names or {}
    pictures = [
        Picture(*contents.pictures[name], renamed.get(place.class_name, place.class_name), *place[1:])
        for name, place in placed.of.items()
    ]
    where = f"{', '.join(map(str, archives))}: with {_told(layout)}"
    if not pictures:
        names = [*sorted(contents.pictures), *sorted(contents.others)]
        seen = ", ".join(map(repr, names[:5])) or "none"
        raise DataError(f"{where} no member is a picture; make it fit the members, which are {seen}")
    pictures.sort(key=lambda picture: (picture.folder, picture.class_name, picture.path))
    if len({picture.class_name for picture in pictures}) < 2:
        only_one = f"every picture is of class {pictures[0].class_name!r}, such as {pictures[0].path!r}"
        raise DataError(f"{where} {only_one}; two classes are needed: move {{class}} or add pictures")
    return pictures


def _told(layout: Explicit) -> str:
    key = {"folders": "folders", "names": "pattern", "table": "tables"}[layout.kind]
    return f"layout.{key}={getattr(layout, key)!r}"


def _check_no_class_is_lost(
    layout: Explicit, placed: Places, passed_over: Mapping[str, Sequence[str]]
) -> None:
    """Raise DataError where a folder of a class, in a split or at all, holds files but no picture."""
    if not (isinstance(layout, FoldersLayout) and layout.folders.endswith("/**")):
        return  # which folder is one of a class, only a whole template tells
    template = compiled(layout.folders, layout.splits)
    lost: dict[str, Counter[str]] = {}
    for reason, name in ((reason, name) for reason, files in passed_over.items() for name in files):
        match = template.fullmatch(f"{name}." if name.endswith("/") else name)
        if match is None or reason == "hidden" or PurePosixPath(name).suffix.lower() in DOCUMENTS:
            continue
        if (layout.splits or {}).get(match.groupdict().get("folder", "")) != "unlabelled":
            lost.setdefault(name[: match.end("class_name")], Counter())[reason] += 1
    full = {name[: match.end("class_name")] for name in placed.of if (match := template.fullmatch(name))}
    for folder in sorted(lost.keys() - full):
        why = ", ".join(f"{count} {reason}" for reason, count in sorted(lost[folder].items()))
        raise DataError(
            f"the folder {folder!r} is one of a class and yields no picture: {why}; add pictures, "
            "take it away, or let its name begin with a dot if it is no class"
        )


def content_sha256(pictures: Iterable[Picture]) -> str:
    r"""One hash of all pictures, the same however they are packed.

    It is the SHA-256 of the lines `<SHA-256 of the file>  <class>/<file>\n`, sorted by what comes after
    the spaces; where pictures have a folder, it stands before the class.
    """
    hashes = []
    for archive, group in groupby(sorted(pictures, key=reading_order), key=lambda picture: picture.archive):
        with Archive(archive) as reader:
            for picture in group:
                parts = (picture.folder, picture.class_name, picture.path.rpartition("/")[2])
                sha256 = hashlib.sha256(reader.read(picture.member)).hexdigest()
                hashes.append(("/".join(filter(None, parts)), sha256))
    lines = "".join(f"{sha256}  {path}\n" for path, sha256 in sorted(hashes))
    return hashlib.sha256(lines.encode("utf-8")).hexdigest()


def reading_order(picture: Picture) -> tuple[str, int]:
    """Archives are read from front to back, the only way to read a tar.gz."""
    return str(picture.archive), picture.member.offset
