"""Where pictures come from: one module a kind, each with `fetch(source, folder) -> list of files`.

`fetch` writes the archives as they came to `folder`, which exists and is empty, and says of each file:
its name, size in bytes, SHA-256 and address; of a folder also, by reason, which of its files are
`left_out`. A kind that uses the network also has
`remotes(source, folder) -> list of Remote`: all that a mirror must hold. `folder` holds afterwards what
had to be read to tell that.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from menagerie import paths
from menagerie.archives.layout import Found, content_sha256, find
from menagerie.archives.looking import look
from menagerie.archives.sorting import sort_out
from menagerie.download.remotes import fetch_remotes
from menagerie.download.wire.part import disk_errors
from menagerie.errors import DownloadError, MenagerieError
from menagerie.files import remove
from menagerie.params.dataset import Dataset, FolderSource, Source


def fetch(source: Source, folder: Path) -> list[dict[str, Any]]:
    """Get a source's archives into `folder`.

    Raises:
        DownloadError: a file cannot be had, or is not the one that was asked for.
        DataError: the source holds no archive or no picture.
    """
    return _module(source.kind).fetch(source, folder)


def check_layout(dataset: Dataset) -> None:
    """Refuse a person's own pictures before they are copied, where their layout does not tell what they are.

    Raises:
        DataError: as `sort_out`, or there is nothing at the path.
    """
    if isinstance(dataset.source, FolderSource):
        seen = look(Path(dataset.source.path))
        sort_out(seen.contents, dataset.layout, seen.left_out)


def check_content(
    dataset: Dataset, archives: Sequence[Path], left_out: Mapping[str, Sequence[str]] | None = None
) -> tuple[Found, str]:
    """What a data set's archives hold, and the content hash of their pictures.

    `left_out` are files, by reason, that did not come into the archives.

    Raises:
        DataError: an archive is damaged, or its pictures do not lie as `dataset.layout` says.
        DownloadError: the hash is not the one that `dataset.source` expects.
    """
    found = find(archives, dataset.layout, left_out)
    content = content_sha256(found.pictures)
    expected = getattr(dataset.source, "content_sha256", None)
    if expected not in (None, content):
        raise DownloadError(
            f"{', '.join(map(str, archives))}: the pictures are not the ones expected: "
            f"content SHA-256 {content}, dataset.source.content_sha256 {expected}; "
            "get the archive again, or correct conf/dataset if the data set is meant to have changed"
        )
    return found, content


def notices(source: Source) -> list[str]:
    """What a person should know of a source before it is used."""
    module = _module(source.kind)
    return module.notices(source, paths.main_repository()) if hasattr(module, "notices") else []


def needs_network(kind: str) -> bool:
    """Whether a kind of source has something to put into a mirror."""
    return hasattr(_module(kind), "remotes")


def mirror(dataset: Dataset, folder: Path) -> list[Path]:
    """Bring all files of a data set that needs the network to a mirror folder.

    A file that is there and right is not fetched again. Where no hash of a file is known beforehand,
    the pictures in it must be readable, and be the ones expected.

    Raises:
        DownloadError: a file cannot be had, or is not the one that was asked for.
        DataError: a file is there, or came, but its pictures cannot be used.
    """
    module = _module(dataset.source.kind)
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    remotes = module.remotes(dataset.source, folder)
    files = [folder / remote.file for remote in remotes]
    if all(remote.pinned for remote in remotes):
        fetch_remotes(remotes, folder)
    else:
        _mirror_by_content(module, dataset, folder, files)
    return files


def _mirror_by_content(module: ModuleType, dataset: Dataset, folder: Path, files: Sequence[Path]) -> None:
    missing = [file for file in files if not file.is_file()]
    if missing:
        module.fetch(dataset.source, folder)
    try:
        check_content(dataset, files)
    except MenagerieError:
        for file in missing:
            remove(file)
        raise


def _module(kind: str) -> ModuleType:
    return import_module(f"menagerie.download.sources.{kind}")
