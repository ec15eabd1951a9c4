"""Figures as a page embeds them."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from helpers import picture
from menagerie.errors import DataError
from menagerie.report.figures import embedded


def decoded(figure):
    """The picture as a browser would decode it."""
    (data,) = re.fullmatch(r"data:image/webp;base64,(.+)", figure.uri).groups()
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_drawings_keep_their_pixels_photographs_get_120_an_inch_and_all_are_shown_at_96():
    figures = embedded({"drawn": picture(), "photograph": picture(photograph=True)})
    assert [decoded(figure).size for figure in figures.values()] == [(300, 150), (240, 120)]
    assert {(figure.width, figure.height) for figure in figures.values()} == {(192, 96)}


def test_a_drawing_keeps_its_colours():
    shown = decoded(embedded({"drawn": picture()})["drawn"])
    assert shown.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
    assert shown.convert("RGB").getpixel((15, 15)) == (68, 119, 170)


def test_a_photograph_gets_small():
    figure = embedded({"photograph": picture(photograph=True)})["photograph"]
    assert len(figure.uri) < len(picture(photograph=True))


@pytest.mark.parametrize("content", [b"", b"no picture", picture()[:60]], ids=["empty", "text", "cut off"])
def test_what_is_no_whole_png_is_named(content):
    with pytest.raises(DataError, match=r"the figure roc\.png cannot be read: .+; run `dvc repro`"):
        embedded({"roc": content})


def test_a_figure_higher_than_a_webp_can_be_is_shown_smaller():
    file = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (20_000, 20, 3), np.uint8)
    Image.fromarray(noise).save(file, "PNG")
    figure = embedded({"photograph": file.getvalue()})["photograph"]
    assert decoded(figure).size == (16, 16383)
    assert (figure.width, figure.height) == (20, 20_000)
