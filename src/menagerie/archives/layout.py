"""Which members of an archive are pictures, and of which class."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from menagerie.archives.reading import Archive, Member, members
from menagerie.errors import DataError, ParamsError

# What people call the folders of a split.
SPLIT_FOLDERS = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")


class Picture(NamedTuple):
    """A picture in an archive; `folder` names the split that the archive puts it in, if it has one."""

    archive: Path
    member: Member
    class_name: str
    folder: str

    @property
    def path(self) -> str:
        return self.member.name


def find_pictures(
    archives: Sequence[Path], folders: str, class_names: Mapping[str, str] | None = None
) -> list[Picture]:
    """The pictures of some archives by folder, class and path: in each folder as Keras lists them.

    `folders` is a template of the folders right above a picture. `{class}` and, where the archives
    are split already, `{folder}` stand for one name each; other parts stand for themselves. `auto` is
    `{folder}/{class}` where all pictures lie in folders named after a split, else `{class}`. Hidden
    files and files without the suffix of a picture are passed over. `class_names` renames classes.

    Raises:
        ParamsError: the template cannot be used.
        DataError: an archive cannot be used, two of them hold the same path, no member is a picture,
            or all are of one class.
    """
    if folders == "auto":
        folders = _detected(archives)
    template = _compiled(folders)
    found: dict[str, Picture] = {}
    others: list[str] = []
    for picture, name in _matched(archives, template):
        if picture is None:
            others.append(name)
        elif name in found:
            both = f"{found[name].archive} and {picture.archive}"
            raise DataError(f"{both} both hold {name!r}; rename a folder above it in one of them")
        else:
            named = (class_names or {}).get(picture.class_name, picture.class_name)
            found[name] = picture._replace(class_name=named)
    where = f"{', '.join(map(str, archives))}: with layout.folders={folders!r}"
    if not found:
        others.sort(key=lambda name: not name.lower().endswith(SUFFIXES))
        seen = ", ".join(map(repr, others[:5])) or "none"
        raise DataError(f"{where} no member is a picture; make it fit the members, which are {seen}")
    pictures = sorted(found.values(), key=lambda picture: (picture.folder, picture.class_name, picture.path))
    if len({picture.class_name for picture in pictures}) < 2:
        only = f"every picture is of class {pictures[0].class_name!r}, such as {pictures[0].path!r}"
        raise DataError(f"{where} {only}; two classes are needed: move {{class}} or add pictures")
    return pictures


def content_sha256(pictures: Sequence[Picture]) -> str:
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


def _detected(archives: Sequence[Path]) -> str:
    """Tell `train/cat/1.jpg` from `cat/1.jpg` by the names of the folders two above a picture."""
    splits = {name for names in SPLIT_FOLDERS.values() for name in names}
    names = [picture.path for picture, _ in _matched(archives, _compiled("{class}")) if picture]
    above = {PurePosixPath(name).parent.parent.name.lower() for name in names}
    return "{folder}/{class}" if above and above <= splits else "{class}"


def _compiled(folders: str) -> re.Pattern[str]:
    names = {"{class}": "(?P<class_name>[^/]+)", "{folder}": "(?P<folder>[^/]+)"}
    parts = folders.split("/")
    literal = [part for part in parts if part not in names]
    once = parts.count("{class}") == 1 and parts.count("{folder}") <= 1
    if not once or not all(literal) or any("{" in part or "}" in part for part in literal):
        raise ParamsError(
            f"layout.folders is {folders!r}; expected names of folders, one of them {{class}} and at most "
            "one {folder}, such as '{class}' or 'images/{folder}/{class}'"
        )
    above = "/".join(names.get(part) or re.escape(part) for part in parts)
    suffix = "|".join(map(re.escape, SUFFIXES))
    return re.compile(f"(?:.*/)?{above}/[^/]+(?i:{suffix})", re.DOTALL)


def _matched(archives: Sequence[Path], template: re.Pattern[str]) -> Iterator[tuple[Picture | None, str]]:
    for archive in archives:
        for member in members(archive):
            match = template.fullmatch(member.name)
            if match is None or _hidden(member.name):
                yield None, member.name
            else:
                folder = match.groupdict().get("folder", "")
                yield Picture(archive, member, match["class_name"], folder), member.name


def _hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


def reading_order(picture: Picture) -> tuple[str, int]:
    """Archives are read from front to back, the only way to read a tar.gz."""
    return str(picture.archive), picture.member.offset
