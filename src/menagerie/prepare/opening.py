"""The bytes of a picture file to rows of RGB pixels, and what the file says of itself."""

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Literal, NamedTuple

import numpy as np
import simplejpeg
from PIL import ExifTags, Image, ImageFile, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from menagerie.prepare.modes import UnreadableError, rgb, white_of

KINDS = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")  # what a file may hold, whatever its suffix
if find_spec("pillow_heif"):  # the extra heic
    import pillow_heif

    pillow_heif.register_heif_opener()
    KINDS += ("HEIF",)
JPEG_MODES = {"Gray": "L", "YCbCr": "RGB", "RGB": "RGB"}  # simplejpeg's name, Pillow's
TURNED_BY = (b"Exif", b"http://ns.adobe.com/xap/")  # begin the parts of a JPEG that may say how to turn it
WHOLE_PIXELS = 89_478_485  # a picture of more is read at reduced scale, which needs less memory
REDUCED_PIXELS = 2**25  # what it is brought below: still more than a network sees
BAND_PIXELS = 2**22  # how much of a picture is copied at a time

Rows = Callable[[int, int], np.ndarray]  # (height, width, 3) uint8 between two rows of a picture


class Reading(NamedTuple):
    """How files are read.

    `jpeg` is `exact`, or `fast` for the pixels that TensorFlow gives by default: the fast integer DCT, and
    no turning by EXIF. `truncated` is `refuse` or `accept`. A picture of more than `max_pixels` is refused.
    """

    jpeg: Literal["exact", "fast"]
    truncated: Literal["refuse", "accept"]
    max_pixels: int


USUAL = Reading("exact", "refuse", 210_000_000)  # as the data sets of conf/ have it


class Stored(NamedTuple):
    """A picture as its file has it."""

    width: int  # pixels
    height: int
    mode: str  # Pillow's


class Opened(NamedTuple):
    """A picture that can be read."""

    rows: Rows
    shape: tuple[int, int]  # height and width of what `rows` gives
    orientation: int  # EXIF's: 1 is upright, 5 to 8 swap height and width
    stored: Stored


@contextmanager
def opened(data: bytes, reading: Reading, forgiving: bool = False) -> Iterator[Opened]:
    """The first frame of a picture; `forgiving` gives of a truncated one what there is.

    Raises:
        UnreadableError: the file is broken, too large or no picture, here or in the block.
    """
    turned = reading.jpeg == "exact" and any(mark in data for mark in TURNED_BY)
    if not turned and (jpeg := _jpeg(data, reading)):
        # Most pictures of most data sets: to open a small one with Pillow takes longer than to decode it.
        pixels, stored = jpeg
        yield Opened(*_whole(pixels), 1, stored)
        return
    with _by_pillow(io.BytesIO(data), forgiving) as picture:
        yield _read(picture, data, reading)


def size_of(file: Path | IO[bytes]) -> tuple[int, int]:
    """Width and height in pixels of a picture, however large, by its header alone.

    Raises:
        UnreadableError: it has none.
    """
    with _by_pillow(file) as picture:
        return picture.size


def _jpeg(data: bytes, reading: Reading, strict: bool = True) -> tuple[np.ndarray, Stored] | None:
    """A JPEG, not turned: the pixels that Pillow gives, in a third of its time, or TensorFlow's.

    None where the file is something else, too large, or `strict` and not flawless.
    """
    try:
        height, width, space, _ = simplejpeg.decode_jpeg_header(data)
        if space not in JPEG_MODES or height * width > min(WHOLE_PIXELS, reading.max_pixels):
            return None
        pixels = simplejpeg.decode_jpeg(data, "RGB", fastdct=reading.jpeg == "fast", strict=strict)
        return pixels, Stored(width, height, JPEG_MODES[space])
    except (KeyError, ValueError):
        # No JPEG, a subsampling that it does not know (KeyError), or a flaw: Pillow forgives the
        # harmless ones, and says what the others are.
        return None


@contextmanager
def _by_pillow(file: Path | IO[bytes], forgiving: bool = False) -> Iterator[Image.Image]:
    """A picture, its pixels not read yet; what goes wrong here or in the block is an UnreadableError."""
    try:
        with warnings.catch_warnings(), _pillow_set(forgiving):
            warnings.simplefilter("ignore")  # about harmless flaws
            with Image.open(file, formats=KINDS) as picture:
                yield picture
    except (MemoryError, UnreadableError):
        raise
    except UnidentifiedImageError:
        raise UnreadableError(f"none of {', '.join(KINDS)}") from None
    except Exception as error:  # on broken bytes a decoder may raise anything
        text = " ".join(str(error).split())
        raise UnreadableError(f"{type(error).__name__}: {text}"[:200]) from error


@contextmanager
def _pillow_set(forgiving: bool) -> Iterator[None]:
    """Pillow's settings for one picture: they belong to the process, and others in it use Pillow too."""
    before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
    Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = None, forgiving  # of sizes _read judges
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = before


def _read(picture: Image.Image, data: bytes, reading: Reading) -> Opened:
    width, height = picture.size
    if width * height > reading.max_pixels:
        raise UnreadableError(
            f"{width:,} x {height:,} are {width * height:,} pixels, more than dataset.max_pixels, "
            f"{reading.max_pixels:,}: raise it, or make the picture smaller"
        )
    if isinstance(picture, JpegImageFile):
        return _read_jpeg(picture, data, reading)
    picture.load()  # before all else: a TIFF is turned by Pillow as its pixels are read
    stored = Stored(*picture.size, picture.mode)
    return Opened(*_rows(picture, _scale(picture)), _orientation(picture), stored)


def _read_jpeg(picture: JpegImageFile, data: bytes, reading: Reading) -> Opened:
    stored = Stored(*picture.size, picture.mode)
    orientation = _orientation(picture) if reading.jpeg == "exact" else 1
    if picture.format == "JPEG" and (jpeg := _jpeg(data, reading)):
        return Opened(*_whole(jpeg[0]), orientation, stored)
    if (scale := _scale(picture)) > 1:  # the decoder then needs no memory for the rest
        picture.draft(None, (picture.width // scale, picture.height // scale))
    picture.load()
    if reading.jpeg == "fast" and (jpeg := _jpeg(data, reading, strict=False)):
        return Opened(*_whole(jpeg[0]), orientation, stored)  # with a flaw that Pillow forgave
    return Opened(*_rows(picture, 1), orientation, stored)


def _scale(picture: Image.Image) -> int:
    """What the sides are divided by as the picture is read."""
    pixels = picture.width * picture.height
    if pixels <= WHOLE_PIXELS:
        return 1
    return next((scale for scale in (2, 4) if pixels <= REDUCED_PIXELS * scale**2), 8)


def _whole(pixels: np.ndarray) -> tuple[Rows, tuple[int, int]]:
    return lambda first, end: pixels[first:end], pixels.shape[:2]


def _rows(picture: Image.Image, scale: int) -> tuple[Rows, tuple[int, int]]:
    """What gives the rows of a loaded picture as RGB, and how high and wide they are at this scale."""
    white = white_of(picture)

    def rows(first: int, end: int) -> np.ndarray:
        return rgb(picture.crop((0, first, picture.width, end)), white)

    if scale == 1:
        return rows, (picture.height, picture.width)
    # The mean of each block, a band at a time: a copy of the picture as a whole would double the memory.
    step = scale * max(1, BAND_PIXELS // picture.width // scale)
    starts = range(0, picture.height, step)
    bands = (Image.fromarray(rows(first, min(first + step, picture.height))) for first in starts)
    return _whole(np.concatenate([np.array(band.reduce(scale)) for band in bands]))


def _orientation(picture: Image.Image) -> int:
    try:
        orientation = picture.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # broken EXIF raises anything, and hides nothing else
        return 1
    return int(orientation) if orientation in range(1, 9) else 1
