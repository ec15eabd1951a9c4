"""Figures that show pictures."""

import textwrap

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from menagerie.plots.style import entitle


def captioned_pictures(pictures: np.ndarray, captions: list[str], title: str) -> Figure:
    """Pictures uint8 (n, height, width, 3), four in a row, each with its caption below."""
    shape = np.sqrt(pictures.shape[2] / pictures.shape[1])
    width, height = 2.4 * shape, 2.4 / shape  # inches: equal areas, whatever the sides
    captions = [_wrapped(caption, int(10.5 * width)) for caption in captions]
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
            axes.set_xlabel(captions[number], fontsize=9)
            axes.set_anchor("S")  # see picture_grid
    entitle(figure, title)
    return figure


def picture_pairs(pairs: np.ndarray, captions: list[str], title: str) -> Figure:
    """Pairs of pictures uint8 (pairs, 2, height, width, 3), each pair with what is to be said of it below."""
    left, right = pairs[:, 0], pairs[:, 1]
    gap = np.full_like(left[:, :, : max(1, left.shape[2] // 20)], 255)
    return captioned_pictures(np.concatenate([left, gap, right], axis=2), captions, title)


def picture_grid(pictures: np.ndarray, names: list[str], title: str) -> Figure:
    """Pictures uint8 (rows, columns, height, width, 3), each row with its name on the left."""
    rows, columns, height, width, _ = pictures.shape
    gap = max(1, height // 12)
    framed = np.pad(pictures, [(0, 0), (0, 0), (0, gap), (0, gap), (0, 0)], constant_values=255)
    mosaic = framed.swapaxes(1, 2).reshape(rows * (height + gap), columns * (width + gap), 3)[:-gap, :-gap]
    names = [_wrapped(name, 30) for name in names]
    margin = 0.4 + 0.085 * max(len(line) for name in names for line in name.split("\n"))  # inches
    size = margin + 0.8 * columns * width / height, 0.5 + 0.8 * rows
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    axes.imshow(mosaic, interpolation="nearest")
    axes.set_yticks(np.arange(rows) * (height + gap) + height / 2, names)
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_anchor("W")  # the layout sees how far the names reach only where they begin at its edge
    entitle(figure, title)
    return figure


def heat_overlays(pictures: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """Lay maps float (n, height, width) in [0, 1] over pictures uint8 (n, height, width, 3), by half."""
    heat = 255 * colormaps["inferno"](maps)[..., :3]
    return np.rint((pictures + heat) / 2).astype(np.uint8)


def _wrapped(text: str, letters: int) -> str:
    return "\n".join(textwrap.fill(line, letters, break_on_hyphens=False) for line in text.split("\n"))
