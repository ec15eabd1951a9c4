"""The archives of a Zenodo record, as the JSON that Zenodo gives of it lists them.

https://developers.zenodo.org/#records. The name, size and MD5 of each file are pinned when a record is
first met; a record that says something else later is refused.
"""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any
from urllib.parse import quote, unquote

from filelock import FileLock
from pydantic import AliasChoices, BaseModel, Field, ValidationError

from menagerie import paths
from menagerie.archives.reading import SUFFIXES
from menagerie.download.remotes import fetch_remotes
from menagerie.download.wire.remote import Remote
from menagerie.download.wire.session import MissingError
from menagerie.errors import DataError, DownloadError, MenagerieError
from menagerie.files import file_sha256, read_json, remove, whole, write_json
from menagerie.params.dataset import ZenodoSource

RECORDS = "https://zenodo.org/api/records"
PAGES = "https://zenodo.org/records"


class _File(BaseModel):
    """A file as the API lists it; for some weeks of October 2023 it said `filename` and a bare MD5."""

    name: str = Field(validation_alias=AliasChoices("key", "filename"))
    size: int = Field(validation_alias=AliasChoices("size", "filesize"), ge=0)
    checksum: Annotated[str, Field(pattern="^(md5:)?[0-9a-fA-F]{32}$")]
    links: dict[str, Any] = {}

    @property
    def md5(self) -> str:
        return self.checksum.removeprefix("md5:").lower()


class _Record(BaseModel):
    id: int
    files: list[_File] = []  # not given where they are not public
    metadata: dict[str, Any] = {}


def fetch(source: ZenodoSource, folder: Path) -> list[dict[str, Any]]:
    """Fetch the record's archives as `zenodo-<record>-<name>`.

    Raises:
        DownloadError: the record or a file cannot be had, or is not what it was at first.
        DataError: the record holds no archive.
    """
    with TemporaryDirectory() as notes:
        _, *archives = remotes(source, Path(notes))
    return fetch_remotes(archives, folder)


def remotes(source: ZenodoSource, folder: Path) -> list[Remote]:
    """The record's JSON, which lies in `folder` then, and its archives."""
    remote = listing(source)
    path = folder / remote.file
    fresh = not path.is_file()
    if fresh:
        _fetch_record(source, remote, folder)
    try:
        record = _read(path, source.record)
        archives = _archives(record)
        _hold_to_pin(record)
    except MenagerieError:
        if fresh:
            remove(path)
        raise
    return [Remote(remote.url, remote.file, sha256=file_sha256(path)), *archives]


def listing(source: ZenodoSource) -> Remote:
    """The record's JSON."""
    return Remote(f"{RECORDS}/{source.record}", f"zenodo-{source.record}.json")


def _fetch_record(source: ZenodoSource, remote: Remote, folder: Path) -> None:
    try:
        fetch_remotes([remote], folder)
    except MissingError as error:
        raise DownloadError(
            f"Zenodo has no record {source.record}, or it was deleted; is dataset.source.record right? "
            f"{error}"
        ) from error


def _read(path: Path, number: int) -> _Record:
    try:
        record = _Record.model_validate_json(path.read_bytes())
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, item['loc']))} {item['msg']}".strip() for item in error.errors()]
        raise DownloadError(
            f"what {RECORDS}/{number} says, or {path.name} in the mirror, cannot be used: "
            f"{'; '.join(lines[:3])}; run again later, or put a right one into the mirror"
        ) from None
    if record.id != number:  # Zenodo leads from the number of all versions to the newest one
        raise DownloadError(
            f"Zenodo record {number} is now record {record.id}, and another one later; choose that "
            f"version for good: -S dataset.source.record={record.id}"
        )
    access = record.metadata.get("access_right", "open")
    if not record.files and access != "open":
        until = f" until {record.metadata['embargo_date']}" if "embargo_date" in record.metadata else ""
        raise DownloadError(
            f"the files of Zenodo record {number} are not public: {access}{until}; "
            f"ask its owners at {PAGES}/{number}, or choose another record"
        )
    return record


def _archives(record: _Record) -> list[Remote]:
    archives = [file for file in record.files if file.name.lower().endswith(SUFFIXES)]
    if not archives:
        there = ", ".join(f"{file.name!r} ({file.size} bytes)" for file in record.files) or "no file"
        raise DataError(
            f"Zenodo record {record.id} holds no archive ({', '.join(SUFFIXES)}), but {there}; "
            "choose another record, or get the pictures by hand and use dataset=folder"
        )
    return [
        # named after the record: `images.zip` of two records would be one file of a mirror
        Remote(_address(record, file), f"zenodo-{record.id}-{file.name}", file.size, file.md5)
        for file in archives
    ]


def _address(record: _Record, file: _File) -> str:
    """Where the bytes are; `links.self` is where the file is described, in some answers."""
    quoted = quote(file.name, safe="")
    link = str(file.links.get("content") or file.links.get("self"))
    if not (link.startswith(("https://", "http://")) and link.endswith("/content")):
        return f"{PAGES}/{record.id}/files/{quoted}?download=1"
    above, last, content = link.rsplit("/", 2)
    return f"{above}/{quoted if file.name in (last, unquote(last)) else last}/{content}"


def _hold_to_pin(record: _Record) -> None:
    """Pin the record's files at first; later, refuse others.

    The pin is kept in the main repository's work folder: DVC removes a stage's outputs before it runs.
    """
    pin = paths.work() / "pins" / f"zenodo-{record.id}.json"
    found = {file.name: {"size": file.size, "md5": file.md5} for file in record.files}
    pin.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(pin.with_suffix(".lock")):
        if not pin.is_file():
            with whole(pin) as path:
                write_json(path, found)
            return
    try:
        changes = _changes(read_json(pin), found)
    except (ValueError, TypeError, AttributeError, KeyError):
        raise DownloadError(f"{pin} is damaged; delete it, and the record is pinned anew") from None
    if changes:
        raise DownloadError(
            f"Zenodo record {record.id} is not what it was: {'; '.join(changes)}; "
            f"delete {pin} to accept what it is now"
        )


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return [
        f"{name!r} was {_described(before.get(name))}, is {_described(now.get(name))}"
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    ]


def _described(file: Mapping[str, Any] | None) -> str:
    return "not there" if file is None else f"{file['size']} bytes with MD5 {file['md5']}"
