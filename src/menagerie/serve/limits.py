"""What a service takes at most, and how much of it is taken."""

import threading
from dataclasses import dataclass


class BusyError(Exception):
    """There is no room now; later there is."""


@dataclass(frozen=True)
class Limits:
    """What one request may hold, and what all of them together."""

    body_bytes: int = 32 * 2**20  # of one request
    pictures: int = 64  # of one request
    seconds: float = 30.0  # to read a request, and again to answer it
    batch: int = 32  # pictures that the network sees at once
    waiting: int = 256  # pictures of all requests
    held_bytes: int = 256 * 2**20  # of all requests, not yet decoded
    connections: int = 256


class Room:
    """So much of something that threads share."""

    def __init__(self, size: int, unit: str) -> None:
        self._size, self._unit = size, unit
        self._taken, self._lock = 0, threading.Lock()

    def take(self, amount: int) -> None:
        """Raises: BusyError: so much is not free; nothing is taken then."""
        with self._lock:
            if self._taken + amount > self._size:
                raise BusyError(f"{self._taken:,} {self._unit} are waiting already: try again later")
            self._taken += amount

    def give(self, amount: int) -> None:
        with self._lock:
            self._taken -= amount
