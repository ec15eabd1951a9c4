"""`menagerie mirror`: all that a data set needs from a network, in one folder."""

from pathlib import Path
from typing import Any

import click

from menagerie.errors import DownloadError, ParamsError, unknown


@click.command()
@click.argument("dataset")
@click.argument("folder", required=False, type=click.Path(file_okay=False, path_type=Path))
def mirror(dataset: str, folder: Path | None) -> None:
    """Fetch all files of DATASET, a name of conf/dataset, into FOLDER, and verify them.

    With MENAGERIE_MIRROR set to FOLDER, the pipeline needs no network. Without FOLDER, the folder that
    MENAGERIE_MIRROR names is filled. What is there and right is not fetched again.
    """
    from menagerie.download import datasets
    from menagerie.params.dataset import Dataset
    from menagerie.params.section import parse

    chosen = parse(Dataset, _composed(dataset), f"conf/dataset/{dataset}.yaml")
    if not datasets.needs_network(chosen.source.kind):
        click.echo(f"{dataset}: nothing to mirror, its pictures do not come over a network")
        return
    folder = folder or _mirror_folder(dataset)
    files = datasets.mirror(chosen, folder)
    click.echo(f"{folder} holds all of {dataset}:")
    for file in files:
        click.echo(f"{file.stat().st_size:>15,} bytes  {file.name}")


def _mirror_folder(dataset: str) -> Path:
    from menagerie.mirror import local_path, named_mirror

    location = named_mirror()
    if location is None or not location.startswith("file:"):
        raise DownloadError(
            f"MENAGERIE_MIRROR is {location or 'not set'}; name the folder to fill: "
            f"menagerie mirror {dataset} FOLDER"
        )
    return local_path(location)


def _composed(name: str) -> dict[str, Any]:
    """A data set as conf/ composes it."""
    from menagerie.params.composing import composed, conf

    known = [path.stem for path in conf().glob("dataset/*.yaml")]
    if name not in known:
        raise ParamsError(unknown("data set", name, known))
    return composed(f"dataset={name}")["dataset"]
