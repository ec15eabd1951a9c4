"""Pictures: found in archives, decoded once into one uint8 array, listed in a manifest."""

from menagerie.images.decoding import UnreadableError, decode
from menagerie.images.layout import Picture, content_sha256, find_pictures
from menagerie.images.manifest import check_readable, class_names, read_manifest
from menagerie.images.preparing import prepare

__all__ = [
    "Picture",
    "UnreadableError",
    "check_readable",
    "class_names",
    "content_sha256",
    "decode",
    "find_pictures",
    "prepare",
    "read_manifest",
]
