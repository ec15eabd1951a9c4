"""Weights of a base: ImageNet's as keras.applications publishes them, or those of a file."""

import os
import shutil
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit

import h5py
import keras
from filelock import FileLock

from menagerie import paths
from menagerie.download import mirror_location
from menagerie.errors import ModelError, WeightsError
from menagerie.files import remove

SECONDS = 10  # without an answer; Keras by itself would wait for ever

# files


def load_file(
    alone: keras.Model, weights: str, layers: Sequence[keras.layers.Layer], output_layer: str | None
) -> None:
    """Give `layers`, those of a base within a larger graph, the weights of a file.

    `alone` is the same base on an input of its own. The file, .weights.h5 or .h5, is one of the whole base
    or of the base cut at `output_layer`. A relative name is looked for in the main repository, its last
    part in the mirror's folder weights.

    Raises:
        WeightsError: there is no such file, or it does not fit the base.
    """
    networks = [alone]
    if output_layer:
        networks.append(keras.Model(alone.input, alone.get_layer(output_layer).output))
    with _file(weights) as (path, place):
        try:
            held = _count_arrays(path)
            # Keras passes over what is left in a file: by its number of arrays a part is told from a whole.
            fitting = [network for network in networks if len(network.weights) == held]
            if not fitting:
                raise ValueError(f"it holds {held} arrays, the base {len(alone.weights)}")
            fitting[0].load_weights(path)
        except (ValueError, OSError, KeyError) as error:
            part = f" or of that base up to {output_layer}" if output_layer else ""
            raise WeightsError(
                f"{place} is no file of weights of {alone.name} without its top{part} ({error}); "
                "correct `base`, `output_layer` or `weights`"
            ) from error
    for layer, loaded in zip(layers, alone.layers[1:], strict=True):
        layer.set_weights(loaded.get_weights())


@contextmanager
def _file(weights: str) -> Iterator[tuple[Path, object]]:
    """The file, and the place that it came from."""
    path = paths.main_repository() / weights
    if path.is_file():
        yield path, path
        return
    mirror, file = _mirror(), Path(weights).name
    response = _open(mirror, file)
    if response is None:
        looked = f"{path} or {_weights_folder(mirror)}" if mirror else f"{path} (MENAGERIE_MIRROR is not set)"
        raise WeightsError(
            f"there is no weights file {looked}; `weights` is random, imagenet, "
            "or a file in the main repository or in $MENAGERIE_MIRROR/weights"
        )
    with response, TemporaryDirectory() as folder:
        path = Path(folder, file)
        with path.open("wb") as copy:
            shutil.copyfileobj(response, copy)
        yield path, response.url


def _count_arrays(path: Path) -> int:
    found = []
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
    return len(found)


# ImageNet


def imagenet(base: str, build: Callable[[], keras.Model]) -> keras.Model:
    """What `build` gives, whose ImageNet weights Keras gets from its cache, the mirror or the network.

    Raises:
        WeightsError: they cannot be had, or what came is damaged; the message names the file and the places.
    """
    mirror, cache = _mirror(), Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "models"
    handler, before = _MirrorHandler(mirror), urllib.request._opener
    paths.work().mkdir(parents=True, exist_ok=True)
    with FileLock(paths.work() / "weights.lock"):  # Keras would let two processes write one file
        cached = set(cache.glob("*"))
        urllib.request.install_opener(urllib.request.build_opener(handler))
        try:
            return build()
        except ModelError:
            raise
        except Exception as error:  # Keras raises nothing more special when a download fails
            if handler.asked:
                for damaged in set(cache.glob("*")) - cached:  # Keras would trust it from now on
                    remove(damaged)
            raise WeightsError(_why(base, cache, handler, error)) from error
        finally:
            urllib.request.install_opener(before)


class _MirrorHandler(urllib.request.BaseHandler):
    """Answers requests for the files that the mirror has; bounds the wait for an answer to the others."""

    handler_order = 50  # before those of proxies (100) and of the network (500)

    def __init__(self, mirror: str | None) -> None:
        self.mirror = mirror
        self.asked = ""  # the address that Keras wants
        self.answered = False

    def https_open(self, request: urllib.request.Request) -> Any:
        self.asked = self.asked or request.full_url
        request.timeout = SECONDS
        response = _open(self.mirror, _name(request.full_url))
        self.answered = response is not None
        return response


def _why(base: str, cache: Path, handler: _MirrorHandler, error: Exception) -> str:
    file, folder = _name(handler.asked), _weights_folder(handler.mirror)
    if not handler.asked:
        return f"ImageNet weights of {base} in Keras's cache {cache}: {error}; remove the damaged file there"
    if handler.answered:
        return f"{folder}/{file}: {error}; mend or remove it, or unset MENAGERIE_MIRROR"
    places = f"{cache} nor in {folder}" if handler.mirror else f"{cache} nor in a mirror (none is set)"
    return (
        f"ImageNet weights of {base}: {file} is neither in Keras's cache {places}, and the network failed: "
        f"{error}; get it by hand, put it in $MENAGERIE_MIRROR/weights, and run again"
    )


# the mirror


def _mirror() -> str | None:
    return mirror_location(os.environ.get("MENAGERIE_MIRROR"), paths.main_repository())


def _weights_folder(mirror: str | None) -> str:
    return f"{(mirror or '').rstrip('/')}/weights"


def _open(mirror: str | None, file: str) -> Any:
    """The mirror's file, None when it has none of that name."""
    if mirror is None:
        return None
    address = f"{_weights_folder(mirror)}/{quote(file)}"
    try:
        return urllib.request.build_opener().open(address, timeout=SECONDS)
    except (URLError, OSError) as error:
        missing = isinstance(error, HTTPError) and error.code in (404, 410)
        if missing or isinstance(getattr(error, "reason", None), FileNotFoundError):
            return None
        raise WeightsError(f"{address}: {error}; mend the mirror, or unset MENAGERIE_MIRROR") from error


def _name(address: str) -> str:
    return PurePosixPath(urlsplit(address).path).name
