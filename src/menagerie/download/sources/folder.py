"""A person's own pictures, as zips: equal pictures under equal names give equal bytes."""

import hashlib
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile, ZipInfo

from tqdm import tqdm

from menagerie.archives.scanning import File, goes_in, left_out, packed, readable, scan
from menagerie.download.wire.part import disk_errors
from menagerie.errors import DataError
from menagerie.files import file_sha256
from menagerie.params.dataset import FolderSource

UNIX = 3  # the system that the zip says it is from, wherever it is written
BLOCK = 1 << 20  # bytes
SHARDS = 64  # zips that a folder is dealt out to: DVC stores those anew that changed


def fetch(source: FolderSource, folder: Path) -> list[dict[str, Any]]:
    """Write pictures-NN.zip: the folder's pictures and tables, not compressed, in the order of their names.

    Where `source.path` is an archive, or a folder that holds archives and no picture, those are copied as
    they are. `left_out` of the first file lists, by reason, what did not come in. Links are followed:
    collections are often links into one store of pictures. A link to a folder that it lies in is refused.

    Raises:
        DataError: the folder is not there, holds no picture, or a picture cannot be read or named in a zip.
        DownloadError: the zip cannot be written.
    """
    files = scan(source.path)
    if inside := packed(files):
        entries = [_copied(file, folder) for file in inside]
    else:
        inside = sorted(file for file in files if goes_in(file))
        entries = list(_zipped(inside, folder, source.path))
    entries[0]["left_out"] = left_out(files, inside)
    return entries


def notices(source: FolderSource, repository: Path) -> list[str]:
    """What a person should know of the folder: git commits it into each experiment, unless told not to."""
    root = Path(source.path).resolve()
    if not root.is_relative_to(repository) or root == repository:
        return []
    try:
        ignored = subprocess.run(["git", "check-ignore", "-q", str(root)], cwd=repository, check=False)
    except FileNotFoundError:  # no git on this machine
        return []
    if ignored.returncode != 1:  # 0: it is ignored; 128: no repository of git
        return []
    line = f"/{root.relative_to(repository).as_posix()}"
    return [f"{source.path} lies in the repository: git would commit it; add to .gitignore: {line}"]


def _copied(file: File, folder: Path) -> dict[str, Any]:
    target = folder / file.path.name
    if target.exists():
        raise DataError(f"two archives are called {target.name!r}; rename one of them")
    with disk_errors(target), readable(file.path):
        shutil.copyfile(file.path, target)
    return _described(target, str(file.path))


def _zipped(files: list[File], folder: Path, source: str) -> Iterator[dict[str, Any]]:
    """A zip for each shard that has files."""
    shards: dict[int, list[File]] = {}
    for file in files:
        shards.setdefault(shard(file.name), []).append(file)
    with tqdm(desc="folder", unit="picture", total=len(files), disable=None) as bar:
        for number, members in sorted(shards.items()):
            path = folder / f"pictures-{number:02d}.zip"
            with disk_errors(path), ZipFile(path, "w") as archive:
                for file in members:
                    _store(archive, file.name, file.path)
                    bar.update()
            yield _described(path, source)


def shard(name: str) -> int:
    """Which zip a file goes to, by its name alone: one that is added or changed leaves other zips alone."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest()) % SHARDS


def _described(path: Path, source: str) -> dict[str, Any]:
    return {"file": path.name, "size": path.stat().st_size, "sha256": file_sha256(path), "url": source}


def _store(archive: ZipFile, name: str, picture: Path) -> None:
    info = ZipInfo(name)
    info.create_system = UNIX
    info.external_attr = (stat.S_IFREG | 0o644) << 16
    with readable(picture):
        info.file_size = picture.stat().st_size  # zipfile chooses the 64-bit form by it
    with archive.open(info, "w") as writer:
        for block in _blocks(picture):
            writer.write(block)


def _blocks(picture: Path) -> Iterator[bytes]:
    with readable(picture), picture.open("rb") as reader:
        yield from iter(lambda: reader.read(BLOCK), b"")
