"""Weights of a base: ImageNet's as keras.applications publishes them, or those of a file."""

import os
import shutil
import urllib.request
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit

import h5py
import keras

from menagerie import paths
from menagerie.errors import ModelError, WeightsError
from menagerie.files import locked, remove
from menagerie.mirror import named_mirror
from menagerie.params.model import PretrainedModel

SECONDS = 10  # without an answer; Keras by itself would wait for ever

# files


def load_file(spec: PretrainedModel, alone: keras.Model, layers: Sequence[keras.layers.Layer]) -> None:
    """Give `layers`, those of the base within a larger graph, the weights of the file `spec.weights`.

    `alone` is the same base on an input of its own. The file, .weights.h5 or .h5, is one of the whole base
    or of the base cut at `spec.output_layer`. A relative name is looked for in the main repository, its
    last part in the mirror's folder weights.

    Raises:
        WeightsError: there is no such file, or it does not fit the base.
    """
    networks = [alone]
    if spec.output_layer:
        networks.append(keras.Model(alone.input, alone.get_layer(spec.output_layer).output))
    with _file(spec.weights) as (path, place):
        try:
            held = _count_arrays(path)
            # Keras passes over what is left in a file: by its number of arrays a part is told from a whole.
            fitting = [network for network in networks if len(network.weights) == held]
            if not fitting:
                raise ValueError(f"it holds {held} arrays, the base {len(alone.weights)}")
            with warnings.catch_warnings(action="ignore"):  # Keras warns layer by layer, then raises
                fitting[0].load_weights(path)
        except (ValueError, OSError, KeyError) as error:
            part = f" or of its part up to {spec.output_layer}" if spec.output_layer else ""
            why = str(error).partition("\n")[0]
            raise WeightsError(
                f"{place} holds no weights of {spec.base} without its top{part} ({why}); "
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
    mirror, file = named_mirror(), Path(weights).name
    response = _open(mirror, file)
    if response is None:
        raise WeightsError(
            f"there is no weights file {path}, and no {file} in {_weights_folder(mirror)}; "
            "`weights` is random, imagenet, or a file in one of these places"
        )
    with response, TemporaryDirectory() as folder:
        path = Path(folder, file)
        try:
            with path.open("wb") as copy:
                shutil.copyfileobj(response, copy)
        except (OSError, HTTPException) as error:
            raise WeightsError(f"{response.url}: {error}; run again, or mend the mirror") from error
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
    mirror, cache = named_mirror(), Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "models"
    handler, before = _MirrorHandler(mirror), urllib.request._opener
    paths.work().mkdir(parents=True, exist_ok=True)
    # Keras would let two processes write one file.
    with locked(paths.work() / "weights.lock", "another run gets ImageNet weights"):
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
    return (
        f"ImageNet weights of {base}: {file} is neither in Keras's cache {cache} nor in {folder}, and the "
        f"network failed: {error}; get it by hand and put it in $MENAGERIE_MIRROR/weights"
    )


# the mirror


def _weights_folder(mirror: str | None) -> str:
    return f"{mirror.rstrip('/')}/weights" if mirror else "a mirror (MENAGERIE_MIRROR is not set)"


def _open(mirror: str | None, file: str) -> Any:
    """The mirror's file, None when it has none of that name."""
    if mirror is None:
        return None
    address = f"{_weights_folder(mirror)}/{quote(file)}"
    try:
        response = urllib.request.build_opener().open(address, timeout=SECONDS)
    except (URLError, OSError) as error:
        missing = isinstance(error, HTTPError) and error.code in (404, 410)
        if missing or isinstance(getattr(error, "reason", None), FileNotFoundError):
            return None
        raise WeightsError(f"{address}: {error}; mend the mirror, or unset MENAGERIE_MIRROR") from error
    response.code, response.msg = 200, "OK"  # a file has none, and an answer to https: must
    return response


def _name(address: str) -> str:
    return PurePosixPath(urlsplit(address).path).name
