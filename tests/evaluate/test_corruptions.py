"""Corruptions: against NumPy, SciPy and OpenCV, at any size; and the accuracy that a model keeps."""

import cv2
import numpy as np
import pytest
from matplotlib.colors import hsv_to_rgb, rgb_to_hsv
from PIL import Image
from scipy import ndimage
from sklearn.metrics import accuracy_score

from menagerie.evaluate.intervals import wilson_interval

keras = pytest.importorskip("keras")

from menagerie.evaluate.corruptions import CORRUPTIONS, EMPTY, STRENGTHS, corrupt, robustness  # noqa: E402

pytestmark = pytest.mark.tensorflow

BATCH = 256  # small pictures go through together

SIZES = [(8, 8), (33, 47), (32, 32), (80, 72)]
GOLDEN_SIZES = [(33, 47), (32, 32), (8, 8)]
BOTH_ENDS = (1, 5)


def photographs(count, height, width):
    """Smooth colour with edges and grain, as photographs have: uint8 (count, height, width, 3)."""
    rng = np.random.default_rng(3)
    smooth = ndimage.gaussian_filter(
        rng.normal(size=(count, height, width, 3)), (0, height / 8, width / 8, 0)
    )
    smooth = (smooth - smooth.min()) / np.ptp(smooth)
    smooth[:, height // 3 : height // 2, width // 4 : width // 2] = rng.uniform(size=(count, 1, 1, 3))
    grain = rng.normal(scale=0.02, size=smooth.shape)
    return ((smooth + grain).clip(0, 1) * 255).round().astype(np.uint8)


def corrupted(pictures, name, strength, seed=0):
    return keras.ops.convert_to_numpy(corrupt(pictures, name, strength, seed))


def value(name, strength):
    return CORRUPTIONS[name][strength - 1]


def to_uint8(pictures):
    return np.asarray(pictures).round().clip(0, 255).astype(np.uint8)


def assert_within_a_level(found, expected, differing=0.01):
    """Equal, but for at most that share of values: those that lie half-way between two grey levels."""
    difference = np.abs(found.astype(int) - expected)
    assert difference.max() <= 1
    assert (difference > 0).mean() < differing


# what holds for each


@pytest.mark.parametrize("name", CORRUPTIONS)
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_gives_pictures_of_the_same_shape_and_changes_them(name, height, width):
    pictures = photographs(3, height, width)
    for strength in STRENGTHS:
        found = corrupted(pictures, name, strength)
        assert found.shape == pictures.shape
        assert found.dtype == np.uint8
        assert (found != pictures).any()


@pytest.mark.parametrize("name", CORRUPTIONS)
@pytest.mark.parametrize(("height", "width"), [(32, 32), (33, 47), (80, 72)])
def test_changes_more_from_strength_to_strength(name, height, width):
    pictures = photographs(4, height, width)
    change = [np.abs(corrupted(pictures, name, s).astype(int) - pictures).mean() for s in STRENGTHS]
    assert np.all(np.diff(change) > 0)


@pytest.mark.parametrize("name", [name for name in CORRUPTIONS if name != "noise"])
@pytest.mark.parametrize("strength", BOTH_ENDS)
def test_a_picture_comes_out_the_same_in_any_batch(name, strength):
    pictures = photographs(4, 24, 30)
    alone = np.concatenate([corrupted(pictures[i : i + 1], name, strength) for i in range(4)])
    np.testing.assert_array_equal(corrupted(pictures, name, strength, seed=7), alone)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_takes_a_tensor_as_it_takes_an_array(name):
    pictures = photographs(2, 16, 16)
    tensor = keras.ops.convert_to_tensor(pictures)
    np.testing.assert_array_equal(corrupted(tensor, name, 3), corrupted(pictures, name, 3))


@pytest.mark.parametrize("name", ["blur", "contrast", "rotation", "shift"])
@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (12, 200, 99)])
@pytest.mark.parametrize("strength", BOTH_ENDS)
def test_a_picture_of_one_colour_stays_as_it_is(name, colour, strength):
    """So nothing comes in from outside: no black corner, no dark edge."""
    pictures = np.broadcast_to(np.array(colour, np.uint8), (2, 19, 26, 3))
    np.testing.assert_array_equal(corrupted(pictures, name, strength), pictures)


# noise


def test_noise_has_the_standard_deviation_and_no_mean_and_is_in_no_two_pixels_the_same():
    grey = np.full((16, 40, 40, 3), 128, np.uint8)
    for strength in STRENGTHS:
        noise = corrupted(grey, "noise", strength).astype(float) - 128
        assert noise.std() == pytest.approx(255 * value("noise", strength), rel=0.02)
        assert abs(noise.mean()) < 0.5
        channels = np.corrcoef(noise.reshape(-1, 3).T)
        neighbours = np.corrcoef(noise[:, :, :-1].ravel(), noise[:, :, 1:].ravel())
        pictures = np.corrcoef(noise.reshape(16, -1))
        for correlation in (channels, neighbours, pictures):
            assert np.abs(correlation - np.eye(len(correlation))).max() < 0.08


def test_noise_is_clipped_at_black_and_white():
    black, white = np.zeros((4, 32, 32, 3), np.uint8), np.full((4, 32, 32, 3), 255, np.uint8)
    assert (corrupted(black, "noise", 5) == 0).mean() == pytest.approx(0.5, abs=0.05)
    assert (corrupted(white, "noise", 5) == 255).mean() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("seed", [0, 5, 2**31 - 1])
def test_a_seed_gives_one_noise(seed):
    pictures = photographs(2, 16, 16)
    first = corrupted(pictures, "noise", 2, seed)
    np.testing.assert_array_equal(first, corrupted(pictures, "noise", 2, seed))
    assert (first != corrupted(pictures, "noise", 2, seed - 1 if seed else 1)).mean() > 0.5


# against other libraries


@pytest.mark.parametrize(("height", "width"), GOLDEN_SIZES)
@pytest.mark.parametrize("strength", STRENGTHS)
def test_blur_is_scipys(height, width, strength):
    pictures = photographs(2, height, width)
    sigma = value("blur", strength) * max(min(height, width), 32) / 32
    expected = ndimage.gaussian_filter(pictures.astype(float), sigma, axes=(1, 2), mode="reflect")
    assert_within_a_level(corrupted(pictures, "blur", strength), to_uint8(expected))


def test_blur_is_the_same_share_of_a_picture_of_any_size():
    """A picture and the same at three times the side look alike after it."""
    small = photographs(2, 40, 40)
    large = np.kron(small, np.ones((1, 3, 3, 1), np.uint8))
    again = corrupted(large, "blur", 5)[:, 1::3, 1::3].astype(int)
    assert np.abs(again - corrupted(small, "blur", 5)).mean() < 1
    assert np.abs(again - small).mean() > 3


@pytest.mark.parametrize(("height", "width"), GOLDEN_SIZES)
@pytest.mark.parametrize("strength", STRENGTHS)
def test_rotation_is_scipys(height, width, strength):
    pictures = photographs(2, height, width)
    expected = ndimage.rotate(
        pictures.astype(float), value("rotation", strength), (2, 1), reshape=False, order=1, mode="reflect"
    )
    assert_within_a_level(corrupted(pictures, "rotation", strength), to_uint8(expected))


def test_rotation_is_counter_clockwise():
    """As Pillow's: inside, where it has no edge to fill, the two agree."""
    pictures = photographs(1, 64, 64)
    pillow = Image.fromarray(pictures[0]).rotate(30, Image.Resampling.BILINEAR)
    inside = slice(20, 44)
    difference = (
        corrupted(pictures, "rotation", 5)[0, inside, inside].astype(int) - np.asarray(pillow)[inside, inside]
    )
    assert np.abs(difference).max() <= 2


@pytest.mark.parametrize(
    ("height", "width", "strength", "down", "right"),
    [
        (32, 32, 1, 1, 1),
        (32, 32, 5, 5, 5),
        (33, 47, 2, 3, 3),
        (33, 47, 5, 6, 8),
        (8, 8, 1, 1, 1),
        (8, 8, 5, 2, 2),
    ],
)
def test_shift_is_scipys_by_whole_pixels(height, width, strength, down, right):
    pictures = photographs(2, height, width)
    expected = ndimage.shift(pictures, (0, down, right, 0), order=0, mode="reflect")
    np.testing.assert_array_equal(corrupted(pictures, "shift", strength), expected)
    np.testing.assert_array_equal(expected[:, down:, right:], pictures[:, :-down, :-right])


@pytest.mark.parametrize("strength", STRENGTHS)
def test_contrast_shrinks_the_distance_from_each_pictures_mean_colour(strength):
    pictures = photographs(3, 33, 47)
    mean = pictures.mean(axis=(1, 2), keepdims=True)
    expected = value("contrast", strength) * (pictures - mean) + mean
    assert_within_a_level(corrupted(pictures, "contrast", strength), to_uint8(expected))


@pytest.mark.parametrize("strength", STRENGTHS)
def test_brightness_is_added_to_the_value_of_hsv(strength):
    """As skimage and CIFAR-10-C do; Matplotlib's colours stand in for skimage's."""
    pictures = photographs(3, 33, 47)
    pictures[0, :4] = 0  # black has no hue
    pictures[0, 4:8] = 255
    pictures[0, 8:12] = (255, 0, 0)
    hsv = rgb_to_hsv(pictures / 255)
    hsv[..., 2] = (hsv[..., 2] + value("brightness", strength)).clip(0, 1)
    found = corrupted(pictures, "brightness", strength)
    assert_within_a_level(found, to_uint8(hsv_to_rgb(hsv) * 255), differing=0.1)  # 0.1 x 255 is 25.5


def opencv_jpeg(pictures, quality):
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    files = [cv2.imencode(".jpg", picture[..., ::-1], options)[1] for picture in pictures]
    return np.stack([cv2.imdecode(file, cv2.IMREAD_COLOR)[..., ::-1] for file in files])


@pytest.mark.parametrize(("height", "width"), [*GOLDEN_SIZES, (40, 9)])
@pytest.mark.parametrize("strength", STRENGTHS)
def test_jpeg_is_opencvs_without_subsampling(height, width, strength):
    pictures = photographs(10, height, width)
    expected = opencv_jpeg(pictures, value("jpeg", strength))
    assert_within_a_level(corrupted(pictures, "jpeg", strength), expected)


# accuracy


def stored(folder, pictures):
    path = folder / "images.npy"
    np.save(path, pictures)
    return np.load(path, mmap_mode="r")


def by_brightness(threshold):
    """A model of two classes: 1 where the mean of the picture is above the threshold."""
    inputs = keras.Input((None, None, 3), dtype="uint8")
    mean = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(inputs))
    logits = keras.layers.Dense(2, name="logits")
    model = keras.Model(inputs, logits(mean))
    kernel = np.array([[0, 1 / 3]] * 3, np.float32)
    logits.set_weights([kernel, np.array([0, -threshold / 255], np.float32)])
    return model


def accuracies(table, name):
    return table.loc[table["corruption"] == name, "accuracy"].tolist()


def test_a_model_that_sees_mean_brightness_loses_by_brightness_only(tmp_path):
    """Dark pictures have 60 to 98, light ones 180 to 218: 0.15 x 255 more makes no dark one light."""
    grain = np.random.default_rng(0).integers(-20, 21, (40, 12, 10, 1))
    levels = np.where(np.arange(40) < 20, 60, 180) + 2 * (np.arange(40) % 20)
    pictures = np.repeat(levels.reshape(-1, 1, 1, 1) + grain, 3, axis=3).astype(np.uint8)
    images = stored(tmp_path, pictures)
    labels = (np.arange(40) >= 20).astype(np.int32)
    table = robustness(by_brightness(140), images, np.arange(40), labels, seed=1)
    for name in ("noise", "blur", "contrast", "jpeg", "rotation", "shift"):
        assert accuracies(table, name) == [1.0] * 5
    lost = accuracies(table, "brightness")
    assert lost[:3] == [1.0] * 3
    assert lost[4] < lost[3] < 1


def test_accuracy_is_scikit_learns_on_the_same_pictures_with_wilsons_interval(tmp_path):
    images = stored(tmp_path, photographs(30, 17, 21))
    rows = np.random.default_rng(1).permutation(30)[:25]
    labels = np.random.default_rng(2).integers(0, 2, 25).astype(np.int32)
    model = by_brightness(float(np.median(images.mean(axis=(1, 2, 3)))))
    table = robustness(model, images, rows, labels, seed=4)
    assert table.columns.tolist() == EMPTY.columns.tolist()
    pairs = [(name, strength) for name in CORRUPTIONS for strength in (1, 2, 3, 4, 5)]
    assert list(zip(table["corruption"], table["strength"], strict=True)) == pairs
    assert (table["n"] == 25).all()
    for row in table[table["corruption"] != "noise"].itertuples():
        logits = model.predict_on_batch(corrupted(images[rows], row.corruption, row.strength))
        expected = accuracy_score(labels, logits.argmax(axis=1))
        assert row.accuracy == pytest.approx(expected)
        interval = wilson_interval(round(expected * 25), 25)
        assert (row.accuracy_low, row.accuracy_high) == pytest.approx(interval)
    assert table["accuracy"].between(0.05, 0.95).all()


def test_all_batches_count_and_each_has_noise_of_its_own(tmp_path):
    """Equal pictures in two batches, each the answer of a coin that only noise throws."""
    grey = np.full((2 * BATCH, 2, 2, 3), 128, np.uint8)
    images, rows = stored(tmp_path, grey), np.arange(2 * BATCH)
    labels = np.zeros(2 * BATCH, np.int32)
    model = by_brightness(128)

    def noisy(rows, seed=0):
        table = robustness(model, images, rows, labels[: len(rows)], seed)
        assert (table["n"] == len(rows)).all()
        return np.array(accuracies(table, "noise")) * len(rows)

    whole, first, other_seed = noisy(rows), noisy(rows[:BATCH]), noisy(rows[:BATCH], 1)
    assert not np.array_equal(whole, 2 * first)
    assert not np.array_equal(first, other_seed)
    np.testing.assert_array_equal(noisy(rows[:BATCH]), first)
    for correct in (first, whole - first):
        assert np.all((correct > 0.35 * BATCH) & (correct < 0.65 * BATCH))


def test_the_last_batch_may_be_smaller(tmp_path):
    images = stored(tmp_path, np.full((BATCH + 3, 2, 2, 3), 200, np.uint8))
    labels = np.zeros(BATCH + 3, np.int32)
    labels[-2:] = 1
    table = robustness(by_brightness(100), images, np.arange(BATCH + 3), labels, seed=0)
    assert accuracies(table, "shift") == [2 / (BATCH + 3)] * 5


def test_the_empty_table_has_only_the_header():
    assert EMPTY.to_csv(index=False).splitlines() == [
        "corruption,strength,accuracy,accuracy_low,accuracy_high,n"
    ]
