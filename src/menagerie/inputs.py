"""A stage runs on what DVC will note of it: settings, code and data that are right and stay what they are.

DVC notes what a stage depends on when the stage has ended, and brings the result back when the same is asked
for again. So what changes while a stage runs would be noted, and given out, as what the result was made of.
And DVC takes files from its cache without looking into them.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from menagerie import paths
from menagerie.errors import DataError, ParamsError
from menagerie.params import load_params

Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where it was compiled


@dataclass(frozen=True)
class File:
    """What a file holds, and by what it is told at once that nobody wrote to it since."""

    stamp: tuple[int, int, int]
    md5: str

    @classmethod
    def at(cls, path: Path) -> "File":
        return cls(stamp(path), file_md5(path))


@contextmanager
def held(address: str) -> Iterator[None]:
    """Run the stage that DVC calls `address`, such as `train@cnn`, on what DVC will say that it ran on.

    Raises:
        DataError: data is not what dvc.lock says, or code or data changed while the block ran.
        ParamsError: a setting that the stage reads did.
    """
    stage, _, key = address.partition("@")
    values = load_params(paths.PARAMS).model_dump()
    stages = yaml.load(paths.PIPELINE.read_text(encoding="utf-8"), Loader)["stages"]
    definition = stages[stage].get("do", stages[stage])
    settings = {
        name: _at(values, name) for name in (_filled(one, values, key) for one in definition["params"])
    }
    depends_on = [_filled(one, values, key) for one in definition["deps"]]
    files = {path: File.at(path) for one in depends_on for path in files_of(Path(one))}
    _check_noted(depends_on, {path: file.md5 for path, file in files.items()})
    yield
    after = load_params(paths.PARAMS).model_dump()
    for name, value in settings.items():
        if (now := _at(after, name)) != value:
            raise ParamsError(
                f"{paths.PARAMS} changed while {address} ran: {_difference(name, value, now)}. DVC would "
                "take the result for one of the new settings, so it is not kept. Somebody edited it or began "
                "another `dvc exp run` in this folder: run one after another, or queue them with "
                "`dvc exp run --queue` and `dvc queue start`"
            )
    for path, file in files.items():
        if not path.exists() or (stamp(path) != file.stamp and file_md5(path) != file.md5):
            raise DataError(
                f"{path} changed while {address} ran. DVC would take the result for that of the new file, so "
                "it is not kept: run again"
            )


def _filled(text: str, values: dict[str, Any], key: str) -> str:
    """A line of dvc.yaml with the settings that it names put in, as DVC does it."""

    def value(found: re.Match[str]) -> str:
        name = re.sub(r"^item\.", f"models.{key}.", found[1])
        return key if name == "key" else str(_at(values, name))

    return re.sub(r"\$\{([^}]+)\}", value, text)


def _at(values: dict[str, Any], name: str) -> Any:
    """The value of `models.cnn.arch`; None where there is none."""
    found: Any = values
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _difference(name: str, before: Any, after: Any) -> str:
    """The first setting below `name` that differs."""
    if isinstance(before, dict) and isinstance(after, dict):
        key = next(key for key in before | after if before.get(key) != after.get(key))
        return _difference(f"{name}.{key}", before.get(key), after.get(key))
    was, is_now = ("set" if isinstance(value, dict) else value for value in (before, after))
    return f"{name} was {was} and is {is_now}"


def noted() -> dict[str, str]:
    """The MD5 by path of every output that dvc.lock names; that of a folder ends with .dir."""
    if not paths.LOCK.exists():
        return {}
    lock = yaml.load(paths.LOCK.read_text(encoding="utf-8"), Loader) or {}
    outputs = [out for stage in lock.get("stages", {}).values() for out in stage.get("outs", [])]
    return {out["path"]: out["md5"] for out in outputs if out.get("hash") == "md5"}


def _check_noted(depends_on: list[str], md5s: dict[Path, str]) -> None:
    for output, expected in noted().items():
        if not any(output == one or output.startswith(f"{one}/") for one in depends_on):
            continue
        found = noted_as(Path(output), md5s)
        if found not in (expected, None):
            raise DataError(
                f"{output} is not what dvc.lock says (MD5 {found}, expected {expected}): its copy in DVC's "
                "cache is damaged, or it was changed and its stage did not run. `menagerie mend` takes away "
                "what is damaged; then `dvc repro` makes it anew"
            )


def noted_as(output: Path, md5s: dict[Path, str]) -> str | None:
    """What DVC notes of a file or a folder whose files have these MD5; None where it is not there."""
    if output in md5s:
        return md5s[output]
    inside = sorted(
        (path.relative_to(output).as_posix(), md5) for path, md5 in md5s.items() if output in path.parents
    )
    if not inside:
        return None
    listed = json.dumps([{"md5": md5, "relpath": path} for path, md5 in inside], sort_keys=True)
    return hashlib.md5(listed.encode(), usedforsecurity=False).hexdigest() + ".dir"


def files_of(path: Path) -> list[Path]:
    """A file, or all those of a folder that DVC hashes: .dvcignore names the others."""
    if not path.is_dir():
        return [path] if path.exists() else []
    found = [one for one in path.rglob("*") if one.is_file() and "__pycache__" not in one.parts]
    return [one for one in found if one.suffix not in (".pyc", ".pyo", ".part")]


def stamp(path: Path) -> tuple[int, int, int]:
    about = path.stat()
    return about.st_ino, about.st_size, about.st_mtime_ns


def file_md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
