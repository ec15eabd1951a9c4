"""One remote on its way: already there, copied from a folder, or fetched over the wire."""

import os
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from menagerie.download.wire.http import Wire
from menagerie.download.wire.part import Part, blocks, disk_errors
from menagerie.download.wire.remote import Digests, Fetched, Remote, mismatch
from menagerie.download.wire.session import MissingError, Session
from menagerie.errors import DownloadError
from menagerie.files import whole
from menagerie.mirror import local_path


class Transfer:
    """Brings one remote to `folder`: `run` in any thread, then `publish`."""

    def __init__(self, remote: Remote, folder: Path, work: Path, session: Session) -> None:
        self.remote = remote
        self.target = folder / remote.file
        self.session = session
        self.part = Part(work / f"{remote.key}.part", remote.md5 is not None)
        self.part.total = remote.size
        self.local: Digests | None = None  # of a file that is in its place without the wire
        self.url: str | None = None  # that the bytes came from

    @property
    def total(self) -> int | None:
        return self.part.total

    @property
    def kept(self) -> int:
        return self.part.kept

    @property
    def got(self) -> int:
        return (self.local or self.part).size

    def run(self) -> None:
        with disk_errors(self.target, lambda: self.total):
            if self._is_there():
                return
            if self.session.mirror:
                address = f"{self.session.mirror.rstrip('/')}/{quote(self.remote.mirrored)}"
                with suppress(MissingError):
                    return self._get(address, "mend or remove it there, or unset MENAGERIE_MIRROR")
            self._get(
                self.remote.url,
                f"if it stays so, get the file by hand, put it as {self.remote.mirrored!r} in a folder "
                "and set MENAGERIE_MIRROR to that folder",
            )

    def publish(self) -> Fetched:
        digests = self.local or self.part.digests
        if self.local is None:
            with disk_errors(self.target, lambda: self.total):
                self.part.move(self.target)
        found = digests.hex()
        return Fetched(self.target, digests.size, found["sha256"], found.get("md5"), self.url)

    def _is_there(self) -> bool:
        """Whether the target exists and a hash proves it."""
        if not (self.remote.pinned and self.target.is_file()):
            return False
        digests = self._digests()
        with self.target.open("rb") as file:
            for block in blocks(file):
                digests.update(block)
        if mismatch(self.remote, digests):
            return False
        self.local = digests
        return True

    def _get(self, url: str, fix: str) -> None:
        if url.startswith("file:"):
            self._copy(local_path(url), fix)
        else:
            Wire(url, fix, self.remote, self.part, self.session).fill()
        self.url = url

    def _copy(self, source: Path, fix: str) -> None:
        """Copy a local file: read once, hashed while it is written."""
        try:
            reader = source.open("rb")
        except FileNotFoundError:
            raise MissingError(f"{source} is not there; {fix}") from None
        with reader, whole(self.target) as beside, beside.open("wb") as writer:
            self.part.total = os.fstat(reader.fileno()).st_size
            self.local = self._digests()
            for block in blocks(reader):
                self.session.check()
                self.local.update(block)
                writer.write(block)
            if wrong := mismatch(self.remote, self.local):
                raise DownloadError(f"{source}: {wrong}; {fix}")
            writer.flush()
            os.fsync(writer.fileno())

    def _digests(self) -> Digests:
        return Digests(self.remote.md5 is not None)
