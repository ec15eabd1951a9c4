"""Names in any script: which font has their letters, how wide they are, where their lines break.

Matplotlib brings DejaVu Sans along, which has Latin, Greek, Cyrillic, Arabic, Hebrew and more, but neither
Chinese, Japanese and Korean, nor the scripts of India, nor most emoji. For these the fonts of the system are
looked through; a letter that none of them has is written as its escape, such as \\u624b: it says which
letter it is, tells names apart and can be looked up, which an empty box cannot.
"""

import functools
import re
import unicodedata
from contextlib import suppress
from pathlib import Path

import matplotlib
from matplotlib import font_manager
from matplotlib.ft2font import FT2Font, LoadFlags

OWN = font_manager.findfont("DejaVu Sans")
POINTS = 10  # of matplotlib's letters, if nothing else is said
LETTER = re.compile(r"\\U[0-9a-f]{8}|\\u[0-9a-f]{4}|.")
_SCRIPTS = r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]+"  # of Hebrew, Arabic and their kin
LEFTWARD = re.compile(rf"{_SCRIPTS}(?:[^\w\n]+{_SCRIPTS})*")
UNSUITABLE = ("emoji", "color", "lastresort", "blank")  # no outlines, or a box for every letter

matplotlib.rcParams["font.family"] = ["DejaVu Sans"]  # by name, so that others can stand behind it


def legible(text: str) -> str:
    """The text with an escape for each letter that no font has; fonts for the others are made known.

    Text objects have to be made after that: they take the list of fonts from matplotlib's parameters.
    """
    return "".join(letter if letter == "\n" else _shown(letter) for letter in text)


def width(text: str, points: float = POINTS) -> float:
    """The width in inches of the longest line of a legible text, without kerning and ligatures."""
    return max(sum(map(_advance, line)) for line in text.split("\n")) * points / 72


def wrapped(text: str, inches: float, points: float = POINTS) -> str:
    """The text, made legible, in lines of at most `inches`; words that are longer are broken."""
    lines = []
    for given in legible(text).split("\n"):
        if width(given, points) <= inches:
            lines.append(given)
            continue
        line = ""
        for word in filter(None, re.split(r"[^\S\N{NO-BREAK SPACE}]+", given)):
            joined = f"{line} {word}".lstrip()
            if width(joined, points) > inches:
                *full, joined = _broken(word, inches, points)
                lines += [line, *full] if line else full
            line = joined
        lines.append(line)
    return "\n".join(map(_in_place, lines))


def cut(text: str, inches: float, points: float = POINTS) -> str:
    """The text, made legible; where it is wider than `inches`, without its middle."""
    text = legible(text)
    if width(text, points) <= inches:
        return text
    letters, short = LETTER.findall(" ".join(text.split())), ""
    for kept in range(len(letters) - 1, 1, -1):
        first, last = letters[: -(-kept // 2)], letters[len(letters) - kept // 2 :]
        short = "".join([*first, "\N{HORIZONTAL ELLIPSIS}", *last])
        if width(short, points) <= inches:
            break
    return short


def _in_place(line: str) -> str:
    """The line with a mark at both ends of what is written from right to left.

    Or a name would turn the sentence around it: its true and its predicted class would change places.
    """
    if LEFTWARD.fullmatch(line):
        return line
    return LEFTWARD.sub("\N{LEFT-TO-RIGHT MARK}\\g<0>\N{LEFT-TO-RIGHT MARK}", line)


def _broken(word: str, inches: float, points: float) -> list[str]:
    """The word in pieces that fit; a mark stays with the letter that it belongs to, and an escape whole."""
    pieces = [""]
    for letter in LETTER.findall(word):
        joins = unicodedata.category(letter[0]) in ("Mn", "Mc", "Me", "Cf")
        if pieces[-1] and not joins and width(pieces[-1] + letter, points) > inches:
            pieces.append("")
        pieces[-1] += letter
    return pieces


@functools.cache
def _shown(letter: str) -> str:
    font = _font(letter)
    if font is None:
        blank = unicodedata.category(letter).startswith("Z")
        return " " if blank else letter.encode("unicode_escape").decode()
    families = matplotlib.rcParams["font.family"]
    if font != OWN and (name := font_manager.get_font(font).family_name) not in families:
        font_manager.fontManager.addfont(font)
        matplotlib.rcParams["font.family"] = [*families, name]
    return letter


@functools.cache
def _advance(letter: str) -> float:
    """How far a letter moves the pen, in units of the font's size."""
    font = font_manager.get_font(_font(letter) or OWN)
    font.set_size(POINTS, 72)
    return font.load_char(ord(letter), LoadFlags.NO_HINTING).linearHoriAdvance / 2**16 / POINTS


@functools.cache
def _font(letter: str) -> str | None:
    """The path of the font that a letter is written in; None where no font has it."""
    if font_manager.get_font(OWN).get_char_index(ord(letter)):
        return OWN
    return _fonts_of_the_system().get(ord(letter))


@functools.cache
def _fonts_of_the_system() -> dict[int, str]:
    """A font for each code point that a font of the system has: regular ones without serifs before others."""
    found: dict[int, str] = {}
    for path in sorted(font_manager.findSystemFonts(), key=_preference):
        if any(word in Path(path).stem.lower() for word in UNSUITABLE):
            continue
        with suppress(OSError, RuntimeError):  # what FreeType cannot read
            font = FT2Font(path)
            found = (dict.fromkeys(font.get_charmap(), path) if font.scalable else {}) | found
    return found


def _preference(path: str) -> tuple[bool, bool, str]:
    stem = Path(path).stem.lower()
    return "sans" not in stem, "regular" not in stem, path
