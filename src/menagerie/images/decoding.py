"""The bytes of a picture file to pixels of one size."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from menagerie.errors import DataError

KINDS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")  # what a file may hold, whatever its suffix
PIECE_ROWS = (
    32  # of a resized picture, which stay in the processor's cache: four times faster than all at once
)
BAND_PIXELS = 2**22  # how much of a picture is copied at a time while it is resized


class UnreadableError(DataError):
    """A file that cannot be decoded; the text is a short reason."""


def decode(data: bytes, size: tuple[int, int], resize: str = "stretch") -> np.ndarray:
    """The first frame of a picture, upright, as (height, width, 3) uint8 RGB of `size`.

    What is transparent becomes white, as viewers show it. (Keras drops the alpha channel, and so
    shows colours that nobody was meant to see: often black on black.) More than 8 bits are scaled
    to 8. `resize` is `stretch`: bilinear without antialiasing, as
    `keras.utils.image_dataset_from_directory` does it, then rounded; JPEGs may differ by the rounding of
    the decoder. Or `crop`, which keeps the middle, or `pad`, with black: both keep the aspect ratio and are
    bilinear with antialiasing.

    Raises:
        UnreadableError: the file is empty, broken, truncated, too large or no picture.
    """
    with opened(data) as picture:
        return pixels_of(picture, size, resize)


@contextmanager
def opened(data: bytes) -> Iterator[Image.Image]:
    """A picture with its pixels loaded; what goes wrong then or in the block is an UnreadableError."""
    if not data:
        raise UnreadableError("empty file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about harmless flaws
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=KINDS) as picture:
                picture.load()
                yield picture
    except (MemoryError, UnreadableError):
        raise
    except UnidentifiedImageError:
        raise UnreadableError(f"none of {', '.join(KINDS)}") from None
    except Exception as error:  # on broken bytes a decoder may raise anything
        text = " ".join(str(error).split())
        raise UnreadableError(f"{type(error).__name__}: {text}"[:200]) from error


def pixels_of(picture: Image.Image, size: tuple[int, int], resize: str) -> np.ndarray:
    """As `decode`, of a picture that is open."""
    orientation = _orientation(picture)
    if resize != "stretch":
        fit = {"crop": ImageOps.fit, "pad": ImageOps.pad}[resize]
        upright = _turned(Image.fromarray(_rgb(picture, _white(picture))), orientation)
        return np.array(fit(upright, size[::-1], Image.Resampling.BILINEAR))
    height, width = size if orientation < 5 else size[::-1]
    pixels = _resized(picture, height, width)
    if orientation == 1:
        return pixels
    # Turned after resizing: the same pixels for a fraction of the work.
    return np.array(_turned(Image.fromarray(pixels), orientation))


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


def _resized(picture: Image.Image, height: int, width: int) -> np.ndarray:
    white = _white(picture)
    if picture.size == (width, height):
        return _rgb(picture, white)
    # Pillow's own bilinear transform has no antialiasing either, but cuts off where it should round.
    above, below, down = _neighbours(picture.height, height)
    left, right, across = _neighbours(picture.width, width)
    resized = np.empty((height, width, 3), np.uint8)
    bands = 1 + picture.width * picture.height // BAND_PIXELS  # no copy of a large picture as a whole
    for rows in np.array_split(np.arange(height), min(bands, height)):
        first, last = above[rows[0]], below[rows[-1]]
        band = _rgb(picture.crop((0, first, picture.width, last + 1)), white)
        flat = band.reshape(len(band), -1)
        for piece in np.array_split(rows, -(-len(rows) // PIECE_ROWS)):
            lines = _blend(flat, above[piece] - first, below[piece] - first, down[piece, None], axis=0)
            lines = lines.reshape(len(piece), -1, 3)
            resized[piece] = np.rint(_blend(lines, left, right, across[:, None], axis=1))
    return resized


def _blend(
    pixels: np.ndarray, before: np.ndarray, after: np.ndarray, share: np.ndarray, axis: int
) -> np.ndarray:
    blended = pixels.take(before, axis).astype(np.float32)
    others = pixels.take(after, axis) - blended
    others *= share
    blended += others
    return blended


def _neighbours(source: int, target: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each target pixel the source pixels before and after its centre, and the share of the latter."""
    centre = (np.arange(target, dtype=np.float32) + 0.5) * np.float32(source / target) - 0.5
    centre = np.maximum(centre, 0)
    before = np.minimum(centre.astype(np.intp), source - 1)
    return before, np.minimum(before + 1, source - 1), centre - before


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
