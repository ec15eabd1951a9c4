"""A version of a Kaggle data set, as one zip; most public ones need no account.

Kaggle redirects to Google's storage, which sends the MD5 of the file along.
"""

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zipfile import is_zipfile

from menagerie.download.remotes import fetch_remotes
from menagerie.download.wire.remote import Remote
from menagerie.errors import DownloadError
from menagerie.files import remove
from menagerie.params.dataset import KaggleSource

DOWNLOADS = "https://www.kaggle.com/api/v1/datasets/download"
PAGES = "https://www.kaggle.com/datasets"
REFUSED = re.compile(r"HTTP 40[134]\b")  # Kaggle says 404 of what it hides, too


def fetch(source: KaggleSource, folder: Path) -> list[dict[str, Any]]:
    """Fetch `<owner>-<name>-v<version>.zip`.

    Raises:
        DownloadError: it cannot be had, or what came is no zip.
    """
    (remote,) = remotes(source, folder)
    account = (
        "Kaggle may want an account, or consent to the terms of the data set: "
        f"sign in at {PAGES}/{source.dataset}, agree, and download version {source.version} there"
    )
    try:
        files = fetch_remotes([remote], folder)
    except DownloadError as error:
        if REFUSED.search(str(error)):
            raise DownloadError(f"{error}; {account}") from error
        raise
    if not is_zipfile(folder / remote.file):
        remove(folder / remote.file)
        raise DownloadError(
            f"{remote.url}: what came is no zip; {account}, put it as {remote.file!r} in a folder "
            "and set MENAGERIE_MIRROR to that folder"
        )
    return files


def remotes(source: KaggleSource, folder: Path) -> list[Remote]:
    """The zip of the version; no hash of it is known beforehand."""
    address = f"{DOWNLOADS}/{quote(source.dataset)}?datasetVersionNumber={source.version}"
    return [Remote(address, f"{source.dataset.replace('/', '-')}-v{source.version}.zip")]
