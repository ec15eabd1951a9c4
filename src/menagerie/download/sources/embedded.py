"""Handwritten digits that come with scikit-learn: 1,797 pictures of 8x8 pixels, no network needed."""

import io
from pathlib import Path
from typing import Any
from zipfile import ZipFile, ZipInfo

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from menagerie.files import file_sha256
from menagerie.params.dataset import EmbeddedSource


def fetch(source: EmbeddedSource, folder: Path) -> list[dict[str, Any]]:
    """Write digits.zip: PNG files `<digit>/<number>.png`, grey, scikit-learn's 0..16 spread over 0..255."""
    digits = load_digits()
    pixels = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    path = folder / "digits.zip"
    with ZipFile(path, "w") as archive:
        for number, (picture, digit) in enumerate(zip(pixels, digits.target, strict=True)):
            content = io.BytesIO()
            Image.fromarray(picture).save(content, "PNG")
            archive.writestr(ZipInfo(f"{digit}/{number:04d}.png"), content.getvalue())
    return [
        {
            "file": path.name,
            "size": path.stat().st_size,
            "sha256": file_sha256(path),
            "url": "sklearn.datasets.load_digits",
        }
    ]
