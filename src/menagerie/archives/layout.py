"""Which members of an archive are pictures, and of which class."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from menagerie.archives.kinds import HEAD, SUFFIXES, why_no_picture
from menagerie.archives.naming import hidden
from menagerie.archives.placing import Explicit, Place, places
from menagerie.archives.reading import Archive, Member, members
from menagerie.archives.sorting import HIDDEN, Contents, check_classes, renamed, sort_out
from menagerie.errors import DataError
from menagerie.params.dataset import AutoLayout, FoldersLayout


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
        DataError: an archive cannot be used, two of them hold the same path, or `sort_out` refuses them.
    """
    where = _members(archives)
    done = sort_out(_contents(where), layout, left_out)
    return Found(done.layout, _pictures(where, done.of), done.unlabelled, done.passed_over)


def find_pictures(
    archives: Sequence[Path], folders: str, class_names: Mapping[str, str] | None = None
) -> list[Picture]:
    """The pictures of some archives by a template of folders alone; names of classes are taken as they are.

    `class_names` renames classes. Pictures lie where `compiled` says; the rest is passed over.

    Raises:
        ParamsError: the template cannot be used.
        DataError: an archive cannot be used, two of them hold the same path, no member is a picture,
            or all are of one class.
    """
    layout = FoldersLayout(kind="folders", folders=folders, splits=None, class_names=class_names)
    where = _members(archives)
    contents = _contents(where)
    of = renamed(layout, places(layout, contents.pictures, contents.read).of)
    names = [*sorted(contents.pictures), *sorted(contents.others)]
    check_classes(layout, of, names, f"{', '.join(map(str, archives))}: ")
    return _pictures(where, of)


def contents_of(archives: Sequence[Path]) -> Contents:
    """What the members of some archives are.

    Raises:
        DataError: an archive cannot be used, or two of them hold the same path.
    """
    return _contents(_members(archives))


def _members(archives: Sequence[Path]) -> dict[str, tuple[Path, Member]]:
    found: dict[str, tuple[Path, Member]] = {}
    for path in archives:
        for member in members(path):
            if member.name in found:
                both = f"{found[member.name][0]} and {path}"
                raise DataError(f"{both} both hold {member.name!r}; rename a folder above it in one of them")
            found[member.name] = path, member
    return found


def _contents(where: Mapping[str, tuple[Path, Member]]) -> Contents:
    pictures: list[str] = []
    others: dict[str, str] = {}
    in_order = sorted(where.values(), key=lambda one: (str(one[0]), one[1].offset))
    for path, of_one in groupby(in_order, key=lambda one: one[0]):
        with Archive(path) as archive:
            for _, member in of_one:
                if reason := _why_not(archive, member):
                    others[member.name] = reason
                else:
                    pictures.append(member.name)

    def read(name: str) -> bytes:
        if name not in where:
            raise DataError(f"dataset.layout.tables names {name!r}, which is not there")
        path, member = where[name]
        with Archive(path) as archive:
            return archive.read(member)

    return Contents(pictures, others, read)


def _why_not(archive: Archive, member: Member) -> str | None:
    if hidden(member.name):
        return HIDDEN
    if member.name.lower().endswith(SUFFIXES):
        return None  # without a look at the content, which preparing takes
    return why_no_picture(member.name, archive.head(member, HEAD))


def _pictures(where: Mapping[str, tuple[Path, Member]], of: Mapping[str, Place]) -> list[Picture]:
    pictures = [Picture(*where[name], *place) for name, place in of.items()]
    return sorted(pictures, key=lambda picture: (picture.folder, picture.class_name, picture.path))


def content_sha256(pictures: Iterable[Picture]) -> str:
    r"""One hash of all pictures, the same however they are packed.

    It is the SHA-256 of the lines `<SHA-256 of the file>  <class>/<file>\n`, sorted by what comes after
    the spaces; where pictures have a folder, it stands before the class.
    """
    hashes, ordered = [], sorted(pictures, key=reading_order)
    shown = tqdm(ordered, desc="content", unit=" pictures", disable=None, delay=1)
    for archive, group in groupby(shown, key=lambda picture: picture.archive):
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
