"""The bytes of a picture file to pixels of one size."""

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageOps

from menagerie.prepare.manifest import TRUNCATED
from menagerie.prepare.opening import (
    BAND_PIXELS,
    USUAL,
    Opened,
    Reading,
    Rows,
    Stored,
    UnreadableError,
    opened,
)

cv2.ipp.setUseIPP(False)  # it rounds as the processor's kind has it: one picture would have several hashes
cv2.setNumThreads(1)  # pictures are decoded by a process for each core


def decode(
    data: bytes, size: tuple[int, int], resize: str = "stretch", reading: Reading = USUAL
) -> tuple[np.ndarray, Stored]:
    """The first frame of a picture, upright, as (height, width, 3) uint8 RGB of `size`, and as it is stored.

    What is transparent becomes white, as viewers show it. (Keras drops the alpha channel, and so
    shows colours that nobody was meant to see: often black on black.) More than 8 bits are scaled
    to 8. `resize` is `stretch`: bilinear without antialiasing, as
    `keras.utils.image_dataset_from_directory` does it, then rounded. Or `crop`, which keeps the middle, or
    `pad`, with black: both keep the aspect ratio and are bilinear with antialiasing.

    JPEGs are decoded with the accurate integer DCT. TensorFlow's default is the fast one, which differs: by
    1.4 grey levels in the mean on the sign digits, by up to 17. `reading.jpeg` of `fast` gives it to the bit
    before resizing, but for CMYK and the rare subsamplings, which stay as they are. A picture of more
    than `WHOLE_PIXELS` is read at a half, a quarter or an eighth of its sides. What is missing of a
    truncated picture, where it is accepted, is grey or black, and TRUNCATED ends its mode.

    Raises:
        UnreadableError: the file is empty, broken, truncated, too large or no picture.
    """
    if not data:
        raise UnreadableError("empty file")
    try:
        with opened(data, reading) as picture:
            return _sized(picture, size, resize), picture.stored
    except UnreadableError as error:
        if reading.truncated != "accept" or "truncated" not in str(error).lower():
            raise
        with opened(data, reading, forgiving=True) as picture:
            pixels, stored = _sized(picture, size, resize), picture.stored
        if pixels.min() == pixels.max():
            raise  # not even the first pixels were there
        return pixels, stored._replace(mode=stored.mode + TRUNCATED)


def _sized(picture: Opened, size: tuple[int, int], resize: str) -> np.ndarray:
    rows, shape, orientation, _ = picture
    if resize != "stretch":
        fit = {"crop": ImageOps.fit, "pad": ImageOps.pad}[resize]
        upright = _turned(Image.fromarray(rows(0, shape[0])), orientation)
        return np.array(fit(upright, size[::-1], Image.Resampling.BILINEAR))
    pixels = _stretched(rows, shape, *(size if orientation < 5 else size[::-1]))
    if orientation == 1:
        return pixels
    # Turned after resizing: the same pixels for a fraction of the work.
    return np.array(_turned(Image.fromarray(pixels), orientation))


def _stretched(rows: Rows, shape: tuple[int, int], height: int, width: int) -> np.ndarray:
    if shape == (height, width):
        return rows(0, height)
    # Pillow's own bilinear transform has no antialiasing either, but cuts off where it should round.
    step = max(1, BAND_PIXELS // shape[1])
    if shape[0] > step:  # no copy of a large picture as a whole
        bands = (rows(first, min(first + step, shape[0])) for first in range(0, shape[0], step))
        lines = np.concatenate([_linear(band, len(band), width) for band in bands])
    else:
        lines = rows(0, shape[0])
    return cv2.convertScaleAbs(_linear(lines, height, width))  # rounds to the nearest


def _linear(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    # As float32: of uint8 it would take shares of 2,048ths, and round an eighth of the pixels otherwise.
    return cv2.resize(pixels.astype(np.float32, copy=False), (width, height), interpolation=cv2.INTER_LINEAR)


def _turned(picture: Image.Image, orientation: int) -> Image.Image:
    picture.getexif()[ExifTags.Base.Orientation] = orientation
    return ImageOps.exif_transpose(picture)
