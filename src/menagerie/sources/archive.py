"""One archive at an address (http, https or file), or of that name in the mirror."""

import os
from pathlib import Path
from typing import Any

from menagerie import paths
from menagerie.download import Remote, mirror_location
from menagerie.download import fetch as fetch_files
from menagerie.params import ArchiveSource


def fetch(source: ArchiveSource, folder: Path) -> list[dict[str, Any]]:
    """Fetch the archive; what is in it is checked by the caller, by `source.content_sha256`.

    Raises:
        DownloadError: it cannot be had, or not whole.
    """
    remote = Remote(source.url, source.file, size=None, md5=None, sha256=None)
    mirror = mirror_location(os.environ.get("MENAGERIE_MIRROR"), paths.main_repository())
    fetched = fetch_files([remote], folder, paths.work() / "downloads", mirror)
    return [
        {"file": file.path.name, "size": file.size, "sha256": file.sha256, "url": source.url}
        for file in fetched
    ]
