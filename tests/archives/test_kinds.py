"""What a file is, by its first bytes, whatever its name says."""

import io

import pytest
from PIL import Image

from menagerie.archives.kinds import HEAD, HEIC_NEEDS, kind_of, why_no_picture

# The first bytes of an iPhone's photograph, and of one whose main brand says no more than "pictures".
HEIC = bytes.fromhex("00000018 66747970 68656963 00000000 6d696631 68656963")
HEIC_BY_A_LATER_BRAND = bytes.fromhex("0000001c 66747970 6d696631 00000000 6d696631 68656963 6d696166")
AVIF_BY_A_LATER_BRAND = bytes.fromhex("0000001c 66747970 6d696631 00000000 6d696631 61766966 6d696166")


def encoded(kind):
    content = io.BytesIO()
    Image.new("RGB", (5, 4), "red").save(content, kind)
    return content.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "AVIF"])
@pytest.mark.parametrize("name", ["a.jfif", "a.jpe", "a.txt", "a"])
def test_a_picture_is_known_by_its_content_whatever_its_name_says(kind, name):
    head = encoded(kind)[:HEAD]
    assert kind_of(head) == kind
    assert why_no_picture(name, head) is None


def test_avif_and_heic_are_told_apart_by_all_their_brands():
    assert [kind_of(head) for head in (HEIC, HEIC_BY_A_LATER_BRAND)] == ["HEIC", "HEIC"]
    assert kind_of(AVIF_BY_A_LATER_BRAND) == "AVIF"
    assert kind_of(bytes.fromhex("00000018 66747970 6d703432 00000000 6d703432 69736f6d")) is None  # a film


def test_heic_without_the_extra_is_told_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setattr("menagerie.archives.kinds.find_spec", lambda name: None)
    assert why_no_picture("a.HEIC", b"") == why_no_picture("a", HEIC) == HEIC_NEEDS
    assert "pip install -e '.[heic]'" in HEIC_NEEDS
    monkeypatch.setattr("menagerie.archives.kinds.find_spec", lambda name: "there")
    assert why_no_picture("a.heic", HEIC) is None


@pytest.mark.parametrize(
    ("name", "head", "expected"),
    [
        ("notes.TXT", b"BMW is no bitmap, though it begins as one", "no picture (.txt)"),
        ("README", b"", "no picture (no suffix)"),
        ("clip.mp4", bytes.fromhex("00000018 66747970 6d703432"), "no picture (.mp4)"),
        ("sound.wav", b"RIFF\0\0\0\0WAVE", "no picture (.wav)"),
        ("film.NEF", b"MM\0*" + bytes(60), "raw photograph (.nef)"),
    ],
)
def test_what_is_no_picture_is_told_by_its_suffix(name, head, expected):
    assert why_no_picture(name, head) == expected


def test_a_broken_file_with_a_picture_s_suffix_is_left_to_prepare_which_says_what_is_wrong():
    assert why_no_picture("cat.jpg", b"") is None
    assert why_no_picture("cat.jfif", b"<html>") is None
