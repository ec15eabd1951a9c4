"""`menagerie mend`: what is damaged of the outputs is taken away, so that DVC makes it anew."""

import re
import subprocess
from pathlib import Path

import click

from menagerie.errors import MenagerieError


@click.command()
def mend() -> None:
    """Compare DVC's cache and the outputs here with their hashes, and take away what is damaged.

    DVC trusts its cache: a file that a disk damaged there comes back at each `dvc repro`. Damaged files of
    the cache are removed, and outputs that are not as dvc.lock says are marked as changed. Then `dvc repro`
    makes them anew, or `dvc pull` fetches them, where there is a remote.
    """
    from menagerie import paths
    from menagerie.inputs import noted

    if not paths.PIPELINE.exists():  # or nothing would be found, and be called undamaged
        raise MenagerieError(f"{paths.PIPELINE} is not in {Path.cwd()}; run from the root of the repository")
    cache = _cache() / "files" / "md5"
    damaged = [path for path in sorted(cache.glob("??/*")) if path.is_file() and _is_damaged(path)]
    for path in damaged:
        path.unlink()
        click.echo(f"removed {path}, which was damaged")
    changed = _changed_outputs()
    for output in changed:
        click.echo(f"{output} is not as dvc.lock says")
    if damaged or changed:
        click.echo("now: dvc repro, or where there is a remote: dvc pull")
    elif not any(Path(output).exists() for output in noted()):
        click.echo("nothing is damaged: no output of dvc.lock is here yet; dvc repro makes them")
    else:
        click.echo("nothing is damaged: DVC's cache and the outputs are as they were written")


def _cache() -> Path:
    told = subprocess.run(["dvc", "cache", "dir"], capture_output=True, text=True, check=False)
    if told.returncode:
        raise MenagerieError(f"DVC does not say where its cache is: {told.stderr.strip()}")
    return Path(told.stdout.strip())


def _is_damaged(path: Path) -> bool:
    """A file of the cache is named by its MD5: two digits for the folder, the others for the file.

    Other names are those of files that a DVC at work has not copied to their end.
    """
    from menagerie.inputs import file_md5

    if not re.fullmatch(r"[0-9a-f]{30}(\.dir)?", path.name):
        return False
    return file_md5(path) != path.parent.name + path.name.removesuffix(".dir")


def _changed_outputs() -> list[str]:
    """Outputs that are not as dvc.lock says. DVC goes by their time: a new one has it look again."""
    from menagerie.inputs import file_md5, files_of, noted, noted_as

    changed = []
    for output, expected in noted().items():
        md5s = {path: file_md5(path) for path in files_of(Path(output))}
        if noted_as(Path(output), md5s) in (expected, None):
            continue
        changed.append(output)
        for path in md5s:
            path.touch()
    return changed
