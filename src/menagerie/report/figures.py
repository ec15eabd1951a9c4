"""Figures inside a page: small, and as large on the screen as they were drawn."""

import base64
import io
from dataclasses import dataclass

from PIL import Image

from menagerie.errors import DataError

DRAWN = 8192  # colours that lines and letters have at most; photographs have more
PHOTOGRAPHS = 120  # pixels an inch that figures with photographs have at most; a page shows 96
WEBP_SIDE = 16383  # pixels, that a WebP has at most


@dataclass(frozen=True)
class Figure:
    """A figure as the page embeds it; width and height in the pixels of a page, 96 an inch."""

    uri: str
    width: int
    height: int


def embedded(found: dict[str, bytes]) -> dict[str, Figure]:
    """Prepare PNGs, by name, to be shown.

    Raises:
        DataError: one is no PNG, or not a whole one.
    """
    figures = {}
    for name, png in found.items():
        try:
            image = Image.open(io.BytesIO(png))
            small = _compressed(image.convert("RGB"), image.info.get("dpi", (96, 96))[0])
        except (OSError, SyntaxError) as error:  # as Pillow tells of what is no PNG, and of a broken one
            raise DataError(f"the figure {name}.png cannot be read: {error}; run `dvc repro`") from error
        inch = image.info.get("dpi", (96, 96))[0]
        width, height = (round(96 * side / inch) for side in image.size)
        uri = f"data:image/webp;base64,{base64.b64encode(small).decode()}"
        figures[name] = Figure(uri, width, height)
    return figures


def _compressed(image: Image.Image, inch: float) -> bytes:
    """A WebP: of a drawing, which looks the same in 256 colours, without loss; of photographs smaller."""
    file = io.BytesIO()
    drawn = bool(image.getcolors(DRAWN))
    if not drawn and inch > PHOTOGRAPHS:
        image.thumbnail([max(1, round(side * PHOTOGRAPHS / inch)) for side in image.size])
    image.thumbnail((WEBP_SIDE, WEBP_SIDE))
    if drawn:
        few = image.quantize(256, Image.Quantize.MAXCOVERAGE).convert("RGB")
        few.save(file, "WEBP", lossless=True, method=3)
    else:
        image.save(file, "WEBP", quality=75, method=4)
    return file.getvalue()
