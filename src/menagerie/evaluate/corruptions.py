"""Accuracy under common corruptions, which are computed on the device, but for JPEG.

Strengths are those of CIFAR-10-C (Hendrycks and Dietterich, "Benchmarking Neural Network Robustness to
Common Corruptions and Perturbations", ICLR 2019), where it has the corruption: ImageNet-C's would wipe out
small pictures. Beyond its edge a picture goes on as its mirror image, so that no black corner gives a
corruption away.
"""

import io
import math
from typing import Any

import keras
import numpy as np
import pandas as pd
from keras import ops
from PIL import Image
from scipy.ndimage import gaussian_filter1d
from tqdm import tqdm

from menagerie.data import gather
from menagerie.evaluate.intervals import wilson_interval

# Five strengths each, weakest first. Rotation and shift are not in CIFAR-10-C: the rotations are five equal
# steps up to the 30 degrees of Engstrom et al., "Exploring the Landscape of Spatial Robustness", ICML 2019,
# the middle shift is their 3 pixels of 32.
CORRUPTIONS: dict[str, tuple[float, ...]] = {
    "noise": (0.04, 0.06, 0.08, 0.09, 0.10),  # standard deviation, share of 255
    "blur": (0.4, 0.6, 0.7, 0.8, 1.0),  # sigma, pixels of a picture with a shorter side of 32
    "contrast": (0.75, 0.5, 0.4, 0.3, 0.15),  # factor of the distance from the picture's mean colour
    "jpeg": (80, 65, 58, 50, 40),  # quality as libjpeg counts it
    "brightness": (0.05, 0.1, 0.15, 0.2, 0.3),  # added to HSV's value, share of 255
    "rotation": (6, 12, 18, 24, 30),  # degrees, counter-clockwise
    "shift": (1 / 32, 2 / 32, 3 / 32, 4 / 32, 5 / 32),  # down and to the right, share of the side
}
STRENGTHS = (1, 2, 3, 4, 5)
EMPTY = pd.DataFrame(columns=["corruption", "strength", "accuracy", "accuracy_low", "accuracy_high", "n"])
PIXELS = 1 << 22  # at a time: about 0.5 GB of memory


def robustness(
    model: keras.Model, images: np.ndarray, rows: np.ndarray, labels: np.ndarray, seed: int
) -> pd.DataFrame:
    """Accuracy on these rows of the memory-mapped pictures under each corruption, in CORRUPTIONS' order.

    One row for each corruption and strength (1 to 5), with the columns of EMPTY: accuracy with Wilson's 95 %
    interval, and the number of pictures n. Each batch is read from disk once for all of them.
    """
    correct = {(name, strength): 0 for name in CORRUPTIONS for strength in STRENGTHS}
    height, width = images.shape[1:3]
    batch = max(1, min(256, PIXELS // (height * width)))
    bar = tqdm(desc="corruptions", unit=" pictures", total=len(rows) * len(correct), disable=None)
    with bar:
        for start in range(0, len(rows), batch):
            piece = slice(start, start + batch)
            pictures = ops.convert_to_tensor(gather(images, rows[piece]))
            batch_seed = int(np.random.default_rng([seed, start]).integers(2**31))
            for name, strength in correct:
                logits = model.predict_on_batch(corrupt(pictures, name, strength, batch_seed))
                predicted = ops.convert_to_numpy(logits).argmax(axis=1)
                correct[name, strength] += int((predicted == labels[piece]).sum())
                bar.update(len(predicted))
    n = len(rows)
    table = [(*key, count / n, *wilson_interval(count, n), n) for key, count in correct.items()]
    return pd.DataFrame(table, columns=EMPTY.columns)


def corrupt(pictures: Any, name: str, strength: int, seed: int) -> Any:
    """Corrupt pictures uint8 (n, height, width, 3), an array or a tensor, into a tensor like them.

    `strength` is 1 to 5. Only noise depends on the seed, 0 <= seed < 2**31; its strengths scale one pattern.
    What falls outside 0 to 255 is clipped.
    """
    pixels = ops.cast(ops.convert_to_tensor(pictures), "float32")
    value = CORRUPTIONS[name][strength - 1]
    changed = _noise(pixels, value, seed) if name == "noise" else FIXED[name](pixels, value)
    return ops.cast(ops.clip(ops.round(changed), 0, 255), "uint8")


# Each takes pictures float32 (n, height, width, 3) from 0 to 255 and a value of CORRUPTIONS; what it gives
# may be fractions and lie outside 0 to 255.


def _noise(pixels: Any, share: float, seed: int) -> Any:
    return pixels + keras.random.normal(pixels.shape, 0.0, 255 * share, dtype="float32", seed=seed)


def _blur(pixels: Any, sigma: float) -> Any:
    """Gaussian, as one matrix for the height and one for the width.

    Sigma grows with the picture and so stays the same share of it, but below a side of 32 it does not
    shrink: a sigma under 0.4 pixels leaves a picture as it is.
    """
    height, width = pixels.shape[1:3]
    sigma *= max(min(height, width) / 32, 1)
    for side, equation in ((height, "ij,njwc->niwc"), (width, "ij,nhjc->nhic")):
        matrix = gaussian_filter1d(np.eye(side, dtype=np.float32), sigma, axis=0, mode="reflect")
        pixels = ops.einsum(equation, matrix, pixels)
    return pixels


def _contrast(pixels: Any, factor: float) -> Any:
    mean = ops.mean(pixels, axis=(1, 2), keepdims=True)
    return (pixels - mean) * factor + mean


def _brightness(pixels: Any, share: float) -> Any:
    """HSV's value is the largest of the three channels; a new one scales them all, and black becomes grey."""
    value = ops.max(pixels, axis=-1, keepdims=True)
    brighter = ops.minimum(value + 255 * share, 255)
    return ops.where(value > 0, pixels * (brighter / ops.maximum(value, 1)), brighter)


def _rotation(pixels: Any, degrees: float) -> Any:
    """Around the centre, with bilinear interpolation."""
    count, height, width, _ = pixels.shape
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    x, y = (width - 1) / 2, (height - 1) / 2
    # Where a pixel comes from: cosine and sine around the centre, which stays where it is.
    from_x = [cosine, -sine, x - cosine * x + sine * y]
    from_y = [sine, cosine, y - sine * x - cosine * y]
    transforms = np.tile(np.array([*from_x, *from_y, 0, 0], np.float32), (count, 1))
    return ops.image.affine_transform(pixels, transforms, "bilinear", "reflect", data_format="channels_last")


def _shift(pixels: Any, share: float) -> Any:
    """By whole pixels, at least one: a fraction of one would blur too."""
    for axis in (1, 2):
        side = pixels.shape[axis]
        pixels = ops.take(pixels, _mirrored(np.arange(side) - math.ceil(share * side), side), axis=axis)
    return pixels


def _mirrored(index: np.ndarray, side: int) -> np.ndarray:
    """Bring indices beyond the edge back inside: -1 is 0, -2 is 1, `side` is `side` - 1."""
    index = index % (2 * side)
    return np.minimum(index, 2 * side - 1 - index)


def _jpeg(pixels: Any, quality: int) -> Any:
    """What is left after baseline JPEG with all of the chroma kept (no subsampling)."""
    pictures = ops.convert_to_numpy(pixels).astype(np.uint8)
    return ops.convert_to_tensor(np.stack([_jpeg_of(one, quality) for one in pictures]).astype(np.float32))


def _jpeg_of(picture: np.ndarray, quality: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality, subsampling=0)
    with Image.open(file) as read:
        return np.asarray(read)


FIXED = {  # all but noise, which takes a seed too
    "blur": _blur,
    "contrast": _contrast,
    "jpeg": _jpeg,
    "brightness": _brightness,
    "rotation": _rotation,
    "shift": _shift,
}
