"""Figures that show pictures."""

import numpy as np
from matplotlib import colormaps, rcParams
from matplotlib.figure import Figure

from menagerie.plots.letters import POINTS, cut, wrapped
from menagerie.plots.letters import width as text_width
from menagerie.plots.style import LINE, LINES, MANY, entitle

ROWS = 3 * MANY  # of pictures: three blocks fill a page
FILES = 5  # points that the names of files below small pictures are high


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


def picture_grid(
    pictures: np.ndarray, names: list[str], title: str, files: list[list[str]] | None = None
) -> Figure:
    """Pictures uint8 (rows, columns, height, width, 3), each row with its name on the left.

    Many rows stand in blocks beside each other, and are smaller; of more than ROWS some are shown. `files`
    are names for the pictures of each row, written below them.
    """
    if len(names) > ROWS:
        some = np.linspace(0, len(names) - 1, ROWS).astype(int)
        title += f", {ROWS} of {len(names)}"
        pictures, names = pictures[some], [names[place] for place in some]
    rows, columns, height, width, _ = pictures.shape
    blocks = -(-rows // MANY)
    each = -(-rows // blocks)
    points, lines = (POINTS, LINES) if blocks == 1 else (7, 1)
    names = [wrapped(cut(name, 0.8 * lines * 2.6, points), 2.6, points) for name in names]
    high = max(0.8 if blocks == 1 else 0.42, LINE * points * max(name.count("\n") + 1 for name in names))
    margin = 0.4 + max(text_width(name, points) for name in names)
    beside = max(1, height // 12)
    gap = beside if files is None else max(2, height // 4)  # with room for a name
    size = blocks * (margin + high * columns * width / height), 0.5 + high * each * (height + gap) / height
    figure = Figure(figsize=size, layout="constrained")
    for block, axes in enumerate(figure.subplots(1, blocks, squeeze=False).flat):
        some = slice(block * each, (block + 1) * each)
        axes.imshow(_mosaic(pictures[some], gap, beside), interpolation="nearest")
        places = np.arange(len(names[some])) * (height + gap) + height / 2
        axes.set_yticks(places, names[some], fontsize=points, fontfamily=rcParams["font.family"])
        for row, below in enumerate([] if files is None else files[some]):
            for column, file in enumerate(below):
                place = column * (width + beside) + width / 2, row * (height + gap) + height + 0.1 * gap
                text = cut(file, 0.95 * high * width / height, FILES)
                style = {"fontsize": FILES, "ha": "center", "va": "top", "in_layout": False}
                axes.text(*place, text, fontfamily=rcParams["font.family"], **style)
        if files is not None:
            axes.set_ylim(len(names[some]) * (height + gap) - 0.5, -0.5)  # of the last row, too
        axes.set_xticks([])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set_anchor("NW")  # the layout sees how far the names reach only where they begin at its edge
    entitle(figure, title)
    return figure


def _mosaic(pictures: np.ndarray, below: int, beside: int) -> np.ndarray:
    rows, columns, height, width, _ = pictures.shape
    framed = np.pad(pictures, [(0, 0), (0, 0), (0, below), (0, beside), (0, 0)], constant_values=255)
    mosaic = framed.swapaxes(1, 2).reshape(rows * (height + below), columns * (width + beside), 3)
    return mosaic[:-below, :-beside]


def heat_overlays(pictures: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """Lay maps float (n, height, width) in [0, 1] over pictures uint8 (n, height, width, 3), by half."""
    heat = 255 * colormaps["inferno"](maps)[..., :3]
    return np.rint((pictures + heat) / 2).astype(np.uint8)
