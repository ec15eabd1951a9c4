"""CIFAR-10's official binary archive, a tar.gz: no pickle, so nothing in it can run."""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile, ZipInfo

import numpy as np
from PIL import Image

from menagerie.archives.reading import Archive, members
from menagerie.download.remotes import fetch_remotes
from menagerie.download.wire.remote import Remote
from menagerie.errors import DataError
from menagerie.files import file_sha256
from menagerie.params.dataset import CifarBinarySource

# The official order, which is the alphabetical one.
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
RECORD = 1 + 3 * 32 * 32  # bytes: the label, then the planes of red, green and blue


def fetch(source: CifarBinarySource, folder: Path) -> list[dict[str, Any]]:
    """Fetch the archive, hold it to its SHA-256, and write its records as pictures: cifar10.zip.

    Members are `train1/cat/00042.bmp`: the batch as seed 002 names it, the class, and the place in the
    batch, which is the official order (the binary version has no other names).

    Raises:
        DownloadError: the archive cannot be had, or is not the one that was asked for.
        DataError: it does not hold records of CIFAR-10.
    """
    (came,) = fetch_remotes(remotes(source, folder), folder)
    pictures = folder / "cifar10.zip"
    with ZipFile(pictures, "w") as archive:
        for name, content in _pictures(folder / came["file"]):
            archive.writestr(ZipInfo(name), content)
    (folder / came["file"]).unlink()
    made = {"file": pictures.name, "size": pictures.stat().st_size, "sha256": file_sha256(pictures)}
    return [made | {"url": came["url"], "made_from": came}]


def remotes(source: CifarBinarySource, folder: Path) -> list[Remote]:
    return [Remote(source.url, source.file, sha256=source.sha256)]


def _pictures(path: Path) -> Iterator[tuple[str, bytes]]:
    with Archive(path) as archive:
        for member in members(path):
            if batch := re.search(r"(?:data_batch_(\d)|test_batch)\.bin$", member.name):
                folder = f"train{batch[1]}" if batch[1] else "test"
                yield from _records(f"{path.name}: {member.name}", folder, archive.read(member))


def _records(where: str, folder: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    if len(content) % RECORD:
        raise DataError(f"{where} has {len(content)} bytes, no multiple of {RECORD}: it is not CIFAR-10's")
    records = np.frombuffer(content, np.uint8).reshape(-1, RECORD)
    if records[:, 0].max(initial=0) >= len(CLASSES):
        raise DataError(f"{where} has a label of {records[:, 0].max()}; CIFAR-10 has 0 to {len(CLASSES) - 1}")
    for number, record in enumerate(records):
        pixels = record[1:].reshape(3, 32, 32).transpose(1, 2, 0)
        written = io.BytesIO()
        Image.fromarray(pixels).save(written, "BMP")  # the same bytes whatever compresses
        yield f"{folder}/{CLASSES[record[0]]}/{number:05d}.bmp", written.getvalue()
