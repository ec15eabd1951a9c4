"""What names of files, folders and classes say."""

import json
import re
import shlex
import unicodedata
from collections.abc import Iterable, Mapping
from itertools import pairwise

from menagerie.errors import DataError

# What people call the folders of a split, as one word of the folder's name.
SPLIT_FOLDERS = {
    "train": ("train", "training", "trainset"),
    "val": ("val", "valid", "validation", "valset", "dev", "development"),
    "test": ("test", "testing", "testset", "holdout", "evaluation"),
}
UNLABELLED = "unlabelled"
UNLABELLED_WORDS = ("pred", "predict", "prediction", "unlabeled", "unlabelled", "inf", "inference")
# Folders whose names say nothing of what is in them.
PLAIN_FOLDERS = ("data", "dataset", "image", "images", "img", "imgs", "photos", "pictures", "raw")
# What cameras and programs begin a picture's name with.
CAMERAS = ("dsc", "dscf", "dscn", "file", "frame", "image", "img", "mvimg", "p", "photo", "pic", "picture")
CAMERAS += ("pxl", "sample", "scan", "screenshot", "test", "train", "val", "vid", "whatsapp image")
# cat.0, dog_12, red fox (3): the class, then numbers.
NUMBERED = r"(?P<class>.*?[^\W\d_])(?:[\W_]*\d+)+[\W_]*"
SYSTEM_FILES = ("desktop.ini", "ehthumbs.db", "thumbs.db")


def hidden(name: str) -> bool:
    """Whether a path is one that systems make for themselves."""
    parts = name.split("/")
    return parts[-1].lower() in SYSTEM_FILES or any(
        part.startswith(".") or part == "__MACOSX" for part in parts
    )


def words(name: str) -> list[str]:
    """`SegTrain_01` is seg, train, 01."""
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+|[^\W\d_a-zA-Z]+", name)]


def split_word(name: str) -> str | None:
    """The one word of a folder's name that says which split it is; None where none or several do."""
    parts = words(name)
    parts += [first + second for first, second in pairwise(parts)]  # hold-out, val_set
    known = {word for names in SPLIT_FOLDERS.values() for word in names}
    found = {word for word in parts if word in known}
    splits = {split_called(word) for word in found}
    return min(found, key=len) if len(splits) == 1 else None


def split_of(name: str) -> str | None:
    """`train`, `val` or `test` by a word of a folder's name; None where none or several say one."""
    word = split_word(name)
    return None if word is None else split_called(word)


def split_called(word: str) -> str | None:
    return next((split for split, names in SPLIT_FOLDERS.items() if word in names), None)


def names_unlabelled(name: str) -> bool:
    return any(word in UNLABELLED_WORDS for word in words(name))


def check_twins(classes: Iterable[str]) -> None:
    """Raise DataError when two class names differ only in case, blanks or Unicode form."""
    seen: dict[str, str] = {}
    for name in sorted(classes):
        known = seen.setdefault(_alike(name), name)
        if known != name:
            joined = json.dumps({known: name})  # with \u escapes, which YAML reads as well
            raise DataError(
                f"the classes {known!r} ({code_points(known)}) and {name!r} ({code_points(name)}) differ "
                "only in case, blanks or Unicode form; rename one of the folders or labels, or join them by "
                f"a flag of menagerie add, --class {shlex.quote(f'{known}={name}')}, or in "
                f"conf/dataset:\n  layout:\n    class_names: {joined}"
            )


def _alike(name: str) -> str:
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return "".join(
        letter for letter in plain if not letter.isspace() and unicodedata.category(letter) != "Cf"
    )


def code_points(name: str) -> str:
    return " ".join(f"U+{ord(letter):04X}" for letter in name)


def doubtful(classes: Mapping[str, int]) -> list[str]:
    """Class names that may be no class, each with why."""
    found = []
    for name, count in classes.items():
        if name.lower() in PLAIN_FOLDERS or names_unlabelled(name) or split_of(name):
            found.append(f"{name!r}: does it name a class?")
        elif name != name.strip() or re.search(r"[\x00-\x1f\x7f]", name):
            found.append(
                f"{name!r}: blanks at its ends, or letters that cannot be seen ({code_points(name)})"
            )
        elif count < 3:
            found.append(f"{name!r}: {count} pictures; three are needed for train, val and test")
    return found
