"""Weights of a base: ImageNet's as keras.applications publishes them, or those of a file."""

import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

import h5py
import keras

from menagerie import paths
from menagerie.download.wire.fetching import fetch
from menagerie.download.wire.remote import Remote
from menagerie.download.wire.session import MissingError
from menagerie.errors import DownloadError, WeightsError
from menagerie.files import locked, remove
from menagerie.mirror import local_path, named_mirror
from menagerie.models.parts.imagenet import SHELF, weights_argument, weights_file
from menagerie.params.model import PretrainedModel

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
    mirror, name = named_mirror(), Path(weights).name
    missing = WeightsError(
        f"there is no weights file {path}, and no {name} in {_shelf(mirror)}; "
        "`weights` is random, imagenet, or a file in one of these places"
    )
    if mirror is None:
        raise missing
    address = f"{_shelf(mirror)}/{quote(name)}"
    if address.startswith("file:"):
        path = local_path(address)
        if not path.is_file():
            raise missing
        yield path, path
        return
    with TemporaryDirectory() as folder:
        try:
            (found,) = fetch([Remote(address, name, shelf=SHELF)], Path(folder), _downloads(), None)
        except MissingError:
            raise missing from None
        except DownloadError as error:
            raise WeightsError(str(error)) from error
        yield found.path, address


def _count_arrays(path: Path) -> int:
    found = []
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
    return len(found)


# ImageNet


def imagenet(
    base: str, settings: Mapping[str, Any], image_shape: Sequence[int], build: Callable[[str], keras.Model]
) -> keras.Model:
    """The base that `build` gives of what keras.applications takes as `weights`: a file, or "imagenet".

    `image_shape` is (height, width, channels). The file comes from Keras's cache, else from the mirror or
    the network into that cache.

    Raises:
        WeightsError: it cannot be had, or is damaged; the message names the file and the places.
        ParamsError: with these settings the base has none.
    """
    paths.work().mkdir(parents=True, exist_ok=True)
    with locked(paths.work() / "weights.lock", "another run gets ImageNet weights"):
        path, url = imagenet_file(base, settings, image_shape)
        try:
            return build(weights_argument(base, str(path)))
        except (ValueError, OSError, KeyError) as error:  # a file without a known hash
            if url is None:
                place, fix = path, "remove the damaged file in Keras's cache, and run again"
            else:
                place, fix = url, "mend or remove it there"
                remove(path)  # it would be trusted from now on
            why = str(error).partition("\n")[0]
            raise WeightsError(f"{place} holds no ImageNet weights of {base} ({why}); {fix}") from error


def imagenet_file(
    base: str,
    settings: Mapping[str, Any],
    image_shape: Sequence[int],
    sleep: Callable[[float], object] | None = None,
) -> tuple[Path, str | None]:
    """The file in Keras's cache, and the address that it came from now; None when it was there.

    What is there is trusted where its hash is right or none is known. `sleep` as in `fetch`.

    Raises:
        WeightsError: it cannot be had; the message names the file and the places.
    """
    remote, mirror, cache = weights_file(base, *image_shape[:2], settings), named_mirror(), _cache()
    if (cache / remote.file).is_file() and not remote.pinned:
        return cache / remote.file, None
    try:
        (found,) = fetch([remote], cache, _downloads(), mirror, sleep=sleep)
    except DownloadError as error:
        raise WeightsError(
            f"ImageNet weights of {base}: {remote.file} is looked for in Keras's cache {cache}, then in "
            f"{_shelf(mirror)}, then on the network; {error}"
        ) from error
    return found.path, found.url


def at_hand(base: str, settings: Mapping[str, Any], image_shape: Sequence[int]) -> bool:
    """Whether the file is in Keras's cache or in the mirror's folder; nothing is asked of a network."""
    file, mirror = weights_file(base, *image_shape[:2], settings).file, named_mirror()
    folders = [_cache()]
    if mirror and mirror.startswith("file:"):
        folders.append(local_path(_shelf(mirror)))
    return any((folder / file).is_file() for folder in folders)


# places


def _cache() -> Path:
    return Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "models"


def _shelf(mirror: str | None) -> str:
    return f"{mirror.rstrip('/')}/{SHELF}" if mirror else "a mirror (MENAGERIE_MIRROR is not set)"


def _downloads() -> Path:
    return paths.work() / "downloads"
