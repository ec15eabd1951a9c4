"""`menagerie verify`: the same training, twice, gives the same bytes."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click

from menagerie.errors import MenagerieError

# What outputs may not depend on: each of the two has its own.
SURROUNDINGS = (
    {"PYTHONHASHSEED": "1", "TZ": "UTC", "LC_ALL": "C.UTF-8"},
    {"PYTHONHASHSEED": "2", "TZ": "Pacific/Chatham", "LC_ALL": "C"},
)


@click.command()
@click.option("--model", metavar="NAME", help="A model of params.yaml.  [default: the first]")
@click.option(
    "--epochs", type=click.IntRange(1), help="The most epochs a phase takes.  [default: params.yaml]"
)
def verify(model: str | None, epochs: int | None) -> None:
    """Train and evaluate a model twice, in fresh processes, and compare every byte of what came out.

    The two differ in folder, time zone, locale and hash seed. A third training, with
    compute.deterministic=false, says what it costs that kernels give the same bits each time. Nothing of the
    repository changes.
    """
    from menagerie import paths
    from menagerie.params import load_params

    params = load_params(paths.PARAMS)
    name = model or next(iter(params.models))
    params.model(name)
    dataset = params.dataset.name
    for needed in (paths.images(dataset), paths.split(dataset)):
        if not needed.exists():
            raise MenagerieError(f"{needed} is not there; make it with `dvc repro split`")
    with tempfile.TemporaryDirectory() as place:
        folders = [Path(place, letter) for letter in "ab"]
        for folder, surroundings in zip(folders, SURROUNDINGS, strict=True):
            _set_up(folder, name, epochs, deterministic=True)
            for stage in ("train", "evaluate"):
                _run(folder, stage, name, surroundings)
        compared = _same(*folders, dataset)
        click.echo(f"verify: {compared} files of {name} have the same bytes twice")
        free = Path(place, "free")
        _set_up(free, name, epochs, deterministic=False)
        _run(free, "train", name, SURROUNDINGS[0])
        seconds = min(_fit_seconds(folder, dataset, name) for folder in folders)
        other = _fit_seconds(free, dataset, name)
    click.echo(
        f"verify: fit took {seconds:.1f} s; with compute.deterministic=false {other:.1f} s, "
        f"so determinism costs {seconds / other:.2f} times the time here"
    )


def _set_up(folder: Path, name: str, epochs: int | None, deterministic: bool) -> None:
    """A folder like the repository's root, with its code and data, settings of its own, and no outputs."""
    import yaml

    from menagerie import paths

    settings: dict[str, Any] = yaml.safe_load(paths.PARAMS.read_text(encoding="utf-8"))
    settings["models"] = {name: settings["models"][name]}
    settings["compute"]["deterministic"] = deterministic
    if epochs is not None:
        settings["compute"]["max_epochs"] = epochs
    folder.mkdir()
    (folder / "params.yaml").write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
    for linked in ("src", "data"):
        (folder / linked).symlink_to(Path(linked).resolve(), target_is_directory=True)


def _run(folder: Path, stage: str, name: str, surroundings: dict[str, str]) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DVC_")}
    environment |= surroundings | {"MLFLOW_TRACKING_URI": f"sqlite:///{(folder / 'mlflow.db').as_posix()}"}
    began, said, line = time.monotonic(), [], f"verify: {stage} {name} ..."
    click.echo(line, nl=False)
    with subprocess.Popen(
        [sys.executable, "src", stage, name],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        for told in process.stdout or ():
            said.append(told)
            if told.startswith("Epoch ") and sys.stdout.isatty():
                click.echo(f"\r{line} epoch {told.split()[1]}", nl=False)
    click.echo(f" {time.monotonic() - began:.0f} s")
    if process.returncode:
        ended = "".join(said).strip()[-2000:]
        raise MenagerieError(f"{stage} {name} ended with {process.returncode}:\n{ended}")


def _same(one: Path, other: Path, dataset: str) -> int:
    """The number of files that both have, byte by byte the same.

    Raises:
        MenagerieError: a file differs, or one of them lacks it.
    """
    from menagerie.files import file_sha256

    hashes: list[dict[str, str]] = []
    for root in (one, other):
        outputs = [root / "models" / dataset, root / "metrics" / dataset / "models", root / "plots" / dataset]
        files = [path for folder in outputs for path in sorted(folder.rglob("*")) if path.is_file()]
        hashes.append({path.relative_to(root).as_posix(): file_sha256(path) for path in files})
    for path in hashes[0] | hashes[1]:  # those of the model first: all others are made with it
        first, second = (found.get(path, "not there") for found in hashes)
        if first != second:
            raise MenagerieError(
                f"{path} is not the same twice: SHA-256 {first[:12]} and {second[:12]}. Something in the "
                "model or its training has no seed, or a kernel is not deterministic"
            )
    return len(hashes[0])


def _fit_seconds(folder: Path, dataset: str, name: str) -> float:
    from menagerie import paths
    from menagerie.files import read_json

    return float(read_json(folder / paths.run_record(dataset, name))["fit_seconds"])
