"""Remote files of a source, from the mirror where it has them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from menagerie import paths
from menagerie.download.wire.fetching import fetch
from menagerie.download.wire.remote import Remote
from menagerie.mirror import named_mirror


def fetch_remotes(remotes: Sequence[Remote], folder: Path) -> list[dict[str, Any]]:
    """Fetch files into `folder`, from the mirror where it has them.

    Raises:
        DownloadError: a file cannot be had, or is not the one that was asked for.
    """
    mirror = named_mirror()
    if mirror == folder.resolve().as_uri():
        mirror = None  # a folder is no mirror of itself: a damaged file in it is to be replaced
    fetched = fetch(remotes, folder, paths.work() / "downloads", mirror)
    return [
        {"file": file.path.name, "size": file.size, "sha256": file.sha256, "url": remote.url}
        for remote, file in zip(remotes, fetched, strict=True)
    ]
