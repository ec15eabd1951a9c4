"""Writing files and folders so that they appear whole or not at all."""

import hashlib
import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

log = logging.getLogger(__name__)


@contextmanager
def whole(target: Path) -> Iterator[Path]:
    """Give a path beside `target` to write a file or a folder to; rename it to `target` at the end.

    When the block raises, what it wrote is removed and `target` stays as it was. A killed process
    leaves `<target>.part` behind, which DVC and git ignore and the next writer replaces.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    remove(part)
    try:
        yield part
    except BaseException:
        remove(part)
        raise
    if target.is_dir():  # a folder cannot be renamed over one that holds something
        old = target.with_name(target.name + ".old.part")
        remove(old)
        target.rename(old)
        part.rename(target)
        remove(old)
    else:
        part.replace(target)


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """As `whole`, for a folder: the path given exists and is empty."""
    with whole(target) as part:
        part.mkdir()
        yield part


@contextmanager
def locked(path: Path, waiting: str) -> Iterator[None]:
    """Keep other processes out while the block runs; `waiting` is what is said when one is inside already.

    The lock ends with the process, however that ends; the empty file at `path` stays.
    """
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.warning("%s; waiting for that one", waiting)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as JSON in UTF-8, indented, with keys in the order given."""
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
