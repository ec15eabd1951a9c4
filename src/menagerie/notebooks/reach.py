"""Whether what a study needs can be had: on this machine, in the mirror, or from an address that answers."""

from collections.abc import Callable, Iterable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlsplit

import httpx

from menagerie import paths
from menagerie.download import datasets
from menagerie.download.sources import zenodo
from menagerie.download.wire.remote import Remote
from menagerie.errors import MenagerieError
from menagerie.mirror import local_path
from menagerie.models.parts.imagenet import SHELF, weights_file
from menagerie.params.dataset import Dataset, FolderSource, Source, ZenodoSource
from menagerie.params.model import PretrainedModel

SECONDS = 5  # that an address has to answer

Answers = Callable[[str], str | None]  # of an address: None where it answers, else why it does not


class Place(NamedTuple):
    """Whether something can be had, and where; or why not."""

    there: bool
    told: str


@cache
def answers(url: str) -> str | None:
    """None where the address answers, else why it does not. Nothing but the head of the answer is read."""
    host = urlsplit(url).netloc
    try:
        with (
            httpx.Client(timeout=SECONDS, follow_redirects=True) as client,
            client.stream("GET", url) as answer,
        ):
            return None if answer.is_success else f"{host} answers HTTP {answer.status_code}"
    except (httpx.HTTPError, httpx.InvalidURL, ImportError, ValueError, OSError):
        return f"{host} does not answer"  # how it fails differs from system to system


def pictures(dataset: Dataset, mirror: str | None, answers: Answers) -> Place:
    """Where the pictures of a data set are; `mirror` is as named_mirror gives it."""
    source = dataset.source
    if any(path.is_file() for path in paths.raw(dataset.name).rglob("*")):
        return Place(True, "in this folder")
    # Written by each training and removed by nothing, so that DVC has had the pictures.
    if any(paths.run_record(dataset.name, "any").parent.glob("*.json")):
        return Place(True, "in DVC's cache, since they were trained on here")
    if isinstance(source, FolderSource):
        folder = Path(source.path)
        there = folder.exists()
        return Place(there, "in the folder that was named" if there else f"{folder.name} is not there")
    if not datasets.needs_network(source.kind):
        return Place(True, "installed with the program")
    try:
        return _all(_remotes(source, mirror), mirror, answers)
    except MenagerieError as error:
        return Place(False, str(error))


def weights(
    spec: PretrainedModel, image_shape: tuple[int, ...], mirror: str | None, answers: Answers
) -> Place:
    """Where weights are that are neither random nor on this machine already."""
    if spec.weights == "imagenet":
        return _all([weights_file(spec.base, *image_shape[:2], spec.base_settings)], mirror, answers)
    if (paths.main_repository() / spec.weights).is_file():
        return Place(True, "in this folder")
    shelf = f"{SHELF}/{Path(spec.weights).name}"
    why = "MENAGERIE_MIRROR is not set" if mirror is None else _not_at(_in(mirror, shelf), answers)
    return Place(why is None, "in the mirror" if why is None else f"there is no file {spec.weights}: {why}")


def _remotes(source: Source, mirror: str | None) -> list[Remote]:
    """All that a source needs from a network; of a record that nobody listed yet, its list."""
    if not isinstance(source, ZenodoSource):
        return import_module(f"menagerie.download.sources.{source.kind}").remotes(source, Path())
    listing = zenodo.listing(source)
    folder = local_path(mirror) if mirror and mirror.startswith("file:") else None
    return zenodo.remotes(source, folder) if folder and (folder / listing.file).is_file() else [listing]


def _all(remotes: Iterable[Remote], mirror: str | None, answers: Answers) -> Place:
    """Where the last of them is; where one cannot be had, why not."""
    told = ""
    for remote in remotes:
        if mirror and _not_at(_in(mirror, remote.mirrored), answers) is None:
            told = "in the mirror"
        elif why := _not_at(remote.url, answers):
            return Place(False, f"{why}{f', and the mirror has no {remote.mirrored}' if mirror else ''}")
        else:
            told = f"at {urlsplit(remote.url).netloc}, which answers"
    return Place(True, told)


def _in(mirror: str, file: str) -> str:
    return f"{mirror.rstrip('/')}/{quote(file)}"


def _not_at(url: str, answers: Answers) -> str | None:
    if url.startswith("file:"):
        return None if local_path(url).is_file() else f"{local_path(url).name} is not there"
    return answers(url)
