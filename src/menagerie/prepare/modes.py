"""Pixels of any of Pillow's modes to RGB."""

import numpy as np
from PIL import Image

from menagerie.errors import DataError


class UnreadableError(DataError):
    """A file that cannot be decoded; the text is a short reason."""


def white_of(picture: Image.Image) -> int | None:
    """The value of white where pixels have more than 8 bits, else None.

    Of 32-bit pixels no file says what is white: it is the least of the usual values that none exceeds.

    Raises:
        UnreadableError: pixels of no usual range.
    """
    if picture.mode.startswith("I;16"):
        return 65_535
    if picture.mode not in ("I", "F"):
        return None
    low, high = picture.getextrema()
    for white in (255, 65_535) if picture.mode == "I" else (1, 255, 65_535):
        if low >= 0 and high <= white:
            return white
    raise UnreadableError(f"pixels from {low} to {high}: expected 0 to 1, to 255 or to 65,535")


def rgb(picture: Image.Image, white: int | None) -> np.ndarray:
    """(height, width, 3) uint8 of a picture, or of a part of it, whose `white_of` is given.

    Raises:
        UnreadableError: pixels are not numbers.
    """
    if white is not None:
        values = np.asarray(picture, np.float32)
        if np.isnan(values).any():
            raise UnreadableError("pixels that are not numbers")
        grey = np.rint(values * np.float32(255 / white)).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    return np.array(picture if picture.mode == "RGB" else picture.convert("RGB"))
