import contextlib
import hashlib
import io
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tarfile
import warnings
import zipfile
from pathlib import Path

import broken_pictures
import numpy as np
import pandas as pd
import pytest
from broken_pictures import HEIGHT, WIDTH, encoded, pixels, png
from PIL import ExifTags, Image, ImageOps

from menagerie.archives import MAX_READ_BYTES, Archive
from menagerie.errors import DataError, ParamsError
from menagerie.files import file_sha256
from menagerie.images import (
    UnreadableError,
    check_readable,
    class_names,
    content_sha256,
    decode,
    find_pictures,
    prepare,
    read_manifest,
    workers,
)

SIZE = (HEIGHT, WIDTH)
SIGN_DIGITS = "Sign-Language-Digits-Dataset-4b09433ef9d5c60602e8805bb54b8aa2428527f8.zip"
CIFAR = "CIFAR-10-images-d7d05618061fe37d830fb0419063d113c575ccbc.zip"


def packed(path, files):
    """An archive of the kind that the suffix says."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in files.items():
                archive.writestr(zipfile.ZipInfo(name), data)
        return path
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def colours(count):
    """Pictures of four classes, each of one colour that tells its number."""
    return {
        f"class {i % 4}/{i:05d}.png": encoded(Image.new("RGB", (8, 8), (i % 256, i // 256, 7)), "PNG")
        for i in range(count)
    }


def prepared(pictures, folder, size=SIZE, max_unreadable=0.0, workers=1):
    """Prepare into `folder`; the array and the manifest."""
    array, manifest = folder / "out" / "images.npy", folder / "out" / "manifest.csv"
    prepare(pictures, size, array, manifest, folder / "work", max_unreadable, workers)
    return np.load(array), read_manifest(manifest)


def hashes(folder):
    return [file_sha256(folder / "out" / name) for name in ("images.npy", "manifest.csv")]


# which members are pictures


TREE = (
    "README.md",
    "stray.png",
    "set/Dataset/dog/b/1.png",
    "set/Dataset/dog/a.WebP",
    "set/Dataset/cat/2.jpg",
    "set/Dataset/cat/10.JPG",
    "set/Dataset/cat/notes.txt",
    "set/Dataset/cat/._2.jpg",
    "set/Dataset/.hidden/1.jpg",
    "__MACOSX/set/Dataset/cat/2.jpg",
    "images/train/cat/1.bmp",
    "images/test/cat/1.tiff",
    "images/test/ant/1.tif",
    "images/test/ant/0.gif",
    "images/test/ant/0.jpeg",
)


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        ("Dataset/{class}", " cat:10.JPG  cat:2.jpg  dog:a.WebP"),
        ("{folder}/{class}/b", "Dataset dog:1.png"),
        (
            "images/{folder}/{class}",
            "test ant:0.gif test ant:0.jpeg test ant:1.tif test cat:1.tiff train cat:1.bmp",
        ),
        ("images/{class}/{folder}", "ant test:0.gif ant test:0.jpeg ant test:1.tif cat test:1.tiff cat train:1.bmp"),
        (
            "{class}",
            " ant:0.gif  ant:0.jpeg  ant:1.tif  b:1.png  cat:1.tiff  cat:1.bmp  cat:10.JPG  cat:2.jpg  dog:a.WebP",
        ),
    ],
)
def test_a_template_is_matched_with_the_folders_right_above_a_picture(tmp_path, folders, expected):
    files = dict.fromkeys(TREE, b"") | {"images/test/bee/b/1.png": b""}
    if not folders.endswith("/b"):
        del files["images/test/bee/b/1.png"]
    else:
        expected += " test bee:1.png"
    found = find_pictures([packed(tmp_path / "a.zip", files)], folders)
    assert " ".join(f"{p.folder} {p.class_name}:{p.path.rpartition('/')[2]}" for p in found) == expected
