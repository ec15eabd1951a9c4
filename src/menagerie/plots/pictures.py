"""Figures that show pictures."""

import numpy as np
from matplotlib import colormaps, rcParams
from matplotlib.figure import Figure

from menagerie.plots.letters import POINTS, legible, wrapped
from menagerie.plots.letters import width as text_width
from menagerie.plots.style import LINE, MANY, entitle


def captioned_pictures(pictures: np.ndarray, captions: list[str], title: str) -> Figure:
    """Pictures uint8 (n, height, width, 3), four in a row, each with its caption below."""
    shape = np.sqrt(pictures.shape[2] / pictures.shape[1])
    width, height = 2.4 * shape, 2.4 / shape  # inches: equal areas, whatever the sides
    captions = [wrapped(caption, width, 9) for caption in captions]
    lines = 1 + max(caption.count("\n") for caption in captions)
    columns = min(4, len(pictures))
    rows = -(-len(pictures) // columns)
    size = 0.2 + (width + 0.1) * columns, 0.4 + (height + 0.2 + 0.15 * lines) * rows
    figure = Figure(figsize=size, layout="constrained")
    for number, axes in enumerate(figure.subplots(rows, columns, squeeze=False).flat):
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
        if number < len(pictures):
            axes.imshow(pictures[number], interpolation="nearest")
            axes.set_xlabel(captions[number], fontsize=9, fontfamily=rcParams["font.family"])
            axes.set_anchor("S")  # see picture_grid
    entitle(figure, title)
    return figure


def picture_pairs(pairs: np.ndarray, captions: list[str], title: str) -> Figure:
    """Pairs of pictures uint8 (pairs, 2, height, width, 3), each pair with what is to be said of it below."""
    left, right = pairs[:, 0], pairs[:, 1]
    gap = np.full_like(left[:, :, : max(1, left.shape[2] // 20)], 255)
    return captioned_pictures(np.concatenate([left, gap, right], axis=2), captions, title)


def picture_grid(pictures: np.ndarray, names: list[str], title: str) -> Figure:
    """Pictures uint8 (rows, columns, height, width, 3), each row with its name on the left.

    Many rows stand in blocks beside each other, and are smaller.
    """
    rows, columns, height, width, _ = pictures.shape
    many = rows > MANY
    blocks = max(min(3, -(-rows // MANY)), -(-rows // 100))
    each = -(-rows // blocks)
    high = 0.42 if many else 0.8  # inches
    points = 7 if many else POINTS
    widest = max(text_width(legible(name), points) for name in names)
    names = [wrapped(name, max(2.6, widest / 3), points) for name in names]
    lines = max(name.count("\n") + 1 for name in names)
    high = max(high, LINE * points * lines)
    margin = 0.4 + max(text_width(name, points) for name in names)
    size = blocks * (margin + high * columns * width / height), 0.5 + high * each
    figure = Figure(figsize=size, layout="constrained")
    for block, axes in enumerate(figure.subplots(1, blocks, squeeze=False).flat):
        some = slice(block * each, (block + 1) * each)
        axes.imshow(_mosaic(pictures[some]), interpolation="nearest")
        places = np.arange(len(names[some])) * (height + _gap(height)) + height / 2
        axes.set_yticks(places, names[some], fontsize=points, fontfamily=rcParams["font.family"])
        axes.set_xticks([])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set_anchor("NW")  # the layout sees how far the names reach only where they begin at its edge
    entitle(figure, title)
    return figure


def _mosaic(pictures: np.ndarray) -> np.ndarray:
    rows, columns, height, width, _ = pictures.shape
    gap = _gap(height)
    framed = np.pad(pictures, [(0, 0), (0, 0), (0, gap), (0, gap), (0, 0)], constant_values=255)
    return framed.swapaxes(1, 2).reshape(rows * (height + gap), columns * (width + gap), 3)[:-gap, :-gap]


def _gap(height: int) -> int:
    return max(1, height // 12)


def heat_overlays(pictures: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """Lay maps float (n, height, width) in [0, 1] over pictures uint8 (n, height, width, 3), by half."""
    heat = 255 * colormaps["inferno"](maps)[..., :3]
    return np.rint((pictures + heat) / 2).astype(np.uint8)
