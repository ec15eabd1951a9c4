"""One archive at an address (http, https or file), or of that name in the mirror."""

from pathlib import Path
from typing import Any

from menagerie.download.remotes import fetch_remotes
from menagerie.download.wire.remote import Remote
from menagerie.params.dataset import ArchiveSource


def fetch(source: ArchiveSource, folder: Path) -> list[dict[str, Any]]:
    """Fetch the archive; what is in it is checked by the caller, by `source.content_sha256`.

    Raises:
        DownloadError: it cannot be had, or not whole.
    """
    return fetch_remotes(remotes(source, folder), folder)


def remotes(source: ArchiveSource, folder: Path) -> list[Remote]:
    """The archive; no hash of its bytes is known beforehand."""
    return [Remote(source.url, source.file)]
