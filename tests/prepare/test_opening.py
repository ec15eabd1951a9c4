"""Pictures that are large, or truncated, or to be decoded as TensorFlow does it."""

import io
import subprocess
import sys

import numpy as np
import pytest
import simplejpeg
import yaml
from PIL import ExifTags, Image, ImageFile

import broken_pictures
from broken_pictures import HEIGHT, SIZE, WIDTH, encoded, noise, pixels
from helpers import ROOT, SIGN_DIGITS_ARCHIVE, colours, composed, draw, of_mirror, packed, prepared
from menagerie.archives.layout import find_pictures
from menagerie.archives.reading import Archive
from menagerie.errors import DataError
from menagerie.prepare import opening
from menagerie.prepare.decoding import decode
from menagerie.prepare.opening import USUAL, UnreadableError
from stages import download
from stages import prepare as stage

ACCEPT = USUAL._replace(truncated="accept")
FAST = USUAL._replace(jpeg="fast")
DATA_SETS = sorted(path.stem for path in ROOT.glob("conf/dataset/*.yaml"))


@pytest.mark.parametrize("name", DATA_SETS)
def test_what_is_usual_is_what_every_data_set_has(name):
    dataset = composed(f"dataset={name}")["dataset"]
    assert (dataset["jpeg"], dataset["truncated"], dataset["max_pixels"]) == USUAL


# large ones


@pytest.mark.parametrize("name", ["photo.jpg", "progressive.jpeg", "picture.png"])
def test_a_picture_above_the_limit_is_refused_by_its_size_and_the_key_to_raise(name):
    data = broken_pictures.good()[name]
    assert decode(data, (5, 5), reading=USUAL._replace(max_pixels=768))[1] == (WIDTH, HEIGHT, "RGB")
    message = r"^32 x 24 are 768 pixels, more than dataset\.max_pixels, 767: raise it, or make the picture sm"
    with pytest.raises(UnreadableError, match=message):
        decode(data, (5, 5), reading=USUAL._replace(max_pixels=767))


def smooth(height, width):
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / 23) + np.cos(y / 31), np.sin((x + y) / 37) * 2, np.cos(x / 41) * np.sin(y / 29) * 2]
    return (127.5 + 60 * np.dstack(waves)).astype(np.uint8)


def means(picture, scale):
    """Of blocks of `scale` x `scale` pixels."""
    height, width, _ = picture.shape
    return picture.reshape(height // scale, scale, width // scale, scale, 3).mean(axis=(1, 3))


@pytest.fixture
def small_limit(monkeypatch):
    """Pictures of more than 400 x 320 pixels are large."""
    monkeypatch.setattr(opening, "WHOLE_PIXELS", 400 * 320)
    monkeypatch.setattr(opening, "REDUCED_PIXELS", 240 * 160)


LARGE = {
    "baseline": ("JPEG", "RGB", {"quality": 95}),
    "progressive": ("JPEG", "RGB", {"quality": 95, "progressive": True}),
    "whole colour": ("JPEG", "RGB", {"quality": 95, "subsampling": 0}),
    "grey": ("JPEG", "L", {"quality": 95}),
    "two in one": (
        "MPO",
        "RGB",
        {"quality": 95, "save_all": True, "append_images": [Image.new("RGB", (9, 9))]},
    ),
    "PNG": ("PNG", "RGB", {}),
    "lossless WebP": ("WEBP", "RGB", {"lossless": True}),
    "palette": ("GIF", "P", {}),
}


@pytest.mark.parametrize(("shape", "scale"), [((320, 480), 2), ((640, 960), 4), ((960, 1280), 8)])
@pytest.mark.parametrize("name", LARGE)
def test_a_large_picture_is_read_at_the_scale_that_memory_allows(small_limit, name, shape, scale):
    kind, mode, options = LARGE[name]
    picture = Image.fromarray(smooth(*shape)).convert(mode)
    data, small = encoded(picture, kind, **options), (shape[0] // scale, shape[1] // scale)
    with opening.opened(data, USUAL) as large:
        assert large.shape == small
    got, stored = decode(data, small)
    assert stored == (shape[1], shape[0], mode)
    expected = means(np.asarray(picture.convert("RGB"), float), scale)
    assert np.abs(got - expected).max() <= (6 if kind in ("JPEG", "MPO") else 1)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("resize", ["stretch", "crop", "pad"])
def test_a_large_picture_is_turned_upright_and_fitted(small_limit, kind, resize):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    picture = Image.fromarray(smooth(640, 960))
    got, stored = decode(encoded(picture, kind, exif=exif, quality=95), (48, 48), resize)
    whole, _ = decode(encoded(picture.transpose(Image.Transpose.ROTATE_270), "PNG"), (48, 48), resize)
    assert stored == (960, 640, "RGB")
    assert np.abs(got.astype(int) - whole).max() <= 6


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_picture_that_just_is_not_large_is_read_whole(small_limit, kind):
    data = encoded(Image.fromarray(noise((320, 400))), kind)
    expected = np.asarray(Image.open(io.BytesIO(data)))
    assert np.array_equal(decode(data, (320, 400))[0], expected)


PEAK = """
import sys
from pathlib import Path
from menagerie.prepare.decoding import decode
_, stored = decode(Path(sys.argv[1]).read_bytes(), (224, 224), sys.argv[2])
print(*stored, Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])  # kB
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc/self/status")
@pytest.mark.parametrize(("progressive", "most"), [(False, 300), (True, 750)])
def test_two_hundred_megapixels_are_read_in_a_gibibyte(tmp_path, progressive, most):
    picture = Image.new("RGB", (16_320, 12_240), (200, 120, 40))
    picture.save(tmp_path / "phone.jpg", progressive=progressive, subsampling="4:2:0")
    for resize in ("stretch", "crop"):
        told = subprocess.run(
            [sys.executable, "-c", PEAK, tmp_path / "phone.jpg", resize],
            env={"PYTHONPATH": str(ROOT / "src")},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        assert told[:3] == ["16320", "12240", "RGB"]
        assert int(told[3]) < most * 2**10


# truncated ones


def cut(kind, share):
    """The head of a picture file, and the picture."""
    data = encoded(Image.fromarray(noise((64, 96))), kind)
    return data[: int(len(data) * share)], np.asarray(Image.open(io.BytesIO(data)))


@pytest.mark.parametrize(("kind", "missing"), [("JPEG", 128), ("PNG", 0), ("BMP", 0), ("TIFF", 0)])
def test_a_truncated_picture_is_refused_or_used_as_far_as_it_goes(kind, missing):
    data, whole = cut(kind, 0.75)
    with pytest.raises(UnreadableError, match="truncated"):
        decode(data, (64, 96))
    got, stored = decode(data, (64, 96), reading=ACCEPT)
    assert stored == (96, 64, "RGB, truncated")
    rows = (got == whole).all(axis=(1, 2))
    if kind == "BMP":  # from the bottom to the top
        rows, got = rows[::-1], got[::-1]
    assert rows[:24].all()
    assert (got[-8:] == missing).all()


def test_a_whole_picture_is_the_same_where_truncated_ones_are_accepted():
    for data in broken_pictures.good().values():
        expected, stored = decode(data, SIZE)
        got, accepted = decode(data, SIZE, reading=ACCEPT)
        assert np.array_equal(got, expected)
        assert accepted == stored


@pytest.mark.parametrize(
    "name", ["pixelless.png", "zeros_2_picture.png", "text.jpg", "claims_30000x3000.png"]
)
def test_a_picture_that_is_damaged_or_has_no_pixels_is_refused_all_the_same(name):
    with pytest.raises(UnreadableError):
        decode(broken_pictures.bad()[name], SIZE, reading=ACCEPT)


def test_no_setting_of_pillow_is_left_behind():
    before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
    decode(cut("JPEG", 0.75)[0], SIZE, reading=ACCEPT)
    assert before == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)
    with pytest.raises(UnreadableError):
        decode(b"text", SIZE, reading=ACCEPT)
    assert before == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)


def test_truncated_pictures_are_told_by_the_manifest_and_by_the_stage(tmp_path, monkeypatch, capsys):
    pictures = draw(tmp_path / "colours")
    for number in range(7):
        (pictures / "red" / f"cut {number}.jpg").write_bytes(cut("JPEG", 0.6 + number / 20)[0])
    settings = composed(*colours(pictures, "cnn"), "dataset.truncated=accept")
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    download.main()
    stage.main()
    said = capsys.readouterr().out
    assert "79 pictures of 12x12, 0 of them unreadable\n" in said
    assert (
        "7 of them are truncated and used as far as they go (dataset.truncated: accept; the mode in " in said
    )
    assert "'red/cut 0.jpg'" in said
    assert "'red/cut 4.jpg', ..." in said
    assert "cut 5" not in said


# as TensorFlow decodes


def test_a_build_of_another_decoding_is_not_taken_up(tmp_path):
    files = {"a/1.jpg": encoded(Image.fromarray(noise((64, 64))), "JPEG"), "b/bad.jpg": b"text"}
    pictures = find_pictures([packed(tmp_path / "a.zip", files)], "{class}")
    with pytest.raises(DataError, match="unreadable"):
        prepared(pictures, tmp_path, (64, 64))
    array, _ = prepared(pictures, tmp_path, (64, 64), max_unreadable=0.5, reading=FAST)
    assert np.array_equal(array[0], decode(files["a/1.jpg"], (64, 64), reading=FAST)[0])
    assert not np.array_equal(array[0], decode(files["a/1.jpg"], (64, 64))[0])


def by_tensorflow(data):
    import tensorflow as tf

    return tf.io.decode_jpeg(data, channels=3).numpy()


@pytest.mark.tensorflow
@pytest.mark.parametrize("shape", [(64, 96), (33, 47), (1, 1), (2, 301)])
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0", "4:1:1"])
def test_fast_pixels_are_those_of_tensorflow_whatever_the_jpeg(shape, subsampling):
    for mode in ("RGB", "L"):
        for options in ({"quality": 30}, {"quality": 95}, {"quality": 75, "progressive": True}):
            picture = Image.fromarray(noise(shape)).convert(mode)
            data = encoded(picture, "JPEG", subsampling=subsampling, **options)
            assert np.array_equal(decode(data, shape, reading=FAST)[0], by_tensorflow(data))


@pytest.mark.tensorflow
def test_a_flaw_that_tensorflow_forgives_does_not_change_the_decoding():
    data = encoded(Image.fromarray(noise((64, 96))), "JPEG")
    flawed = data[:1_500] + bytes([data[1_500] ^ 0x55]) + data[1_501:]
    with pytest.raises(ValueError, match="Corrupt JPEG data"):
        simplejpeg.decode_jpeg(flawed)
    assert np.array_equal(decode(flawed, (64, 96), reading=FAST)[0], by_tensorflow(flawed))


@pytest.mark.tensorflow
@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_fast_pixels_are_not_turned(orientation):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    data = encoded(Image.fromarray(noise((64, 96))), "JPEG", exif=exif)
    assert np.array_equal(decode(data, (64, 96), reading=FAST)[0], by_tensorflow(data))


def test_what_the_fast_decoder_cannot_read_is_read_exactly():
    data = encoded(Image.fromarray(pixels()).convert("CMYK"), "JPEG")
    assert np.array_equal(decode(data, SIZE, reading=FAST)[0], decode(data, SIZE)[0])


@pytest.mark.tensorflow
def test_the_fast_pixels_of_the_sign_digits_are_those_of_the_notebook(mirror):
    differences = []
    with Archive(mirror / SIGN_DIGITS_ARCHIVE) as archive:
        for picture in of_mirror(mirror, SIGN_DIGITS_ARCHIVE, "Dataset/{class}"):
            data = archive.read(picture.member)
            theirs = by_tensorflow(data)
            assert np.array_equal(decode(data, theirs.shape[:2], reading=FAST)[0], theirs), picture.path
            if theirs.shape == (100, 100, 3):
                differences.append(np.abs(decode(data, (100, 100))[0].astype(int) - theirs))
    assert len(differences) == 2_059
    assert np.mean(differences) == pytest.approx(1.37, abs=0.01)  # of the exact ones
    assert np.max(differences) == 17
