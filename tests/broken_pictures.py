"""Picture files, good and bad, made here byte by byte: what cameras, the web and failing disks give."""

import io
import random
import struct
import warnings
import zlib

import numpy as np
from PIL import Image

HEIGHT, WIDTH = SIZE = 24, 32


def pixels() -> np.ndarray:
    """(24, 32, 3) uint8 with no two rows and no two columns alike, so that a turn or a shift shows."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return np.stack([x * 8, y * 10, x * 3 + y * 6], axis=-1).astype(np.uint8)


def encoded(picture: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def good() -> dict[str, bytes]:
    """One file of each kind that holds `pixels()`, the lossy ones nearly."""
    picture = Image.fromarray(pixels())
    turned = [picture.transpose(Image.Transpose.ROTATE_180)]
    return {
        "photo.jpg": encoded(picture, "JPEG", quality=95),
        "progressive.jpeg": encoded(picture, "JPEG", quality=95, progressive=True),
        "picture.png": encoded(picture, "PNG"),
        "animated.png": encoded(picture, "PNG", save_all=True, append_images=turned),
        "animated.gif": encoded(picture, "GIF", save_all=True, append_images=turned),
        "lossless.webp": encoded(picture, "WEBP", lossless=True),
        "animated.webp": encoded(picture, "WEBP", lossless=True, save_all=True, append_images=turned),
        "picture.bmp": encoded(picture, "BMP"),
        "plain.tif": encoded(picture, "TIFF"),
        "lzw.tiff": encoded(picture, "TIFF", compression="tiff_lzw"),
    }


def bad() -> dict[str, bytes]:
    """Some 200 files, each damaged in one way; a few of them are still readable."""
    return _cut() | _overwritten() | _lying() | _no_pictures()


def png(depth: int, rows: np.ndarray) -> bytes:
    """An RGB PNG of 8 or 16 bits a channel, which Pillow cannot write with 16."""
    height, width, _ = rows.shape
    lines = b"".join(b"\0" + line.tobytes() for line in rows)
    return _png_of(width, height, depth, lines)


def _png_of(width: int, height: int, depth: int, lines: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def _cut() -> dict[str, bytes]:
    """Downloads that ended early."""
    return {
        f"cut_{percent:02d}_{name}": data[: len(data) * percent // 100]
        for name, data in good().items()
        for percent in (1, 5, 10, 25, 40, 50, 60, 75, 90, 97, 99)
    }


def _overwritten() -> dict[str, bytes]:
    """Failing disks: a few bytes, or a block of zeros, somewhere in the file."""
    chance = random.Random(20)
    files = {}
    for name, data in good().items():
        for count in (1, 2, 5, 20, 100):
            damaged = bytearray(data)
            for _ in range(count):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            files[f"flipped_{count:03d}_{name}"] = bytes(damaged)
        for share in (4, 2):
            half = len(data) // share
            files[f"zeros_{share}_{name}"] = data[:half] + bytes(len(data) - half)
    return files


def _lying() -> dict[str, bytes]:
    """Headers that claim more than there is."""
    sizes = ((100_000, 100_000), (2**31 - 1, 2**31 - 1), (30_000, 3_000), (0, 10), (12_000, 12_000))
    files = {f"claims_{width}x{height}.png": _png_of(width, height, 8, b"") for width, height in sizes}
    bitmap = bytearray(good()["picture.bmp"])
    bitmap[18:26] = struct.pack("<ii", 60_000, 60_000)
    return files | {"claims.bmp": bytes(bitmap), "pixelless.png": _png_of(WIDTH, HEIGHT, 8, b"")}


def _no_pictures() -> dict[str, bytes]:
    return {
        "empty.jpg": b"",
        "one_byte.png": b"\x89",
        "text.jpg": b"404 Not Found\n",
        "page.png": b"<!DOCTYPE html><html><body>Sign in</body></html>",
        "zeros.jpg": bytes(5_000),
        "noise.png": random.Random(21).randbytes(5_000),
        "postscript.jpg": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n",
        "signature.png": b"\x89PNG\r\n\x1a\n",
        "drawing.png": b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>',
        "two_bytes.jpg": b"\xff\xd8",
        "ppm.jpg": b"P6 2 2 255\n" + bytes(12),
    }


# what is expected of a picture

ROUNDED = 0.55  # half a grey level, and what 32-bit coordinates add to it


def bilinear(source, size):
    """(h, w, 3) to (H, W, 3) float64: half-pixel centres, held edges, no antialiasing; NumPy interpolates."""

    def stretched(line, target):
        centres = (np.arange(target) + 0.5) * len(line) / target - 0.5
        return np.interp(centres, np.arange(len(line)), line)

    for axis, target in enumerate(size):
        source = np.apply_along_axis(stretched, axis, source, target)
    return source


def noise(size):
    return np.random.default_rng(size).integers(0, 256, (*size, 3), dtype=np.uint8)


def by_pillow(data):
    """What Pillow makes of a file of the right size; None where it gives an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            picture = Image.open(io.BytesIO(data), formats=["BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP"])
            return np.asarray(picture.convert("RGB")), picture.size
        except Exception:
            return None
