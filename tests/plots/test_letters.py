"""Which letters a figure can write, how wide they are and where their lines break."""

import os
import subprocess
import sys

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib.figure import Figure

from helpers import ROOT
from menagerie.plots.letters import legible, width, wrapped


@pytest.mark.parametrize("text", ["a", "Müller", "собака", "كلب", "$5", r"back\slash", "one\ntwo", ""])
def test_letters_that_matplotlib_brings_along_stay_as_they_are(text):
    assert legible(text) == text


def test_letters_that_no_font_has_can_be_told_apart():
    private = ["\ue777", "\U0010fffd", "\x07"]  # for private use, or of control
    assert [legible(f"a{letter}") for letter in private] == [r"a\ue777", r"a\U0010fffd", r"a\x07"]


@pytest.mark.parametrize("text", ["WWWW iiii", "golden-mantled ground squirrel", "собака", "one\nlonger one"])
@pytest.mark.parametrize("points", [7, 10, 12])
def test_the_width_is_that_of_the_text_as_it_is_drawn(text, points):
    figure = Figure(dpi=300)
    drawn = figure.text(0, 0, text, fontsize=points).get_window_extent().width / figure.dpi
    assert width(text, points) == pytest.approx(drawn, rel=0.03)


def test_lines_break_between_words_and_long_words_break_too():
    text = "a golden-mantled ground squirrel " + "x" * 60
    lines = wrapped(text, 1.5).split("\n")
    assert lines[:2] == ["a golden-mantled", "ground squirrel"]
    assert "".join(lines[2:]) == "x" * 60
    assert max(map(width, lines)) <= 1.5
    assert wrapped("short  one", 1.5) == "short  one"


def test_neither_an_escape_nor_a_letter_with_its_mark_is_broken():
    escapes = wrapped("\ue777" * 9, 1).split("\n")
    assert len(escapes) > 1
    assert {line.replace(r"\ue777", "") for line in escapes} == {""}
    lines = wrapped("e\u0301" * 40, 1).split("\n")
    assert len(lines) > 1
    assert {line.replace("e\u0301", "") for line in lines} == {""}


def font_with(letter, path):
    """A font that has one letter alone, a square."""
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for point in ((0, 700), (700, 700), (700, 0)):
        pen.lineTo(point)
    pen.closePath()
    square = pen.glyph()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "square"])
    builder.setupCharacterMap({ord(letter): "square"})
    builder.setupGlyf({".notdef": square, "square": square})
    builder.setupHorizontalMetrics({".notdef": (500, 0), "square": (1200, 0)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "One Letter Sans", "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=800, usWinAscent=800, usWinDescent=200)
    builder.setupPost()
    builder.save(path)


def test_a_font_of_the_system_is_taken_for_letters_that_only_it_has(tmp_path):
    """In a process of its own: where fonts lie is read once."""
    (tmp_path / "fonts").mkdir()
    font_with("\ue777", tmp_path / "fonts/one.ttf")
    (tmp_path / "fonts/broken.ttf").write_bytes(b"no font")
    code = (
        "from matplotlib.figure import Figure\n"
        "from menagerie.plots.letters import legible, width\n"
        "text = legible('\\ue777a\\ue778')\n"
        "figure = Figure()\n"
        "figure.text(0, 0, text)\n"
        "figure.savefig('figure.png')\n"
        "print(ascii(text), round(width('\\ue777', 10) * 72, 3))\n"
    )
    variables = os.environ | {"PYTHONPATH": str(ROOT / "src"), "XDG_DATA_HOME": str(tmp_path)}
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [r"'\ue777a\\ue778'", "12.0"]


@pytest.mark.parametrize(
    ("caption", "drawn"),
    [
        ("قطة, taken for dog (14 %)", "\u200eقطة\u200e, taken for dog (14 %)"),
        ("dog, taken for חתלת דש (14 %)", "dog, taken for \u200eחתלת דש\u200e (14 %)"),
        ("قطة", "قطة"),
        ("cat, taken for dog", "cat, taken for dog"),
    ],
)
def test_a_name_from_right_to_left_turns_no_sentence_around_it(caption, drawn):
    assert wrapped(caption, 9) == drawn
