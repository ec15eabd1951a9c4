"""What the transfers of one call share, and the ways in which one of them ends early."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from menagerie.errors import DownloadError


@dataclass(frozen=True)
class Session:
    """`mirror` is an address or None; `sleep` waits some seconds between two tries."""

    client: httpx.Client
    mirror: str | None
    stopped: threading.Event
    sleep: Callable[[float], object]

    def check(self) -> None:
        """Raise StoppedError once the others have been told to stop."""
        if self.stopped.is_set():
            raise StoppedError


class StoppedError(Exception):
    """Another file failed, or the user pressed Ctrl-C."""


class MissingError(DownloadError):
    """There is no such file at this address."""


class RetryError(Exception):
    """Worth another try after so many seconds, or after a growing wait."""

    def __init__(self, why: str, seconds: float | None = None) -> None:
        super().__init__(why)
        self.seconds = seconds
