"""Formats that phones write."""

import io

import numpy as np
import pytest
from PIL import Image

from menagerie.prepare.decoding import decode

PIXELS = np.repeat(np.repeat(np.random.default_rng(0).integers(0, 256, (4, 5, 3), np.uint8), 16, 0), 16, 1)


def written(kind):
    content = io.BytesIO()
    Image.fromarray(PIXELS).save(content, kind, quality=95)
    return content.getvalue()


def test_an_avif_is_read():
    pixels, stored = decode(written("AVIF"), (64, 80), "stretch")
    assert (stored.width, stored.height) == (80, 64)
    assert np.abs(pixels.astype(int) - PIXELS).mean() < 6


def test_a_heic_is_read_where_its_extra_is_installed():
    pytest.importorskip("pillow_heif", reason="the extra heic is not installed")
    pixels, stored = decode(written("HEIF"), (64, 80), "stretch")
    assert (stored.width, stored.height) == (80, 64)
    assert np.abs(pixels.astype(int) - PIXELS).mean() < 6
