"""The bytes of a picture file to pixels of one size."""

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import cv2
import numpy as np
import simplejpeg
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from menagerie.errors import DataError

KINDS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")  # what a file may hold, whatever its suffix
JPEG_MODES = {"Gray": "L", "YCbCr": "RGB", "RGB": "RGB"}  # simplejpeg's name, Pillow's
TURNED_BY = (b"Exif", b"http://ns.adobe.com/xap/")  # begin the parts of a JPEG that may say how to turn it
BAND_PIXELS = 2**22  # how much of a picture is copied at a time while it is resized

cv2.ipp.setUseIPP(False)  # it rounds as the processor's kind has it: one picture would have several hashes
cv2.setNumThreads(1)  # pictures are decoded by a process for each core

Rows = Callable[[int, int], np.ndarray]  # (height, width, 3) uint8 between two rows of a picture


class UnreadableError(DataError):
    """A file that cannot be decoded; the text is a short reason."""


class Stored(NamedTuple):
    """A picture as its file has it."""

    width: int  # pixels
    height: int
    mode: str  # Pillow's


def decode(data: bytes, size: tuple[int, int], resize: str = "stretch") -> tuple[np.ndarray, Stored]:
    """The first frame of a picture, upright, as (height, width, 3) uint8 RGB of `size`, and as it is stored.

    What is transparent becomes white, as viewers show it. (Keras drops the alpha channel, and so
    shows colours that nobody was meant to see: often black on black.) More than 8 bits are scaled
    to 8. `resize` is `stretch`: bilinear without antialiasing, as
    `keras.utils.image_dataset_from_directory` does it, then rounded; JPEGs may differ by the rounding of
    the decoder. Or `crop`, which keeps the middle, or `pad`, with black: both keep the aspect ratio and are
    bilinear with antialiasing.

    Raises:
        UnreadableError: the file is empty, broken, truncated, too large or no picture.
    """
    if not data:
        raise UnreadableError("empty file")
    if not any(mark in data for mark in TURNED_BY) and (jpeg := _jpeg(data)):
        # Most pictures of most data sets: to open a small one with Pillow takes longer than to decode it.
        pixels, stored = jpeg
        return _sized(lambda first, end: pixels[first:end], stored, 1, size, resize), stored
    with _opened(data) as picture:
        rows = _rows(picture, data)
        orientation = _orientation(picture)  # now: of a TIFF, Pillow turns the pixels as it reads them
        stored = Stored(*picture.size, picture.mode)
        return _sized(rows, stored, orientation, size, resize), stored


def _jpeg(data: bytes) -> tuple[np.ndarray, Stored] | None:
    """A flawless JPEG, not turned: the pixels that Pillow gives, in a third of its time; else None."""
    try:
        height, width, space, _ = simplejpeg.decode_jpeg_header(data)
        if space not in JPEG_MODES or height * width > Image.MAX_IMAGE_PIXELS:
            return None
        return simplejpeg.decode_jpeg(data, "RGB"), Stored(width, height, JPEG_MODES[space])
    except (KeyError, ValueError):
        # No JPEG, a subsampling that it does not know (KeyError), or a flaw: Pillow forgives the
        # harmless ones, and says what the others are.
        return None


@contextmanager
def _opened(data: bytes) -> Iterator[Image.Image]:
    """A picture, its pixels not read yet; what goes wrong here or in the block is an UnreadableError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about harmless flaws
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=KINDS) as picture:
                yield picture
    except (MemoryError, UnreadableError):
        raise
    except UnidentifiedImageError:
        raise UnreadableError(f"none of {', '.join(KINDS)}") from None
    except Exception as error:  # on broken bytes a decoder may raise anything
        text = " ".join(str(error).split())
        raise UnreadableError(f"{type(error).__name__}: {text}"[:200]) from error


def _rows(picture: Image.Image, data: bytes) -> Rows:
    """What gives the rows from `first` to before `end` of the picture as RGB."""
    if picture.format == "JPEG" and (jpeg := _jpeg(data)):
        return lambda first, end: jpeg[0][first:end]
    picture.load()
    white = _white(picture)
    return lambda first, end: _rgb(picture.crop((0, first, picture.width, end)), white)


def _sized(rows: Rows, stored: Stored, orientation: int, size: tuple[int, int], resize: str) -> np.ndarray:
    if resize != "stretch":
        fit = {"crop": ImageOps.fit, "pad": ImageOps.pad}[resize]
        upright = _turned(Image.fromarray(rows(0, stored.height)), orientation)
        return np.array(fit(upright, size[::-1], Image.Resampling.BILINEAR))
    pixels = _stretched(rows, stored, *(size if orientation < 5 else size[::-1]))
    if orientation == 1:
        return pixels
    # Turned after resizing: the same pixels for a fraction of the work.
    return np.array(_turned(Image.fromarray(pixels), orientation))


def _stretched(rows: Rows, stored: Stored, height: int, width: int) -> np.ndarray:
    if (stored.height, stored.width) == (height, width):
        return rows(0, height)
    # Pillow's own bilinear transform has no antialiasing either, but cuts off where it should round.
    step = max(1, BAND_PIXELS // stored.width)
    if stored.height > step:  # no copy of a large picture as a whole
        bands = (rows(first, min(first + step, stored.height)) for first in range(0, stored.height, step))
        lines = np.concatenate([_linear(band, len(band), width) for band in bands])
    else:
        lines = rows(0, stored.height)
    return cv2.convertScaleAbs(_linear(lines, height, width))  # rounds to the nearest


def _linear(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    # As float32: of uint8 it would take shares of 2,048ths, and round an eighth of the pixels otherwise.
    return cv2.resize(pixels.astype(np.float32, copy=False), (width, height), interpolation=cv2.INTER_LINEAR)


def _turned(picture: Image.Image, orientation: int) -> Image.Image:
    picture.getexif()[ExifTags.Base.Orientation] = orientation
    return ImageOps.exif_transpose(picture)


def _orientation(picture: Image.Image) -> int:
    """The EXIF orientation: 1 is upright, 5 to 8 swap height and width."""
    try:
        orientation = picture.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # broken EXIF raises anything, and hides nothing else
        return 1
    return int(orientation) if orientation in range(1, 9) else 1


def _white(picture: Image.Image) -> int | None:
    """The value of white where pixels have more than 8 bits, else None.

    Of 32-bit pixels no file says what is white: it is the least of the usual values that none exceeds.
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


def _rgb(picture: Image.Image, white: int | None) -> np.ndarray:
    """(height, width, 3) uint8."""
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
