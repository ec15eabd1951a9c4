"""Figures of a data set: what is in it, and in which split."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from menagerie.plots.style import SPLIT_COLOURS, TEST, TRAIN, entitle, finish, legend_below, tilted


def class_counts(counts: pd.DataFrame, title: str) -> Figure:
    """Pictures of each class (rows) in each split (columns), and below it each class's share of its split."""
    figure = Figure(figsize=(max(6.0, 0.7 * len(counts)), 6), layout="constrained")
    width = 0.8 / counts.shape[1]
    panels = {"pictures": counts, "share of the split (%)": 100 * counts / counts.sum()}
    for axes, (label, values) in zip(figure.subplots(2, 1, sharex=True), panels.items(), strict=True):
        for number, name in enumerate(counts.columns):
            places = np.arange(len(counts)) + (number - (counts.shape[1] - 1) / 2) * width
            axes.bar(places, values[name], width, label=name, color=SPLIT_COLOURS[name])
        axes.set_ylabel(label)
        finish(axes)
    axes.set_xticks(range(len(counts)), counts.index, **tilted(counts.index))
    legend_below(figure, axes)
    entitle(figure, title)
    return figure


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
