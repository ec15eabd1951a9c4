"""Figures of a data set: what is in it, and in which split."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from menagerie.plots.style import (
    MANY,
    SPLIT_COLOURS,
    TEST,
    TRAIN,
    entitle,
    finish,
    legend_below,
    lettered,
    names_along,
    tilted,
)

SHOWN = 60  # classes, at most
ABREAST = 20  # classes side by side, at most


def class_counts(counts: pd.DataFrame, title: str) -> Figure:
    """Pictures of each class (rows) in each split (columns), and beside it each class's share of its split.

    Classes stand side by side; where they are many or have long names, below each other. Of more than SHOWN
    those with most and with fewest pictures are shown.
    """
    shares = 100 * counts / counts.sum()
    if len(counts) > SHOWN:
        order = np.argsort(-counts.sum(axis=1).to_numpy(), kind="stable")
        ends = np.concatenate([order[: SHOWN // 2], order[-(SHOWN // 2) :]])
        title += f"; the {SHOWN // 2} largest and the {SHOWN // 2} smallest of {len(counts)} classes"
        counts, shares = counts.iloc[ends], shares.iloc[ends]
    names = names_along(list(counts.index))
    panels = {"pictures": counts, "share of the split (%)": shares}
    lying = len(counts) > ABREAST or names.width > 1.6
    if lying:
        step = names.step if len(counts) > MANY else max(names.step, 0.36)
        size = names.width + 7, 1.2 + step * len(counts)
    else:
        size = max(6.0, 0.7 * len(counts)), 6
    figure = Figure(figsize=size, layout="constrained")
    rows, columns = (1, 2) if lying else (2, 1)
    drawn = figure.subplots(rows, columns, sharex=not lying, sharey=lying)
    for axes, (label, values) in zip(drawn, panels.items(), strict=True):
        _bars(axes, values, lying)
        axes.set(**{"xlabel" if lying else "ylabel": label})
        finish(axes)
    if lying:
        drawn[0].set_yticks(range(len(counts)), names.texts, **lettered(names))
        drawn[0].set_ylim(len(counts) - 0.4, -0.6)
    else:
        axes.set_xticks(range(len(counts)), names.texts, **tilted(names), **lettered(names))
    legend_below(figure, axes)
    entitle(figure, title + names.note)
    return figure


def _bars(axes: Axes, values: pd.DataFrame, lying: bool) -> None:
    """A bar for each column beside those of the others."""
    thick = 0.8 / values.shape[1]
    for number, name in enumerate(values.columns):
        places = np.arange(len(values)) + (number - (values.shape[1] - 1) / 2) * thick
        draw = axes.barh if lying else axes.bar
        draw(places, values[name], thick, label=name, color=SPLIT_COLOURS[name])


def picture_sizes(widths: np.ndarray, heights: np.ndarray, title: str) -> Figure:
    """Width against height in pixels as stored, and how many pictures have which aspect ratio."""
    figure = Figure(figsize=(9, 4), layout="constrained")
    scatter, bars = figure.subplots(1, 2)
    scatter.scatter(widths, heights, s=12, alpha=0.3, color=TRAIN, edgecolors="none")
    scatter.set(xlabel="width (pixels)", ylabel="height (pixels)", xlim=(0, None), ylim=(0, None))
    bars.hist(widths / heights, bins=40, range=(0, max(2.0, (widths / heights).max())), color=TRAIN)
    bars.set(xlabel="width / height", ylabel="pictures")
    for axes in (scatter, bars):
        finish(axes)
    entitle(figure, title)
    return figure


def pixel_values(histogram: np.ndarray, title: str) -> Figure:
    """Share of pixels by value 0..255 and channel; `histogram` int (3, 256) in the order R, G, B."""
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.subplots()
    for counts, name, colour in zip(
        histogram, ("red", "green", "blue"), ("#cc3311", TEST, TRAIN), strict=True
    ):
        share = 100 * counts / counts.sum()
        axes.plot(share, color=colour, label=f"{name}, mean {np.average(np.arange(256), weights=counts):.1f}")
    axes.set(xlabel="pixel value", ylabel="share of pixels (%)", xlim=(0, 255), ylim=(0, None))
    finish(axes)
    legend_below(figure, axes)
    entitle(figure, title)
    return figure
