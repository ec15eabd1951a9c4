"""Figures that show pictures."""

import textwrap

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from menagerie.plots._common import entitle


def captioned_pictures(pictures: np.ndarray, captions: list[str], title: str) -> Figure:
    """Pictures uint8 (n, height, width, 3), four in a row, each with its caption below."""
    columns = min(4, len(pictures))
    rows = -(-len(pictures) // columns)
    figure = Figure(figsize=(2.4 * columns + 0.4, 2.7 * rows + 0.5), layout="constrained")
    for number, axes in enumerate(figure.subplots(rows, columns, squeeze=False).flat):
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
        if number < len(pictures):
            axes.imshow(pictures[number], interpolation="nearest")
            axes.set_xlabel(textwrap.fill(captions[number], 26), fontsize=9)
    entitle(figure, title)
    return figure


def picture_pairs(pairs: np.ndarray, captions: list[str], title: str) -> Figure:
    """Pairs of pictures uint8 (pairs, 2, height, width, 3), each pair with what is to be said of it below."""
    columns = min(4, len(pairs))
    rows = -(-len(pairs) // columns)
    figure = Figure(figsize=(3.4 * columns, 0.6 + 2.5 * rows), layout="constrained")
    for axes in figure.subplots(rows, columns, squeeze=False).flat:
        axes.set_axis_off()
    for axes, (left, right), caption in zip(figure.axes, pairs, captions, strict=False):
        gap = np.full((left.shape[0], max(1, left.shape[1] // 20), 3), 255, np.uint8)
        axes.imshow(np.concatenate([gap, left, gap, right, gap], axis=1), interpolation="nearest")
        axes.set_title(caption, fontsize=8, y=-0.06, va="top")
    entitle(figure, title)
    return figure


def picture_grid(pictures: np.ndarray, classes: list[str], title: str) -> Figure:
    """Pictures uint8 (classes, columns, height, width, 3), one row a class."""
    rows, columns, height, width, _ = pictures.shape
    gap = max(1, height // 12)
    framed = np.pad(pictures, [(0, 0), (0, 0), (0, gap), (0, gap), (0, 0)], constant_values=255)
    mosaic = framed.swapaxes(1, 2).reshape(rows * (height + gap), columns * (width + gap), 3)[:-gap, :-gap]
    margin = 0.3 + 0.09 * max(map(len, classes))  # inches that the names take
    figure = Figure(figsize=(margin + 0.8 * columns, 0.6 + 0.8 * rows), layout="constrained")
    axes = figure.subplots()
    axes.imshow(mosaic, interpolation="nearest")
    axes.set_yticks(np.arange(rows) * (height + gap) + height / 2, classes)
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    entitle(figure, title)
    return figure


def heat_overlays(pictures: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """Lay maps float (n, height, width) in [0, 1] over pictures uint8 (n, height, width, 3), by half."""
    heat = 255 * colormaps["inferno"](maps)[..., :3]
    return np.rint((pictures + heat) / 2).astype(np.uint8)
