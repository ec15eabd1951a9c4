"""Bytes of pictures to pixels: every mode, turn and size, and what is unreadable."""

import io

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps

import broken_pictures
from broken_pictures import HEIGHT, ROUNDED, SIZE, WIDTH, bilinear, by_pillow, encoded, noise, pixels, png
from menagerie.prepare import decoding
from menagerie.prepare.decoding import decode
from menagerie.prepare.opening import UnreadableError

SCALINGS = [
    ((24, 32), (24, 33)),
    ((24, 32), (12, 16)),
    ((24, 32), (48, 64)),
    ((37, 91), (64, 48)),
    ((100, 100), (64, 64)),
    ((91, 37), (13, 224)),
    ((5, 7), (96, 96)),
    ((1, 1), (8, 8)),
    ((300, 2), (71, 71)),
    ((8, 8), (1, 1)),
    ((9, 9), (2, 3)),
    ((2, 40_000), (3, 8)),
]


def pixels_of(data, size, resize="stretch"):
    return decode(data, size, resize)[0]


@pytest.mark.parametrize(("source", "target"), SCALINGS)
def test_resizing_is_bilinear_with_half_pixel_centres_and_no_antialiasing(source, target):
    got = pixels_of(encoded(Image.fromarray(noise(source)), "PNG"), target)
    assert got.shape == (*target, 3)
    assert got.dtype == np.uint8
    assert np.abs(got - bilinear(noise(source), target)).max() <= ROUNDED  # cutting off would be 1


def test_a_large_picture_is_resized_in_bands_without_seams():
    picture = noise((30, 30)).repeat(100, axis=0).repeat(100, axis=1)
    assert picture[:, :, 0].size > 2 * decoding.BAND_PIXELS
    got = pixels_of(encoded(Image.fromarray(picture), "BMP"), (70, 50))
    assert np.abs(got - bilinear(picture, (70, 50))).max() <= ROUNDED


@pytest.mark.tensorflow
def test_resizing_is_that_of_tensorflow():
    import tensorflow as tf

    for source, target in [*SCALINGS, ((480, 640), (224, 224)), ((1000, 750), (150, 150))]:
        got = pixels_of(encoded(Image.fromarray(noise(source)), "PNG"), target)
        expected = tf.image.resize(noise(source), target, method="bilinear", antialias=False).numpy()
        assert np.abs(got - expected).max() <= ROUNDED, (source, target)


@pytest.mark.parametrize("name", broken_pictures.good())
def test_a_picture_of_the_right_size_is_passed_through_as_its_first_frame(name):
    lossy = {
        "photo.jpg": 12,
        "progressive.jpeg": 12,
        "animated.gif": 24,
    }  # the last frame differs by up to 255
    got = pixels_of(broken_pictures.good()[name], SIZE).astype(int)
    assert np.abs(got - pixels()).max() <= lossy.get(name, 0)


grey = pixels()[:, :, 0]
palette = Image.fromarray(pixels()).quantize(64)
faint = np.dstack([pixels(), grey])  # its alpha grows from left to right
on_white = np.rint(255 + (pixels().astype(float) - 255) * (grey[:, :, None] / 255))
ink = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
ink[:, ::2, 3] = 255  # black, and black ink on every second column
MODES = {
    "grey": (encoded(Image.fromarray(grey), "PNG"), np.dstack([grey] * 3)),
    "grey jpeg of one tone": (encoded(Image.new("L", (WIDTH, HEIGHT), 77), "JPEG"), np.full((*SIZE, 3), 77)),
    "1 bit": (encoded(Image.fromarray(grey > 99), "PNG"), np.dstack([(grey > 99) * 255] * 3)),
    "palette": (encoded(palette, "PNG"), np.asarray(palette.convert("RGB"))),
    "palette with one transparent colour": (
        encoded(palette, "PNG", transparency=5),
        np.where((np.asarray(palette) == 5)[:, :, None], 255, np.asarray(palette.convert("RGB"))),
    ),
    "RGB with one transparent colour": (
        encoded(Image.fromarray(pixels()), "PNG", transparency=(8, 0, 0)),
        np.where((pixels() == (8, 0, 0)).all(-1, keepdims=True), 255, pixels()),
    ),
    "transparent": (encoded(Image.fromarray(faint), "PNG"), on_white),
    "transparent webp": (encoded(Image.fromarray(faint), "WEBP", lossless=True, exact=True), on_white),
    "transparent tiff": (encoded(Image.fromarray(faint), "TIFF"), on_white),
    "grey and alpha": (
        encoded(Image.merge("LA", [Image.fromarray(grey), Image.fromarray(grey)]), "PNG"),
        on_white[:, :, [0] * 3],
    ),
    "black on nothing": (encoded(Image.fromarray(ink), "PNG"), np.dstack([255 - ink[:, :, 3]] * 3)),
    "CMYK without ink is white": (
        encoded(Image.new("CMYK", (WIDTH, HEIGHT)), "JPEG"),
        np.full((*SIZE, 3), 255),
    ),
    "CMYK with black ink is black": (
        encoded(Image.new("CMYK", (WIDTH, HEIGHT), (0, 0, 0, 255)), "JPEG"),
        np.zeros((*SIZE, 3)),
    ),
    "CMYK tiff": (
        encoded(Image.fromarray(pixels()).convert("CMYK"), "TIFF"),
        np.asarray(Image.fromarray(pixels()).convert("CMYK").convert("RGB")),
    ),
    "16-bit grey": (encoded(Image.fromarray(grey.astype(np.uint16) * 257), "PNG"), np.dstack([grey] * 3)),
    "16-bit grey tiff": (
        encoded(Image.fromarray(grey.astype(np.uint16) * 257), "TIFF"),
        np.dstack([grey] * 3),
    ),
    "16-bit grey, big-endian tiff": (
        encoded(Image.fromarray((grey.astype(">u2") * 257).astype(">u2")), "TIFF"),
        np.dstack([grey] * 3),
    ),
    "16-bit RGB": (png(16, pixels().astype(">u2") * 257), pixels()),
    "32-bit of 16 bits": (
        encoded(Image.fromarray(grey.astype(np.int32) * 257), "TIFF"),
        np.dstack([grey] * 3),
    ),
    "32-bit of 8 bits": (encoded(Image.fromarray(grey.astype(np.int32)), "TIFF"), np.dstack([grey] * 3)),
    "float to 1": (encoded(Image.fromarray(grey.astype(np.float32) / 255), "TIFF"), np.dstack([grey] * 3)),
    "float to 255": (encoded(Image.fromarray(grey.astype(np.float32)), "TIFF"), np.dstack([grey] * 3)),
    "float to 65535": (
        encoded(Image.fromarray(grey.astype(np.float32) * 257), "TIFF"),
        np.dstack([grey] * 3),
    ),
    "two pictures in a JPEG": (
        encoded(
            Image.new("RGB", (WIDTH, HEIGHT), "white"),
            "MPO",
            save_all=True,
            append_images=[palette.convert("RGB")],
        ),
        np.full((*SIZE, 3), 255),
    ),
}


@pytest.mark.parametrize("name", MODES)
def test_every_mode_becomes_rgb(name):
    data, expected = MODES[name]
    got = pixels_of(data, SIZE)
    assert got.shape == (*SIZE, 3)
    assert got.dtype == np.uint8
    assert np.abs(got - expected.astype(float)).max() <= (
        1 if "alpha" in name or "transparent" in name else 0
    )


@pytest.mark.parametrize(
    ("kind", "white"),
    [(np.int32, 255), (np.int32, 65_535), (np.float32, 1), (np.float32, 255), (np.float32, 65_535)],
)
def test_of_32_bits_the_brightest_that_a_range_may_hold_is_white(kind, white):
    picture = np.array([[0, white / 5, white]]).astype(kind)
    got = pixels_of(encoded(Image.fromarray(picture), "TIFF"), (1, 3))
    assert got.tolist() == [[[0] * 3, [51] * 3, [255] * 3]]


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        (5, -1, r"pixels from -1\.0 to 0\.5: expected 0 to 1, to 255 or to 65,535"),
        (5, 70_000, r"pixels from 0\.5 to 70000\.0: expected"),
        (5, np.inf, "pixels from .* to inf: expected"),
        (5, np.nan, "not numbers"),
        (0, np.nan, "pixels from nan"),
    ],
)
def test_floats_of_no_known_range_are_unreadable(place, value, reason):
    picture = np.full(SIZE, 0.5, np.float32)
    picture.flat[place] = value
    with pytest.raises(UnreadableError, match=reason):
        pixels_of(encoded(Image.fromarray(picture), "TIFF"), SIZE)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_turned_upright(kind, orientation):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    data = encoded(Image.fromarray(pixels()), kind, exif=exif)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))
    assert upright.shape == ((*SIZE, 3) if orientation < 5 else (WIDTH, HEIGHT, 3))
    assert np.array_equal(pixels_of(data, upright.shape[:2]), upright)
    assert np.abs(pixels_of(data, (19, 50)) - bilinear(upright, (19, 50))).max() <= ROUNDED


XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/>'
    b"</rdf:RDF></x:xmpmeta>"
)


def test_an_orientation_that_only_xmp_gives_is_turned_upright():
    data = encoded(Image.fromarray(pixels()), "JPEG", xmp=XMP)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    assert upright.shape == (WIDTH, HEIGHT, 3)
    assert np.array_equal(pixels_of(data, upright.shape[:2]), upright)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"xmp": XMP}, {"keep_rgb": True}])
def test_of_a_jpeg_the_size_and_the_mode_are_told_as_pillow_tells_them(mode, options):
    data = encoded(Image.fromarray(pixels()).convert(mode), "JPEG", **options)
    assert decode(data, (5, 5))[1] == (WIDTH, HEIGHT, mode)


@pytest.mark.parametrize("exif", [b"Exif\0\0garbage", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff", b"Exif\0\0", b""])
def test_broken_exif_does_not_make_a_picture_unreadable(exif):
    data = encoded(Image.fromarray(pixels()), "JPEG", exif=exif)
    without = Image.open(io.BytesIO(encoded(Image.fromarray(pixels()), "JPEG")))
    assert np.array_equal(pixels_of(data, SIZE), np.asarray(without))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("empty.jpg", "empty file"),
        ("text.jpg", "none of AVIF, BMP, GIF, JPEG, PNG, TIFF, WEBP"),
        ("postscript.jpg", "none of AVIF, BMP"),  # it would be run
        ("ppm.jpg", "none of AVIF, BMP"),
        ("cut_50_photo.jpg", "[Tt]runcated"),
        ("cut_50_picture.png", "truncated"),
        (
            "claims_100000x100000.png",
            r"^100,000 x 100,000 are .* more than dataset\.max_pixels",
        ),
        ("claims_12000x12000.png", "truncated"),
    ],
)
def test_an_unreadable_picture_has_a_short_reason(name, reason):
    with pytest.raises(UnreadableError, match=reason) as caught:
        pixels_of(broken_pictures.bad()[name], SIZE)
    assert len(str(caught.value)) <= 200


def test_a_jpeg_of_a_subsampling_that_the_fast_decoder_does_not_know_is_read_by_pillow():
    data = bytearray(broken_pictures.good()["photo.jpg"])
    data[data.index(b"\xff\xc0") + 11] = 0x14  # brightness in every row, colour in every fourth: 4:4:1
    expected, _ = by_pillow(bytes(data))
    assert np.array_equal(pixels_of(bytes(data), SIZE), expected)


@pytest.mark.parametrize(("resize", "fit"), [("crop", ImageOps.fit), ("pad", ImageOps.pad)])
@pytest.mark.parametrize("shape", [(40, 100), (100, 40), (64, 64)])
def test_crop_and_pad_are_those_of_pillow_on_the_upright_picture(resize, fit, shape):
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    picture, exif = Image.fromarray(pixels), Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    data = io.BytesIO()
    picture.save(data, "PNG", exif=exif)
    expected = fit(picture.transpose(Image.Transpose.ROTATE_270), (24, 32), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(pixels_of(data.getvalue(), (32, 24), resize), np.array(expected))
