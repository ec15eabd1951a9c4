import contextlib
import hashlib
import io
import os
import signal
import subprocess
import sys
import tarfile
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import ExifTags, Image, ImageOps

import broken_pictures
from broken_pictures import HEIGHT, WIDTH, encoded, pixels, png
from helpers import ROOT
from menagerie.archives.layout import content_sha256, find_pictures
from menagerie.archives.reading import MAX_READ_BYTES, Archive
from menagerie.errors import DataError, ParamsError
from menagerie.files import file_sha256
from menagerie.prepare import decoding, workers
from menagerie.prepare.decoding import UnreadableError, decode
from menagerie.prepare.manifest import check_readable, class_names, read_manifest
from menagerie.prepare.preparing import prepare

SIZE = (HEIGHT, WIDTH)
SIGN_DIGITS = "Sign-Language-Digits-Dataset-4b09433ef9d5c60602e8805bb54b8aa2428527f8.zip"
CIFAR = "CIFAR-10-images-d7d05618061fe37d830fb0419063d113c575ccbc.zip"


def packed(path, files):
    """An archive of the kind that the suffix says."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in files.items():
                archive.writestr(zipfile.ZipInfo(name), data)
        return path
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def numbered(count):
    """Pictures of four classes: their red tells their number, green and blue tell a pixel's place."""
    y, x = np.mgrid[:8, :8]
    places = [np.stack([np.full((8, 8), i), x * 30, y * 30], axis=-1).astype(np.uint8) for i in range(count)]
    return {
        f"class {i % 4}/{i:05d}.png": encoded(Image.fromarray(place), "PNG") for i, place in enumerate(places)
    }


def prepared(pictures, folder, size=SIZE, max_unreadable=0.0, workers=1):
    """Prepare into `folder`; the array and the manifest."""
    array, manifest = folder / "out" / "images.npy", folder / "out" / "manifest.csv"
    prepare(pictures, size, array, manifest, folder / "work", max_unreadable, workers)
    return np.load(array), read_manifest(manifest)


def hashes(folder):
    return [file_sha256(folder / "out" / name) for name in ("images.npy", "manifest.csv")]


# which members are pictures


TREE = (
    "README.md",
    "stray.png",
    "set/Dataset/dog/a.WebP",
    "set/Dataset/cat/2.jpg",
    "set/Dataset/cat/10.JPG",
    "set/Dataset/cat/notes.txt",
    "set/Dataset/cat/._2.jpg",
    "set/Dataset/.hidden/1.jpg",
    "__MACOSX/set/Dataset/cat/2.jpg",
    "images/train/cat/1.bmp",
    "images/test/cat/1.tiff",
    "images/test/ant/1.tif",
    "images/test/ant/0.gif",
    "images/test/ant/0.jpeg",
)


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        ("Dataset/{class}", [(" cat", "10.JPG 2.jpg"), (" dog", "a.WebP")]),
        (
            "images/{folder}/{class}",
            [("test ant", "0.gif 0.jpeg 1.tif"), ("test cat", "1.tiff"), ("train cat", "1.bmp")],
        ),
        (
            "images/{class}/{folder}",
            [("ant test", "0.gif 0.jpeg 1.tif"), ("cat test", "1.tiff"), ("cat train", "1.bmp")],
        ),
        (
            "{class}",
            [(" ant", "0.gif 0.jpeg 1.tif"), (" cat", "1.tiff 1.bmp 10.JPG 2.jpg"), (" dog", "a.WebP")],
        ),
    ],
)
def test_a_template_is_matched_with_the_folders_right_above_a_picture(tmp_path, folders, expected):
    found = find_pictures([packed(tmp_path / "a.zip", dict.fromkeys(TREE, b""))], folders)
    assert [(f"{picture.folder} {picture.class_name}", picture.path.split("/")[-1]) for picture in found] == [
        (where, name) for where, names in expected for name in names.split()
    ]


def test_a_template_may_end_in_a_folder_that_is_no_class(tmp_path):
    names = ["a/cat/photos/1.png", "a/dog/photos/2.png", "a/dog/drawings/3.png", "a/dog/photos/old/4.png"]
    found = find_pictures([packed(tmp_path / "a.tar", dict.fromkeys(names, b""))], "{class}/photos")
    assert [(picture.class_name, picture.path) for picture in found] == [("cat", names[0]), ("dog", names[1])]


def test_a_template_s_other_parts_stand_for_themselves(tmp_path):
    names = ["v1.0 (new)/cat/1.png", "v1.0 (new)/dog/1.png", "v1x0 new/cat/2.png", "V1.0 (NEW)/cat/3.png"]
    found = find_pictures([packed(tmp_path / "a.zip", dict.fromkeys(names, b""))], "v1.0 (new)/{class}")
    assert [picture.path for picture in found] == names[:2]


NO_TEMPLATES = ["", "Dataset", "{folder}", "{class}/{class}", "{folder}/{folder}/{class}", "/{class}"]
NO_TEMPLATES += ["{class}/", "a{class}", "{Class}", "{split}/{class}"]


@pytest.mark.parametrize("folders", NO_TEMPLATES)
def test_a_template_that_cannot_be_used_is_refused(tmp_path, folders):
    with pytest.raises(ParamsError, match=r"layout\.folders") as caught:
        find_pictures([packed(tmp_path / "a.zip", dict.fromkeys(TREE, b""))], folders)
    assert repr(folders) in str(caught.value)


def test_no_picture_is_an_error_that_shows_the_template_and_what_there_is(tmp_path):
    path = packed(tmp_path / "a.zip", dict.fromkeys(TREE, b""))
    with pytest.raises(DataError) as caught:
        find_pictures([path], "photos/{class}")
    message = str(caught.value)
    assert str(path) in message
    assert "'photos/{class}'" in message
    assert "'images/test/ant/0.gif'" in message
    assert "README" not in message  # five names are shown, those of pictures first


def test_one_class_is_an_error_that_names_it(tmp_path):
    path = packed(tmp_path / "a.zip", dict.fromkeys(["set/cat/1.png", "set/cat/2.png"], b""))
    with pytest.raises(DataError, match="every picture is of class 'cat'"):
        find_pictures([path], "{class}")


def test_one_path_in_two_archives_is_an_error_that_names_both(tmp_path):
    paths = [
        packed(tmp_path / name, dict.fromkeys(["cat/1.png", "dog/1.png"], b"")) for name in ("a.zip", "b.tar")
    ]
    with pytest.raises(DataError, match=r"a\.zip and .*b\.tar both hold 'cat/1.png'"):
        find_pictures(paths, "{class}")


ODD_NAMES = [
    "000",
    "NA",
    "1e5",
    "nan",
    "-1",
    "",
    "None",
    "a,b",
    'say "cat"',
    "it's",
    " spaces ",
    "línea\nnueva",
]
ODD_NAMES += ["a\rb", "a\r\nb", "犬", "кот", "قط", "#", "=1+1", "\u2028", "😀", "e\u0301"]


def test_odd_names_of_classes_files_and_folders_survive(tmp_path):
    odd = [name for name in ODD_NAMES if name]
    picture = encoded(Image.new("RGB", (2, 2)), "PNG")
    files = {f"top\nfolder/{name}/{name}/{name}.png": picture for name in odd}
    pictures = find_pictures([packed(tmp_path / "a.tar", files)], "{folder}/{class}")
    _, manifest = prepared(pictures, tmp_path)
    assert manifest["class"].tolist() == manifest["folder"].tolist() == sorted(odd)
    assert manifest["path"].tolist() == [f"top\nfolder/{name}/{name}/{name}.png" for name in sorted(odd)]
    assert class_names(manifest) == sorted(odd)


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz"])
def test_the_content_hash_is_that_of_the_sorted_lines(tmp_path, suffix):
    files = {"top/b/2.png": b"two", "top/a/10.png": b"ten", "top/a/9.png": b"nine", "top/README": b"?"}
    lines = "".join(
        f"{hashlib.sha256(files[f'top/{name}']).hexdigest()}  {name}\n"
        for name in ("a/10.png", "a/9.png", "b/2.png")
    )
    pictures = find_pictures([packed(tmp_path / f"a{suffix}", files)], "{class}")
    assert content_sha256(pictures) == hashlib.sha256(lines.encode()).hexdigest()


def test_the_content_hash_tells_folders_apart(tmp_path):
    here = packed(tmp_path / "a.zip", {"train/a/1.png": b"1", "test/b/1.png": b"2"})
    there = packed(tmp_path / "b.zip", {"test/a/1.png": b"1", "train/b/1.png": b"2"})
    template = "{folder}/{class}"
    assert content_sha256(find_pictures([here], template)) != content_sha256(find_pictures([there], template))


# decoding


ROUNDED = 0.55  # half a grey level, and what 32-bit coordinates add to it


def bilinear(source, size):
    """(h, w, 3) to (H, W, 3) float64: half-pixel centres, held edges, no antialiasing; NumPy interpolates."""

    def stretched(line, target):
        centres = (np.arange(target) + 0.5) * len(line) / target - 0.5
        return np.interp(centres, np.arange(len(line)), line)

    for axis, target in enumerate(size):
        source = np.apply_along_axis(stretched, axis, source, target)
    return source


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


def noise(size):
    return np.random.default_rng(size).integers(0, 256, (*size, 3), dtype=np.uint8)


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
        ("text.jpg", "none of BMP, GIF, JPEG, PNG, TIFF, WEBP"),
        ("postscript.jpg", "none of BMP"),  # it would be run
        ("ppm.jpg", "none of BMP"),
        ("cut_50_photo.jpg", "[Tt]runcated"),
        ("cut_50_picture.png", "truncated"),
        ("claims_100000x100000.png", "decompression bomb"),
        ("claims_12000x12000.png", "decompression bomb"),
    ],
)
def test_an_unreadable_picture_has_a_short_reason(name, reason):
    with pytest.raises(UnreadableError, match=reason) as caught:
        pixels_of(broken_pictures.bad()[name], SIZE)
    assert len(str(caught.value)) <= 200


# preparing


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


def test_a_jpeg_of_a_subsampling_that_the_fast_decoder_does_not_know_is_read_by_pillow():
    data = bytearray(broken_pictures.good()["photo.jpg"])
    data[data.index(b"\xff\xc0") + 11] = 0x14  # brightness in every row, colour in every fourth: 4:4:1
    expected, _ = by_pillow(bytes(data))
    assert np.array_equal(pixels_of(bytes(data), SIZE), expected)


@pytest.mark.parametrize("processes", [1, 2])
def test_two_hundred_damaged_pictures_are_told_from_the_good_ones(tmp_path, monkeypatch, processes):
    monkeypatch.setattr(workers, "POOL_BYTES", 0)
    good, bad = broken_pictures.good(), broken_pictures.bad()
    assert len(bad) > 180
    files = {f"good/{name}": data for name, data in good.items()} | {
        f"bad/{name}": data for name, data in bad.items()
    }
    pictures = find_pictures([packed(tmp_path / "a.tar", files)], "{class}")
    array, manifest = prepared(pictures, tmp_path, max_unreadable=1.0, workers=processes)
    assert manifest["path"].tolist() == sorted(files)
    for row in manifest.itertuples():
        expected = by_pillow(files[row.path])
        assert (row.status == "ok") == (expected is not None), (row.path, row.status)
        assert row.sha256 == hashlib.sha256(files[row.path]).hexdigest()
        if expected is None:
            assert (row.width, row.height, row.mode) == (0, 0, "")
            assert not array[row.Index].any()
        elif expected[1] == (WIDTH, HEIGHT):
            assert (row.width, row.height) == (WIDTH, HEIGHT)
            assert np.array_equal(array[row.Index], expected[0]), row.path
    statuses = manifest.set_index("path")["status"]
    assert (statuses[[f"good/{name}" for name in good]] == "ok").all()
    assert (statuses != "ok").sum() > 120
    assert not statuses.str.contains("0x|\n|/").any()  # no address, no path: the same in every run


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz"])
def test_every_archive_and_number_of_workers_gives_the_same_bytes(tmp_path, monkeypatch, suffix):
    monkeypatch.setattr(workers, "CHUNK_PICTURES", 7)
    files = numbered(100)
    shuffled = dict(sorted(files.items(), key=lambda item: item[0][::-1]))
    pictures = find_pictures([packed(tmp_path / f"a{suffix}", shuffled)], "{class}")
    array, manifest = prepared(pictures, tmp_path / "one", (4, 6))
    monkeypatch.setattr(workers, "POOL_BYTES", 0)
    prepared(pictures, tmp_path / "three", (4, 6), workers=3)
    assert hashes(tmp_path / "one") == hashes(tmp_path / "three")
    assert array.shape == (100, 4, 6, 3)
    assert array.dtype == np.uint8
    assert manifest["path"].tolist() == sorted(files)
    for index, path in enumerate(sorted(files)):
        assert (array[index, :, :, 0] == int(path[-9:-4])).all()
    assert not list((tmp_path / "one" / "work").glob("build*"))


def test_pictures_of_several_archives_are_one_array(tmp_path):
    files = numbered(40)
    halves = [{name: data for name, data in files.items() if name[6] in classes} for classes in ("02", "13")]
    paths = [packed(tmp_path / name, half) for name, half in zip(("b.zip", "a.tar.gz"), halves, strict=True)]
    array, manifest = prepared(find_pictures(paths, "{class}"), tmp_path, (8, 8))
    assert manifest["path"].tolist() == sorted(files)
    assert array[:, 0, 0, 0].tolist() == [int(path[-9:-4]) for path in sorted(files)]


def test_the_manifest_says_what_a_picture_was(tmp_path):
    files = {
        "train/cat/1.jpg": MODES["CMYK without ink is white"][0],
        "train/dog/2.png": MODES["16-bit grey"][0],
        "test/dog/3.gif": b"",
    }
    _, manifest = prepared(
        find_pictures([packed(tmp_path / "a.zip", files)], "{folder}/{class}"), tmp_path, (9, 9), 0.5
    )
    text = (tmp_path / "out" / "manifest.csv").read_bytes().decode()
    digests = [hashlib.sha256(files[path]).hexdigest() for path in sorted(files)]
    assert text.splitlines() == [
        '"index","path","class","folder","width","height","mode","sha256","status"',
        f'0,"test/dog/3.gif","dog","test",0,0,"","{digests[0]}","empty file"',
        f'1,"train/cat/1.jpg","cat","train",32,24,"CMYK","{digests[1]}","ok"',
        f'2,"train/dog/2.png","dog","train",32,24,"I;16","{digests[2]}","ok"',
    ]
    assert manifest["index"].tolist() == [0, 1, 2]
    assert manifest["width"].dtype == "int64"


def test_a_member_too_large_for_memory_is_an_unreadable_picture(tmp_path):
    with tarfile.open(packed(tmp_path / "a.tar", numbered(4)), "a") as archive:
        info = tarfile.TarInfo("class 9/huge.bmp")
        info.size = MAX_READ_BYTES + 1
        archive.fileobj.write(info.tobuf())
        archive.fileobj.truncate(archive.fileobj.tell() + info.size + 10_240)
    _, manifest = prepared(find_pictures([tmp_path / "a.tar"], "{class}"), tmp_path, max_unreadable=0.5)
    assert manifest["status"].tolist() == ["ok"] * 4 + ["268,435,457 bytes, more than 268,435,456"]


def test_too_many_unreadable_pictures_leave_no_output_and_a_raised_limit_goes_on(tmp_path):
    files = numbered(8) | {"class 0/bad.png": b"text", "class 1/worse.png": b""}
    pictures = find_pictures([packed(tmp_path / "a.zip", files)], "{class}")
    with pytest.raises(DataError) as caught:
        prepared(pictures, tmp_path, max_unreadable=0.19)
    assert "2 of 10 pictures" in str(caught.value)
    assert "'class 1/worse.png': empty file" in str(caught.value)
    assert not list((tmp_path / "out").glob("*"))
    array, manifest = prepared(pictures, tmp_path, max_unreadable=0.2)
    assert (manifest["status"] == "ok").sum() == len(array) - 2


def test_check_readable_lists_the_first_few():
    manifest = pd.DataFrame(
        {"path": [f"{i}.png" for i in range(20)], "status": ["ok"] * 10 + ["empty file"] * 10}
    )
    check_readable(manifest, 0.5)
    with pytest.raises(DataError, match=r"10 of 20 .*dataset\.max_unreadable is 0\.45") as caught:
        check_readable(manifest, 0.45)
    assert str(caught.value).count("empty file") == 5
    assert "and 5 more" in str(caught.value)


def test_an_older_output_is_replaced_and_survives_an_error(tmp_path):
    good = find_pictures([packed(tmp_path / "good.zip", numbered(8))], "{class}")
    bad = find_pictures([packed(tmp_path / "bad.zip", numbered(4) | {"class 0/x.png": b""})], "{class}")
    prepared(good, tmp_path)
    before = hashes(tmp_path)
    with pytest.raises(DataError, match="unreadable"):
        prepared(bad, tmp_path)
    assert hashes(tmp_path) == before
    array, _ = prepared(bad, tmp_path, max_unreadable=0.5)
    assert len(array) == 5


def test_a_damaged_archive_is_an_error_that_names_the_member(tmp_path):
    path = packed(tmp_path / "a.zip", numbered(8))
    pictures = find_pictures([path], "{class}")
    data = bytearray(path.read_bytes())
    data[data.index(b"class 2/00002.png") + 40] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"a\.zip: member 'class 2/00002\.png' is damaged"):
        prepared(pictures, tmp_path)
    assert not list((tmp_path / "out").glob("*"))


def test_a_folder_that_cannot_be_written_is_an_error_that_says_so(tmp_path):
    pictures = find_pictures([packed(tmp_path / "a.zip", numbered(8))], "{class}")
    (tmp_path / "work").write_text("a file")
    with pytest.raises(DataError, match=r"work.*make the folder writable"):
        prepared(pictures, tmp_path)


# going on after an interruption


@pytest.fixture
def stopped(tmp_path, monkeypatch):
    """A build that is all but moved: one picture is unreadable and none may be."""
    monkeypatch.setattr(workers, "CHUNK_PICTURES", 10)
    files = numbered(100) | {"class 0/bad.png": b"text"}
    pictures = find_pictures([packed(tmp_path / "a.tar", files)], "{class}")
    prepared(pictures, tmp_path / "undisturbed", max_unreadable=0.5)
    with pytest.raises(DataError, match="unreadable"):
        prepared(pictures, tmp_path)
    (build,) = (tmp_path / "work").glob("build-*")
    assert len((build / "journal").read_text().splitlines()) == 11
    return pictures, build


def test_finished_chunks_are_not_decoded_again(tmp_path, stopped):
    pictures, build = stopped
    line = (build / "journal").read_text().splitlines()[3]
    payload = line.partition(" ")[2].replace('"RGB"', '"from the journal"')
    honest = f"{hashlib.sha256(payload.encode()).hexdigest()} {payload}\n"
    (build / "journal").write_text((build / "journal").read_text().replace(line + "\n", honest))
    _, manifest = prepared(pictures, tmp_path, max_unreadable=0.5)
    assert (manifest["mode"] == "from the journal").sum() == 10


def cut(path, share):
    os.truncate(path, int(path.stat().st_size * share))


def overwrite(path, share, data):
    with path.open("r+b") as file:
        file.seek(int(path.stat().st_size * share))
        file.write(data)


def rewrite(path, change):
    path.write_text("".join(change(path.read_text().splitlines(keepends=True))))


DAMAGES = {
    "journal gone": lambda build: (build / "journal").unlink(),
    "journal empty": lambda build: cut(build / "journal", 0),
    "journal cut in a line": lambda build: cut(build / "journal", 0.55),
    "journal cut at its last byte": lambda build: cut(build / "journal", 0.9999),
    "journal with zeros": lambda build: overwrite(build / "journal", 0.3, bytes(500)),
    "journal with bytes that are no text": lambda build: overwrite(
        build / "journal", 0.3, b"\xff\xfe\n\r\x85" * 9
    ),
    "journal with a digit changed": lambda build: rewrite(
        build / "journal", lambda ls: [s.replace("8", "9") for s in ls]
    ),
    "journal shuffled and doubled": lambda build: rewrite(build / "journal", lambda ls: ls[::-1] + ls),
    "journal of other rows": lambda build: rewrite(
        build / "journal", lambda ls: [ls[0].replace("[0,", "[1,"), *ls[1:]]
    ),
    "rows gone": lambda build: (build / "images.npy").unlink(),
    "rows cut": lambda build: cut(build / "images.npy", 0.4),
    "rows zeroed": lambda build: overwrite(build / "images.npy", 0.4, bytes(9_000)),
    "rows longer": lambda build: overwrite(build / "images.npy", 1, b"more"),
    "header overwritten": lambda build: overwrite(build / "images.npy", 0, b"?" * 60),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_build_never_gives_wrong_rows(tmp_path, stopped, damage):
    pictures, build = stopped
    DAMAGES[damage](build)
    prepared(pictures, tmp_path, max_unreadable=0.5)
    assert hashes(tmp_path) == hashes(tmp_path / "undisturbed")


def test_going_on_twice_loses_nothing(tmp_path, stopped):
    pictures, build = stopped
    before = (build / "journal").read_text()
    with pytest.raises(DataError, match="unreadable"):
        prepared(pictures, tmp_path)
    assert (build / "journal").read_text() == before


def test_a_build_of_another_size_is_not_taken_up(tmp_path, stopped):
    pictures, _ = stopped
    array, _ = prepared(pictures, tmp_path, (WIDTH, HEIGHT), max_unreadable=0.5)  # rows of as many bytes
    assert array.shape == (101, WIDTH, HEIGHT, 3)
    assert np.array_equal(array[5], pixels_of(numbered(100)[pictures[5].path], (WIDTH, HEIGHT)))


def test_a_build_of_other_pictures_is_not_taken_up_even_if_they_look_the_same(tmp_path):
    picture = encoded(Image.fromarray(pixels()), "PNG")
    files = {f"{'ab'[i % 2]}/{i}.png": picture + b"?" * i for i in range(6)} | {"c/bad.png": b""}
    found = find_pictures([packed(tmp_path / "a.tar", files)], "{class}")
    with pytest.raises(DataError, match="unreadable"):
        prepared([*found[:4], found[-1]], tmp_path)
    _, manifest = prepared([*found[1:5], found[-1]], tmp_path, max_unreadable=0.5)
    expected = [hashlib.sha256(files[path]).hexdigest() for path in manifest["path"]]
    assert manifest["sha256"].tolist() == expected


def test_a_build_of_another_archive_of_the_same_name_and_size_is_not_taken_up(tmp_path, stopped):
    pictures, _ = stopped
    before = pictures[0].archive.stat().st_size
    others = list(numbered(200).values())[100:]
    files = dict(zip(numbered(100), others, strict=True))
    packed(pictures[0].archive, files | {"class 0/bad.png": b"text"})
    assert pictures[0].archive.stat().st_size == before
    array, manifest = prepared(find_pictures([pictures[0].archive], "{class}"), tmp_path, max_unreadable=0.5)
    numbers = [int(path[-9:-4]) for path in manifest["path"] if "bad" not in path]
    assert array[manifest["status"] == "ok", 0, 0, 0].tolist() == [100 + number for number in numbers]


PREPARE = """
import sys
from pathlib import Path
from menagerie.prepare import workers
from menagerie.archives.layout import find_pictures
from menagerie.prepare.preparing import prepare
workers.POOL_BYTES, workers.CHUNK_PICTURES = 0, 50
archive, folder, count = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
pictures = find_pictures([archive], "{class}")
array, manifest = folder / "out" / "images.npy", folder / "out" / "manifest.csv"
prepare(pictures, (64, 64), array, manifest, folder / "work", 0.0, count)
"""


def start(archive, folder, count, code=PREPARE):
    folder.mkdir(exist_ok=True)
    source = str(ROOT / "src")
    return subprocess.Popen(
        [sys.executable, "-c", code, archive, folder, str(count)],
        env=os.environ | {"PYTHONPATH": source},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def finish(process):
    """Wait for the process and all that it started: they hold the other end of its output."""
    output, _ = process.communicate(timeout=60)
    return process.returncode, output.decode()


def wait_for_lines(process, folder, lines):
    """Until the journal has so many."""
    while sum(path.read_bytes().count(b"\n") for path in (folder / "work").glob("build-*/journal")) < lines:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.002)
            pytest.fail(f"ended too early: {finish(process)}")


@pytest.fixture(scope="module")
def slow(tmp_path_factory):
    """600 small pictures in 12 chunks, then some of 36 megapixels each, and the hashes of what they give."""
    folder = tmp_path_factory.mktemp("slow")
    files = {
        f"{'ab'[i % 2]}/{i:04d}.png": encoded(Image.fromarray(noise((40, 40 + i % 9))), "PNG")
        for i in range(600)
    }
    large = encoded(Image.new("1", (6_000, 6_000), 1), "PNG")
    files |= {f"b/large_{i}.png": large for i in range(6)}
    archive = packed(folder / "a.tar.gz", files)
    assert finish(start(archive, folder, 1)) == (0, "")
    return archive, hashes(folder)


needs_sigkill = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")


@needs_sigkill
@pytest.mark.parametrize(("lines", "count"), [(0, 1), (1, 1), (7, 1), (1, 2), (5, 2), (11, 2)])
def test_a_killed_build_goes_on_and_gives_the_same_bytes(tmp_path, slow, lines, count):
    archive, undisturbed = slow
    process = start(archive, tmp_path, count)
    wait_for_lines(process, tmp_path, lines)
    process.kill()
    assert finish(process)[0] == -signal.SIGKILL  # and no worker is left behind
    assert not (tmp_path / "out").exists()
    assert finish(start(archive, tmp_path, 3 - count)) == (0, "")
    assert hashes(tmp_path) == undisturbed


@needs_sigkill
def test_a_build_killed_again_and_again_comes_to_its_end(tmp_path, slow):
    archive, undisturbed = slow
    for lines in (2, 4, 6, 8, 10):
        process = start(archive, tmp_path, 2)
        wait_for_lines(process, tmp_path, lines)
        process.kill()
        finish(process)
    assert finish(start(archive, tmp_path, 2)) == (0, "")
    assert hashes(tmp_path) == undisturbed


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds worker processes in /proc")
def test_a_killed_worker_is_an_error_that_names_the_fix(tmp_path, slow):
    archive, undisturbed = slow
    process = start(archive, tmp_path, 2)
    wait_for_lines(process, tmp_path, 1)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    worker = next(pid for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(int(worker), signal.SIGKILL)
    status, output = finish(process)
    assert status == 1
    assert "DataError: a process that decodes pictures ended" in output
    assert finish(start(archive, tmp_path, 1)) == (0, "")
    assert hashes(tmp_path) == undisturbed


def test_two_builds_at_once_wait_for_each_other(tmp_path, slow):
    archive, undisturbed = slow
    first = start(archive, tmp_path, 1)
    wait_for_lines(first, tmp_path, 1)
    second = start(archive, tmp_path, 1)
    assert finish(first) == (0, "")
    status, output = finish(second)
    assert status == 0
    assert "waiting" in output
    assert hashes(tmp_path) == undisturbed


@pytest.mark.skipif(os.name != "posix", reason="sets the largest file that a process may write")
def test_a_disk_too_small_is_an_error_and_room_made_later_is_used(tmp_path, slow):
    archive, undisturbed = slow
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (10**6, 10**6))\n"
    status, output = finish(start(archive, tmp_path, 1, limit + PREPARE))
    assert status == 1
    assert "DataError: [Errno 27] File too large; make room" in output
    assert finish(start(archive, tmp_path, 1)) == (0, "")
    assert hashes(tmp_path) == undisturbed


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc/self/status")
def test_memory_does_not_grow_with_the_array(tmp_path):
    picture = encoded(Image.new("RGB", (640, 640)), "PNG")
    archive = packed(tmp_path / "a.zip", {f"{'ab'[i % 2]}/{i}.png": picture for i in range(400)})
    report = "print(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])"  # kB
    status, output = finish(start(archive, tmp_path, 1, PREPARE.replace("(64, 64)", "(640, 640)") + report))
    assert status == 0
    assert (tmp_path / "out" / "images.npy").stat().st_size > 450 * 2**20
    assert int(output) < 200 * 2**10


# against Keras, and real data


@pytest.mark.tensorflow
def test_order_and_pixels_are_those_of_keras(tmp_path):
    import keras

    names = ["b/10.png", "b/9.png", "B/a.png", "a c/x.png", "a/z.png", "a/Z.png", "ß/1.png", "_/1.png"]
    files = {name: encoded(Image.fromarray(noise((20 + i, 31))), "PNG") for i, name in enumerate(names)}
    for name, data in files.items():
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    theirs = keras.utils.image_dataset_from_directory(tmp_path / "tree", image_size=(16, 16), shuffle=False)
    pictures = find_pictures([packed(tmp_path / "a.zip", files)], "{class}")
    array, manifest = prepared(pictures, tmp_path, (16, 16))
    assert class_names(manifest) == theirs.class_names
    assert manifest["path"].tolist() == [
        Path(path).relative_to(tmp_path / "tree").as_posix() for path in theirs.file_paths
    ]
    ((batch, labels),) = list(theirs)
    assert np.abs(array - batch.numpy()).max() <= ROUNDED
    assert [theirs.class_names[label] for label in labels] == manifest["class"].tolist()


def of_mirror(mirror, name, folders):
    if not (mirror / name).exists():
        pytest.skip(f"{mirror / name} is not there")
    return find_pictures([mirror / name], folders)


def test_sign_digits_are_what_their_authors_published(mirror):
    pictures = of_mirror(mirror, SIGN_DIGITS, "Dataset/{class}")
    counts = pd.Series([picture.class_name for picture in pictures]).value_counts().sort_index()
    assert counts.index.tolist() == list("0123456789")
    assert counts.tolist() == [205, 206, 206, 206, 207, 207, 207, 206, 208, 204]
    assert content_sha256(pictures) == "30d0ee3c8599928f6f98281a33826ca56fa9382069785bea8716221a344b606f"


def test_sign_digits_are_prepared_upright(mirror, tmp_path):
    pictures = of_mirror(mirror, SIGN_DIGITS, "Dataset/{class}")
    array, manifest = prepared(pictures, tmp_path, (100, 100))
    assert (manifest["status"] == "ok").all()
    large = manifest.index[manifest["width"] == 3024]
    assert [manifest["path"][row][-14:] for row in large] == [
        "7/IMG_5874.JPG",
        "7/IMG_5935.JPG",
        "7/IMG_5978.JPG",
    ]
    with Archive(mirror / SIGN_DIGITS) as archive:
        for row, picture in enumerate(pictures):
            stored = Image.open(io.BytesIO(archive.read(picture.member)))
            if row not in large:
                assert np.array_equal(array[row], np.asarray(stored))
                continue
            assert stored.getexif()[ExifTags.Base.Orientation] == 6
            upright = ImageOps.exif_transpose(stored)
            expected = bilinear(np.asarray(upright), (100, 100))
            assert np.abs(array[row] - expected).max() <= ROUNDED


@pytest.mark.slow
def test_cifar_is_prepared_as_pillow_decodes_it(mirror, tmp_path):
    pictures = of_mirror(mirror, CIFAR, "{folder}/{class}")
    array, manifest = prepared(pictures, tmp_path, (32, 32), workers=2)
    assert manifest.groupby(["folder", "class"]).size().tolist() == [1_000] * 10 + [5_000] * 10
    with Archive(mirror / CIFAR) as archive:
        for row in range(0, len(pictures), 97):
            stored = Image.open(io.BytesIO(archive.read(pictures[row].member)))
            assert np.array_equal(array[row], np.asarray(stored))


@pytest.mark.parametrize(
    ("names", "folders"),
    [
        (["train/cat/1.png", "train/dog/1.png", "Test/cat/1.png"], {"train", "Test"}),
        (["cat/1.png", "dog/1.png"], {""}),
        (["mine/cat/1.png", "mine/dog/1.png"], {""}),
        (["train/cat/1.png", "dog/1.png"], {""}),  # a class may be called train
    ],
)
def test_the_layout_of_a_persons_own_folder_is_seen(tmp_path, names, folders):
    with zipfile.ZipFile(tmp_path / "own.zip", "w") as archive:
        for name in names:
            archive.writestr(name, b"")
    pictures = find_pictures([tmp_path / "own.zip"], "auto")
    assert {picture.folder for picture in pictures} == folders
    assert {picture.class_name for picture in pictures} == {"cat", "dog"}


def test_classes_are_renamed_and_sorted_by_their_new_names(tmp_path):
    with zipfile.ZipFile(tmp_path / "own.zip", "w") as archive:
        for name in ("cane/1.png", "ragno/1.png", "mucca/1.png"):
            archive.writestr(name, b"")
    pictures = find_pictures([tmp_path / "own.zip"], "{class}", {"cane": "dog", "mucca": "cow"})
    assert [picture.class_name for picture in pictures] == ["cow", "dog", "ragno"]


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
