"""Where pictures come from: one module a kind, each with `fetch(source, folder) -> list of files`.

`fetch` writes the archives as they came to `folder`, which exists and is empty, and says of each file:
its name, size in bytes, SHA-256 and address.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

from menagerie.params import Source


def fetch(source: Source, folder: Path) -> list[dict[str, Any]]:
    """Get a source's archives into `folder`.

    Raises:
        DownloadError: a file cannot be had, or is not the one that was asked for.
    """
    return import_module(f"menagerie.sources.{source.kind}").fetch(source, folder)
