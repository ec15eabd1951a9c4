"""The folder or address that MENAGERIE_MIRROR names: where files are looked for before the network."""

import os
import re
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from menagerie import paths
from menagerie.errors import DownloadError


def named_mirror() -> str | None:
    """The address of the mirror that the environment names, as `mirror_location` gives it.

    Raises:
        DownloadError: the folder is not there.
    """
    return mirror_location(os.environ.get("MENAGERIE_MIRROR"), paths.main_repository())


def mirror_location(value: str | None, main_repository: Path) -> str | None:
    """The address of the mirror that MENAGERIE_MIRROR names, None when it names none.

    A relative folder is one of `main_repository`, so that a queued experiment finds it too.

    Raises:
        DownloadError: the folder is not there.
    """
    if not value or re.match("https?://", value):
        return value or None
    folder = local_path(value) if value.startswith("file:") else main_repository / Path(value).expanduser()
    if not folder.is_dir():
        raise DownloadError(
            f"MENAGERIE_MIRROR is {value!r}, but there is no folder {folder}; "
            "set it to a folder or an http(s) address, or unset it"
        )
    return folder.resolve().as_uri()


def local_path(url: str) -> Path:
    """The path that a file: address names."""
    return Path(url2pathname(urlsplit(url).path))
