"""The bytes of a picture file to pixels of one size."""

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import simplejpeg
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from menagerie.errors import DataError

KINDS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")  # what a file may hold, whatever its suffix
PIECE_ROWS = 32  # of a resized picture, resized together: they stay in the processor's cache
BAND_PIXELS = 2**22  # how much of a picture is copied at a time while it is resized


Rows = Callable[[int, int], np.ndarray]  # (height, width, 3) uint8 between two rows of a picture


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
        return pixels_of(picture, data, size, resize)


@contextmanager
def opened(data: bytes) -> Iterator[Image.Image]:
    """A picture, its pixels not read yet; what goes wrong here or in the block is an UnreadableError."""
    if not data:
        raise UnreadableError("empty file")
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


def pixels_of(picture: Image.Image, data: bytes, size: tuple[int, int], resize: str) -> np.ndarray:
    """As `decode`, of a picture that is open, and its bytes."""
    rows = _rows(picture, data)
    orientation = _orientation(picture)  # now: of a TIFF, Pillow turns the pixels as it reads them
    if resize != "stretch":
        fit = {"crop": ImageOps.fit, "pad": ImageOps.pad}[resize]
        upright = _turned(Image.fromarray(rows(0, picture.height)), orientation)
        return np.array(fit(upright, size[::-1], Image.Resampling.BILINEAR))
    height, width = size if orientation < 5 else size[::-1]
    pixels = _resized(rows, picture.height, picture.width, height, width)
    if orientation == 1:
        return pixels
    # Turned after resizing: the same pixels for a fraction of the work.
    return np.array(_turned(Image.fromarray(pixels), orientation))


def _rows(picture: Image.Image, data: bytes) -> Rows:
    """What gives the rows from `first` to before `end` of the picture as RGB."""
    if picture.format == "JPEG" and picture.mode in ("RGB", "L"):
        try:
            # The same library under both, and the same pixels, in a third of Pillow's time.
            pixels = simplejpeg.decode_jpeg(data, "RGB")
        except ValueError:
            pass  # of a flaw: Pillow forgives the harmless ones, and says what the others are
        else:
            return lambda first, end: pixels[first:end]
    picture.load()
    white = _white(picture)
    return lambda first, end: _rgb(picture.crop((0, first, picture.width, end)), white)


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


def _resized(rows: Rows, source_height: int, source_width: int, height: int, width: int) -> np.ndarray:
    if (source_height, source_width) == (height, width):
        return rows(0, height)
    # Pillow's own bilinear transform has no antialiasing either, but cuts off where it should round.
    above, below, down = _neighbours(source_height, height)
    left, right, across = _neighbours(source_width, width)
    resized = np.empty((height, width, 3), np.uint8)
    bands = 1 + source_width * source_height // BAND_PIXELS  # no copy of a large picture as a whole
    for targets in np.array_split(np.arange(height), min(bands, height)):
        first, last = above[targets[0]], below[targets[-1]]
        band = rows(first, last + 1)
        flat = band.reshape(len(band), -1)
        for piece in np.array_split(targets, -(-len(targets) // PIECE_ROWS)):
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
