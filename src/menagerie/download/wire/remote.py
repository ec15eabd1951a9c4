"""What to fetch, what came, and whether that is the same."""

import hashlib
import re
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from menagerie.errors import DownloadError

HASHED_AT_ONCE = 1 << 18  # bytes; to hand over fewer takes longer than to hash them
MOST_HELD = 4 * HASHED_AT_ONCE  # waiting to be hashed; more would not stay in the processor's cache
HEX_DIGITS = {"md5": 32, "sha256": 64}


@dataclass(frozen=True)
class Remote:
    """A file to fetch and the name to store it under; None is what the publisher does not say.

    `shelf` is the folder of a mirror that holds it, where that is not the mirror itself.

    Raises:
        DownloadError: the name is no plain file name, the address is none of http, https and file,
            or a hash is not one.
    """

    url: str
    file: str
    size: int | None = None  # bytes
    md5: str | None = None  # hexadecimal, as is sha256
    sha256: str | None = None
    shelf: str = ""

    def __post_init__(self) -> None:
        plain = {PurePosixPath(self.file).name, PureWindowsPath(self.file).name} == {self.file}
        if not plain or self.file in ("", "..") or not self.file.isprintable():
            raise DownloadError(
                f"{self.file!r} is no plain file name; give one without folders, like data.zip"
            )
        if not re.match(r"https?://[^/?#]|file:/", self.url):
            raise DownloadError(
                f"{self.url!r} is no address; give one that starts with https:, http: or file:"
            )
        for kind, digits in HEX_DIGITS.items():
            value = getattr(self, kind)
            if value is not None and not re.fullmatch(f"[0-9a-fA-F]{{{digits}}}", value):
                raise DownloadError(f"{self.file}: {value!r} is no {kind}; give {digits} hexadecimal digits")

    @property
    def mirrored(self) -> str:
        """Its path in a mirror."""
        return f"{self.shelf}/{self.file}" if self.shelf else self.file

    @property
    def pinned(self) -> bool:
        """Whether the publisher gave a hash."""
        return bool(self.md5 or self.sha256)

    @property
    def key(self) -> str:
        """A file name that no other remote has."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Fetched:
    """A file that is there, and the hashes of its bytes."""

    path: Path
    size: int  # bytes
    sha256: str
    md5: str | None  # None where nobody said one
    url: str | None  # that it came from; None when it was there already


class Digests:
    """Hashes of bytes that come in blocks, and the number of those bytes.

    Each hash has a thread of its own, so that the next block is read and written meanwhile.
    """

    def __init__(self, md5: bool) -> None:
        # md5 guards against damage here, not against an attacker: FIPS builds must allow it
        kinds = ["sha256", "md5"] if md5 else ["sha256"]
        self._running = {kind: hashlib.new(kind, usedforsecurity=False) for kind in kinds}
        self._threads = {kind: ThreadPoolExecutor(1) for kind in kinds}  # one: the blocks are hashed in order
        self._gathered = bytearray()
        self._waiting: deque[tuple[int, list[Future[None]]]] = deque()
        self._held = 0  # bytes that wait
        self.size = 0

    def update(self, block: bytes) -> None:
        self._gathered += block
        self.size += len(block)
        if len(self._gathered) >= HASHED_AT_ONCE:
            self._hand_over()
            self._wait(MOST_HELD)

    def _hand_over(self) -> None:
        data, self._gathered = self._gathered, bytearray()
        self._held += len(data)
        self._waiting.append(
            (len(data), [self._threads[kind].submit(of.update, data) for kind, of in self._running.items()])
        )

    def _wait(self, most: int) -> None:
        """Wait until no more than `most` bytes are held."""
        while self._held > most:
            size, hashing = self._waiting.popleft()
            for future in hashing:
                future.result()
            self._held -= size

    def hex(self) -> Mapping[str, str]:
        if self._gathered:
            self._hand_over()
        self._wait(0)
        return {kind: digest.hexdigest() for kind, digest in self._running.items()}


def mismatch(remote: Remote, digests: Digests, announced_md5: str | None = None) -> str | None:
    """`expected md5 12.., got ab..`, or None when nothing differs from what was expected."""
    found = digests.hex()
    checks = (
        ("size", remote.size, digests.size),
        ("sha256", remote.sha256, found.get("sha256")),
        ("md5", remote.md5, found.get("md5")),
        ("md5 (announced by the server)", announced_md5, found.get("md5")),
    )
    for kind, expected, got in checks:
        if expected is not None and str(expected).lower() != str(got):
            return f"expected {kind} {expected}, got {got}"
    return None
