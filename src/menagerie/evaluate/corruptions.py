"""Accuracy under common corruptions, which are computed on the device.

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
from scipy.fft import dct
from scipy.ndimage import gaussian_filter1d
from tqdm import tqdm

from menagerie.data import gather
from menagerie.evaluate.measures import wilson_interval

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

# JFIF: luminance and the two chroma channels from red, green and blue
YCBCR = np.array(
    [[0.299, 0.587, 0.114], [-0.168735892, -0.331264108, 0.5], [0.5, -0.418687589, -0.081312411]]
)
BLOCK_DCT = np.kron(*[dct(np.eye(8), axis=0, norm="ortho")] * 2)  # of an 8x8 block written as a row of 64


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
    height, width = pixels.shape[1:3]
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    y, x = np.mgrid[:height, :width] - np.reshape([(height - 1) / 2, (width - 1) / 2], (2, 1, 1))
    from_y = cosine * y + sine * x + (height - 1) / 2
    from_x = cosine * x - sine * y + (width - 1) / 2
    top, left = np.floor(from_y).astype(int), np.floor(from_x).astype(int)
    flat = ops.reshape(pixels, (-1, height * width, 3))
    rotated = 0
    for row, row_share in ((top, 1 - from_y + top), (top + 1, from_y - top)):
        for column, column_share in ((left, 1 - from_x + left), (left + 1, from_x - left)):
            index = _mirrored(row, height) * width + _mirrored(column, width)
            weight = (row_share * column_share).astype(np.float32).reshape(-1, 1)
            rotated += ops.multiply(ops.take(flat, index.reshape(-1), axis=1), weight)
    return ops.reshape(rotated, pixels.shape)


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
    height, width = pixels.shape[1:3]
    channels = ops.round(ops.matmul(pixels - 128, YCBCR.T.astype(np.float32)))
    steps = ops.convert_to_tensor(_quantisation(quality))
    # Rounded as libjpeg does: its transform gives eighths, and halves go away from 0 here, up below.
    scaled = ops.round(8 * ops.matmul(_blocks(channels), BLOCK_DCT.T.astype(np.float32))) / (8 * steps)
    kept = ops.sign(scaled) * ops.floor(ops.abs(scaled) + 0.5)
    blocks = ops.clip(ops.floor(ops.matmul(kept * steps, BLOCK_DCT.astype(np.float32)) + 0.5), -128, 127)
    channels = _joined(blocks)[:, :height, :width]
    return ops.matmul(channels, np.linalg.inv(YCBCR).T.astype(np.float32)) + 128


def _blocks(channels: Any) -> Any:
    """(n, height, width, 3) cut into (n, rows of blocks, blocks in a row, 3, 64), edges repeated to fill."""
    for axis in (1, 2):
        side = channels.shape[axis]
        filled = np.minimum(np.arange(-(-side // 8) * 8), side - 1)
        channels = ops.take(channels, filled, axis=axis)
    _, height, width, _ = channels.shape
    cut = ops.reshape(channels, (-1, height // 8, 8, width // 8, 8, 3))
    return ops.reshape(ops.transpose(cut, (0, 1, 3, 5, 2, 4)), (-1, height // 8, width // 8, 3, 64))


def _joined(blocks: Any) -> Any:
    """Undo `_blocks`, but for the edges that it repeated."""
    _, rows, columns, _, _ = blocks.shape
    cut = ops.transpose(ops.reshape(blocks, (-1, rows, columns, 3, 8, 8)), (0, 1, 4, 2, 5, 3))
    return ops.reshape(cut, (-1, rows * 8, columns * 8, 3))


def _quantisation(quality: int) -> np.ndarray:
    """The steps that libjpeg rounds coefficients to, float32 (3, 64), one row a channel."""
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG", quality=quality)
    with Image.open(file) as picture:
        luminance, chroma = picture.quantization[0], picture.quantization[1]
    return np.array([luminance, chroma, chroma], np.float32)


FIXED = {  # all but noise, which takes a seed too
    "blur": _blur,
    "contrast": _contrast,
    "jpeg": _jpeg,
    "brightness": _brightness,
    "rotation": _rotation,
    "shift": _shift,
}
