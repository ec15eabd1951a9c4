"""Which pictures stand out, on pictures made to be dark, bright, blurred, nearly empty or oddly sized."""

import cv2
import numpy as np
import pandas as pd
import pytest

from menagerie.split.flags import FLAGS, LISTED, flagged, measures, told


def photographs(count=60, side=32, light=120, contrast=45, seed=0):
    """Pictures float64 (count, side, side, 3) with the spectrum of photographs: amplitudes fall as 1 / f."""
    rng = np.random.default_rng(seed)
    frequencies = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side))
    frequencies[0, 0] = np.inf  # the mean is set apart
    noise = np.fft.fft2(rng.normal(size=(count, side, side))) / frequencies
    grey = np.fft.ifft2(noise).real
    grey = light + contrast * grey / grey.std(axis=(1, 2), keepdims=True)
    return np.repeat(grey[..., None], 3, axis=3)


def stored(tmp_path, pictures):
    np.save(tmp_path / "images.npy", np.clip(pictures, 0, 255).round().astype(np.uint8))
    return np.load(tmp_path / "images.npy", mmap_mode="r")


def listed(count, **sizes):
    table = pd.DataFrame({"index": np.arange(count), "class": "a", "width": 32, "height": 32})
    table["path"] = "a/" + table["index"].astype(str) + ".png"
    for column, values in sizes.items():
        table.loc[: len(values) - 1, column] = values
    return table


def found(tmp_path, pictures, **sizes):
    table = flagged(stored(tmp_path, pictures), listed(len(pictures), **sizes))
    return table.groupby("flag", sort=False)["index"].apply(list).to_dict()


def blurred(picture, sigma):
    return cv2.GaussianBlur(picture, (0, 0), sigma)


@pytest.mark.parametrize("side", [32, 64, 224])
def test_each_fault_is_flagged_by_its_name_and_nothing_else_is(tmp_path, side):
    pictures = photographs(side=side)
    pictures[3] = 4 + pictures[3] / 6
    pictures[5] = 240 + (pictures[5] - 120) / 6
    pictures[7] = blurred(pictures[7], side / 15)
    pictures[9] = 130 + np.random.default_rng(1).normal(0, 1.5, pictures[9].shape)
    assert found(tmp_path, pictures) == {"dark": [3], "bright": [5], "blurred": [7], "nearly empty": [9]}


def test_pictures_of_one_colour_are_nearly_empty_and_not_blurred(tmp_path):
    pictures = photographs()
    pictures[0], pictures[1], pictures[2] = 0, 255, 128
    assert found(tmp_path, pictures) == {"dark": [0], "bright": [1], "nearly empty": [0, 1, 2]}


@pytest.mark.parametrize(("light", "contrast"), [(20, 6), (240, 5)])
def test_of_a_set_that_is_dark_bright_or_faint_as_a_whole_nothing_stands_out(tmp_path, light, contrast):
    assert found(tmp_path, photographs(light=light, contrast=contrast)) == {}


def test_in_a_dark_set_a_black_picture_still_stands_out(tmp_path):
    pictures = photographs(light=25, contrast=8)
    pictures[4] = 0
    assert found(tmp_path, pictures) == {"dark": [4], "nearly empty": [4]}


def test_of_a_set_that_is_soft_as_a_whole_nothing_stands_out(tmp_path):
    soft = np.stack([blurred(picture, 2.0) for picture in photographs()])
    assert found(tmp_path, soft) == {}


def test_a_faint_picture_that_is_sharp_is_not_blurred(tmp_path):
    pictures = photographs()
    pictures[0] = 120 + (pictures[0] - 120) / 7
    assert found(tmp_path, pictures) == {}


def test_a_picture_far_from_the_usual_shape_or_size_is_oddly_sized_the_worst_first(tmp_path):
    sizes = {"width": [320, 32, 129, 79, 81, 8], "height": [16, 32, 129, 32, 32, 7]}
    assert found(tmp_path, photographs(), **sizes) == {"oddly sized": [0, 5, 4, 2]}


def test_measures_are_the_mean_the_deviation_and_the_share_of_the_laplacian(tmp_path):
    """The Laplacian of a checkerboard is 8 times its deviation everywhere, so its variance is 64 times."""
    board = np.where(np.indices((8, 8)).sum(axis=0) % 2, 90, 110).astype(np.uint8)
    pictures = np.stack([np.repeat(board[..., None], 3, axis=2), np.full((8, 8, 3), 7, np.uint8)])
    table = measures(stored(tmp_path, pictures), np.array([1, 0]))
    assert table["brightness"].tolist() == pytest.approx([7, 100])
    assert table["contrast"].tolist() == pytest.approx([0, 10])
    assert np.isnan(table["sharpness"][0])
    assert table["sharpness"][1] == pytest.approx(64)


def test_what_is_told_counts_all_and_lists_the_worst(tmp_path):
    pictures = photographs(count=200)
    pictures[:15] = np.arange(15, 0, -1)[:, None, None, None] + pictures[:15] / 50
    report = told(flagged(stored(tmp_path, pictures), listed(200)))
    assert tuple(report) == FLAGS
    assert report["dark"]["count"] == 15
    assert len(report["dark"]["pictures"]) == LISTED
    first = report["dark"]["pictures"][0]
    assert (first["path"], first["class"]) == ("a/14.png", "a")
    assert first["said"] == "brightness 3 of 255"
    assert report["bright"] == {"count": 0, "pictures": []}
