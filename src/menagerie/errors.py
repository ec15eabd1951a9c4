"""The errors that a user can do something about."""

import errno
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


class MenagerieError(Exception):
    """Something the user can mend: the message names the thing, what was expected and the fix."""


class ParamsError(MenagerieError):
    """A value of params.yaml is missing, unknown or out of range."""


class DownloadError(MenagerieError):
    """A file could not be fetched, or what came is not what was asked for."""


class DataError(MenagerieError):
    """The pictures, their archive or their classes cannot be used as they are."""


class ModelError(MenagerieError):
    """A model cannot be built, trained or read."""


class WeightsError(ModelError):
    """Pretrained weights cannot be had, or are not those of the base."""


def unknown(kind: str, name: object, known: Iterable[str]) -> str:
    """`unknown arch 'cn'; did you mean 'cnn'? known: ann, cnn`: the message for a name not found."""
    known = sorted(known)
    close = get_close_matches(str(name), known, n=1)
    hint = f"did you mean '{close[0]}'? " if close else ""
    return f"unknown {kind} '{name}'; {hint}known: {', '.join(known) or 'none'}"


def mended_by(error: OSError) -> str:
    """What the user can do where a file could not be written, to end a message; "" where it is unknown."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error):
        return f"; make room on the disk of {Path.cwd()}, then run again"
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return "; make the place writable, then run again"
    return ""
