"""What could not be sent to the tracking store, kept in order until it can be: `.work/outbox`.

Operations are what `Sender` does, as JSON; each may be sent twice with the result of once. An entry has those
of one run: a process that was killed leaves it to the next that goes on with the run, or to whoever sends.
"""

import json
import os
import re
import shutil
import sys
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from filelock import FileLock

from menagerie import paths
from menagerie.files import read_json, remove, whole, write_json
from menagerie.tracking.process import gone, process_tags

Operation = dict[str, Any]

OPERATIONS = "operations.jsonl"
ABOUT = "about.json"
END = "end"  # the operation after which a run has no more
PATIENCE = 120  # seconds to wait for another process that sends


def lock() -> FileLock:
    """Held by the one process that sends from the outbox, or takes up what is there."""
    paths.work().mkdir(parents=True, exist_ok=True)
    return FileLock(paths.work() / "outbox.lock", timeout=PATIENCE, is_singleton=True)


def name_of(uri: str) -> str:
    """A store without its password, and without the folder of a repository that may be moved."""
    bare = re.sub(r"//[^/@]*@", "//", uri)
    return bare.replace(paths.main_repository().as_posix(), ".")


@dataclass(frozen=True)
class Entry:
    """What is kept of one run; `folder` is there from the first operation on until all is sent."""

    folder: Path

    @property
    def store(self) -> str:
        return str(read_json(self.folder / ABOUT)["store"])

    @property
    def free(self) -> bool:
        """Whether no process will add to it: it has its end, or its process is gone."""
        about = read_json(self.folder / ABOUT)
        return gone(about["process"]) or any(one["do"] == END for one in self.operations())

    def belong(self, store: str) -> None:
        """Note that this process adds to it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with whole(self.folder / ABOUT) as part:
            write_json(part, {"store": store, "process": process_tags()})

    def operations(self) -> list[Operation]:
        """In order; a last line cut short by a kill or a full disk is none, and a damaged one is told."""
        try:
            lines = (self.folder / OPERATIONS).read_bytes().split(b"\n")[:-1]
        except FileNotFoundError:
            return []
        found = []
        for number, line in enumerate(lines, 1):
            try:
                found.append(self._found(json.loads(line)))
            except (ValueError, TypeError) as error:
                _warn(f"line {number} of {self.folder / OPERATIONS} is damaged, and lost ({error})")
        return found

    def _found(self, operation: Operation) -> Operation:
        """With the whole path of what it needs."""
        if "path" not in operation:
            return operation
        return operation | {"path": str(self.folder / operation["path"])}

    def add(self, operation: Operation) -> Operation:
        """Keep an operation, with the file or folder that it needs, as that is now; what is kept."""
        if "path" in operation:
            path = Path(operation["path"])
            stored = self.folder / f"{time.time_ns()}" / path.name
            _link(path, stored)
            operation = operation | {"path": stored.relative_to(self.folder).as_posix()}
        file = self.folder / OPERATIONS
        if file.exists() and not file.read_bytes().endswith(b"\n"):  # a line that was cut short
            os.truncate(file, file.read_bytes().rfind(b"\n") + 1)
        with file.open("a", encoding="utf-8") as opened:
            opened.write(json.dumps(operation, ensure_ascii=False) + "\n")
            opened.flush()
            os.fsync(opened.fileno())
        return self._found(operation)

    def remove(self) -> None:
        remove(self.folder)


def entry(uid: str) -> Entry:
    """That of a run, which may not be there yet."""
    known = [one for one in entries() if one.folder.name.endswith(uid)]
    return known[0] if known else Entry(paths.work() / "outbox" / f"{time.time_ns()}-{uid}")


def entries() -> list[Entry]:
    """The oldest first: an evaluation comes after the training that it belongs to."""
    folder = paths.work() / "outbox"
    return [Entry(path) for path in sorted(folder.glob("*-*")) if _is_whole(path / ABOUT)]


def _is_whole(about: Path) -> bool:
    try:
        return {"store", "process"} <= read_json(about).keys()
    except FileNotFoundError:  # it is about to be written
        return False
    except (OSError, ValueError, AttributeError) as error:
        _warn(f"{about} cannot be read, and what lies beside it is not sent ({error})")
        return False


@cache  # what waits is read several times, and said once
def _warn(text: str) -> None:
    print(f"warning: {text}", file=sys.stderr)


def _link(path: Path, target: Path) -> None:
    """A second name for a file, or for each of a folder: outputs are replaced, never written over."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        shutil.copytree(path, target, copy_function=_link_file)
    else:
        _link_file(path, target)


def _link_file(path: str | Path, target: str | Path) -> None:
    try:
        os.link(path, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(path, target)
