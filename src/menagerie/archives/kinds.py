"""What a file is, by its first bytes, whatever it is called."""

from importlib.util import find_spec
from pathlib import PurePosixPath

HEAD = 64  # bytes of a file that tell
# What names of pictures end in. A broken or an empty file of such a name counts as a picture: preparing it
# says what is wrong with it.
SUFFIXES = (".avif", ".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
# A TIFF by their first bytes, but what a decoder finds in them is a thumbnail.
RAW = (".3fr", ".arw", ".cr2", ".dng", ".erf", ".iiq", ".kdc", ".nef", ".nrw", ".orf", ".pef", ".rw2", ".srw")
HEIC_SUFFIXES = (".heic", ".heif")
HEIC_NEEDS = "HEIC, to be read after: pip install -e '.[heic]'"

AVIF_BRANDS = (b"avif", b"avis")
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
BMP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)  # sizes of the header that tells a bitmap's size


def kind_of(head: bytes) -> str | None:
    """`JPEG`, `PNG`, `GIF`, `BMP`, `TIFF`, `WEBP`, `AVIF` or `HEIC` by the first HEAD bytes; else None."""
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return "TIFF"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in BMP_HEADERS:
        return "BMP"
    return _iso_kind(head) if head[4:8] == b"ftyp" else None


def _iso_kind(head: bytes) -> str | None:
    """AVIF and HEIC share a container, which names its brand and those that it is compatible with."""
    length = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[at : at + 4] for at in (8, *range(16, length, 4))}
    if brands & {*AVIF_BRANDS}:
        return "AVIF"
    return "HEIC" if brands & {*HEIC_BRANDS} else None


def why_no_picture(name: str, head: bytes) -> str | None:
    """Why a file is no picture that can be used; None where it is one."""
    suffix = PurePosixPath(name).suffix.lower()
    kind = kind_of(head)
    if kind == "HEIC" or (kind is None and suffix in HEIC_SUFFIXES):
        return None if find_spec("pillow_heif") else HEIC_NEEDS
    if suffix in RAW:
        return f"raw photograph ({suffix})"
    if kind or suffix in SUFFIXES:
        return None
    return f"no picture ({suffix or 'no suffix'})"
