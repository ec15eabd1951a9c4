"""A person's own folder of pictures, as one zip: equal pictures under equal names give equal bytes."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from operator import attrgetter
from pathlib import Path
from typing import Any
from zipfile import ZipFile, ZipInfo

from tqdm import tqdm

from menagerie.archives.layout import SUFFIXES
from menagerie.archives.reading import safe_name
from menagerie.download.wire.part import disk_errors
from menagerie.errors import DataError
from menagerie.files import file_sha256
from menagerie.params.dataset import FolderSource

UNIX = 3  # the system that the zip says it is from, wherever it is written
BLOCK = 1 << 20  # bytes


def fetch(source: FolderSource, folder: Path) -> list[dict[str, Any]]:
    """Write pictures.zip: the folder's pictures, not compressed, in the order of their names.

    Hidden files and folders and files without the suffix of a picture are left out. Links are followed:
    collections are often links into one store of pictures. A link to a folder that it lies in is refused.

    Raises:
        DataError: the folder is not there, holds no picture, or a picture cannot be read or named in a zip.
        DownloadError: the zip cannot be written.
    """
    root = _root(source.path)
    pictures = sorted(_pictures(root, "", ()))
    if not pictures:
        raise DataError(
            f"{str(root)!r} holds no picture, which is a file that ends in {', '.join(SUFFIXES)}; "
            "name the folder that holds a folder for each class: -S 'dataset.source.path=...'"
        )
    path = folder / "pictures.zip"
    with disk_errors(path), ZipFile(path, "w") as archive:
        for name, picture in tqdm(pictures, desc="folder", unit="picture", disable=None):
            _store(archive, name, picture)
    return [{"file": path.name, "size": path.stat().st_size, "sha256": file_sha256(path), "url": source.path}]


def _root(path: str) -> Path:
    root = Path(path)
    if not root.is_dir():
        raise DataError(
            f"dataset.source.path is {path!r}, but there is no such folder; "
            "name the folder that holds a folder for each class: -S 'dataset.source.path=...'"
        )
    return root


def _pictures(folder: Path, prefix: str, above: tuple[Path, ...]) -> Iterator[tuple[str, Path]]:
    """Each picture's name in the zip and its path; `above` are the folders that `folder` lies in."""
    with _readable(folder):
        real = folder.resolve()
        with os.scandir(folder) as entries:
            visible = sorted(
                (entry for entry in entries if not entry.name.startswith(".")), key=attrgetter("name")
            )
    if real in above:
        raise DataError(f"{str(folder)!r} is a link to {str(real)!r}, which it lies in; remove the link")
    for entry in visible:
        path, name = folder / entry.name, prefix + entry.name
        with _readable(path):
            is_folder, is_file = entry.is_dir(), entry.is_file()
        if is_folder:
            yield from _pictures(path, name + "/", (*above, real))
        elif name.lower().endswith(SUFFIXES):
            yield _checked_name(path, name, is_file), path


def _checked_name(path: Path, name: str, is_file: bool) -> str:
    if not is_file:
        raise DataError(f"{str(path)!r} is a link that leads nowhere, or no file; mend or remove it")
    try:
        return safe_name(name)
    except ValueError as error:
        raise DataError(f"the name of {str(path)!r} {error}; rename it") from None


def _store(archive: ZipFile, name: str, picture: Path) -> None:
    info = ZipInfo(name)
    info.create_system = UNIX
    info.external_attr = (stat.S_IFREG | 0o644) << 16
    with _readable(picture):
        info.file_size = picture.stat().st_size  # zipfile chooses the 64-bit form by it
    with archive.open(info, "w") as writer:
        for block in _blocks(picture):
            writer.write(block)


def _blocks(picture: Path) -> Iterator[bytes]:
    with _readable(picture), picture.open("rb") as reader:
        yield from iter(lambda: reader.read(BLOCK), b"")


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{str(path)!r} cannot be read: {error.strerror}; give yourself the right to, mend or remove it"
        ) from error
