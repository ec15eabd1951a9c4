"""Figures: functions of values that return a matplotlib Figure; nothing else draws."""

import textwrap

import matplotlib
import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

matplotlib.rcParams["text.parse_math"] = False  # a $ in the name of a class is a $

TRAIN, VAL, TEST = "#4477aa", "#ee7733", "#228833"  # told apart by the colour-blind too
SPLIT_COLOURS = {"train": TRAIN, "val": VAL, "test": TEST}


def learning_curves(history: pd.DataFrame, title: str) -> Figure:
    """Loss and accuracy of train and val over the epochs; `history` as training writes it."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    for axes, measure in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for column, label, colour in ((measure, "train", TRAIN), (f"val_{measure}", "val", VAL)):
            axes.plot(history["epoch"], history[column], label=label, color=colour, marker=".", markersize=4)
        for start in history.groupby("phase", sort=False)["epoch"].min().iloc[1:]:
            axes.axvline(start - 0.5, color="grey", linewidth=0.8, linestyle=":")
        axes.set(xlabel="epoch", ylabel=measure)
        _finish(axes)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(frameon=False)
    _entitle(figure, title)
    return figure


def confusion_matrix(counts: np.ndarray, classes: list[str], title: str) -> Figure:
    """Counts int (classes, classes), true class down, predicted across; shaded by share of the true class."""
    side = max(4.0, 0.55 * len(classes) + 1.5)
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.subplots()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if len(classes) <= 30:  # more would not be readable
        for row, column in np.argwhere(counts):
            colour = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, counts[row, column], ha="center", va="center", color=colour, fontsize=9)
    axes.set_xticks(range(len(classes)), classes, **_tilted(classes))
    axes.set_yticks(range(len(classes)), classes)
    axes.set(xlabel="predicted class", ylabel="true class")
    _entitle(figure, title)
    return figure


def threshold_curves(roc: pd.DataFrame, precision_recall: pd.DataFrame, title: str) -> Figure:
    """ROC and precision-recall curves, one class against the rest; tables as curves.py gives them."""
    figure = Figure(figsize=(10, 4.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    sides = (
        (left, roc, "fpr", "tpr", "false positive rate", "true positive rate"),
        (right, precision_recall, "recall", "precision", "recall", "precision"),
    )
    for axes, table, x, y, x_label, y_label in sides:
        names = table["class"][table["kind"] == "class"].unique()
        colours = colormaps["tab10" if len(names) <= 10 else "tab20"].colors
        for number, (name, one) in enumerate(table.groupby("class", sort=False)):
            mean = one["kind"].iloc[0] != "class"
            style = {"color": "black", "linewidth": 1.6, "linestyle": "--" if "micro" in name else "-"}
            if not mean:
                style = {"color": colours[number % len(colours)], "linewidth": 1}
            axes.plot(one[x], one[y], label=name, **style)
        axes.set(xlabel=x_label, ylabel=y_label, xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
        _finish(axes)
    left.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle=":")
    if len(left.get_legend_handles_labels()[1]) <= 22:  # more would not be readable
        _legend_below(figure, left)
    _entitle(figure, title)
    return figure


def reliability(table: pd.DataFrame, title: str) -> Figure:
    """Accuracy by confidence, and the pictures of each bin; `table` as calibration.reliability gives it."""
    figure = Figure(figsize=(6, 6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    width = table["bin_high"] - table["bin_low"]
    middle = table["bin_low"] + width / 2
    above.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle=":")
    above.bar(middle, table["accuracy"], width, color=TEST, alpha=0.35, edgecolor=TEST, label="accuracy")
    above.plot(table["confidence"], table["accuracy"], color=TEST, marker="o", markersize=4, linestyle="")
    above.set(ylabel="accuracy", xlim=(0, 1), ylim=(0, 1.02))
    below.bar(middle, table["count"], width, color="grey")
    below.set(xlabel="confidence: probability of the predicted class", ylabel="pictures", yscale="log")
    below.yaxis.set_major_formatter("{x:,.0f}")
    for axes in (above, below):
        _finish(axes)
    _entitle(figure, title)
    return figure


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
    _entitle(figure, title)
    return figure


def accuracy_dots(board: pd.DataFrame, reported: dict[str, float], title: str) -> Figure:
    """Test accuracy of each model with its interval, the best on top, and what was reported of it."""
    figure = Figure(figsize=(8, 1.4 + 0.45 * len(board)), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(board))[::-1]
    centre = 100 * board["accuracy"]
    errors = [centre - 100 * board["accuracy_low"], 100 * board["accuracy_high"] - centre]
    axes.errorbar(
        centre, places, xerr=errors, fmt="o", color=TRAIN, capsize=3, label="reproduced, 95 % interval"
    )
    told = [
        (100 * reported[name], place)
        for name, place in zip(board["model"], places, strict=True)
        if name in reported
    ]
    if told:
        axes.plot(*zip(*told, strict=True), "D", color=VAL, markersize=6, label="reported", linestyle="none")
    axes.set_yticks(places, board["model"])
    axes.set_ylim(-0.6, len(board) - 0.4)
    axes.set(xlabel="test accuracy (%)")
    _entitle(figure, title)
    _finish(axes)
    figure.legend(frameon=False, loc="outside lower center", ncols=2)
    return figure


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
        _finish(axes)
    axes.set_xticks(range(len(counts)), counts.index, **_tilted(counts.index))
    _entitle(figure, title)
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, frameon=False, loc="outside lower center", ncols=counts.shape[1])
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
        _finish(axes)
    _entitle(figure, title)
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
    _finish(axes)
    figure.legend(frameon=False, loc="outside lower center", ncols=3)
    _entitle(figure, title)
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
    _entitle(figure, title)
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
    _entitle(figure, title)
    return figure


def learning_curves_together(history: pd.DataFrame, title: str) -> Figure:
    """Val loss and accuracy of all models over the epochs; `history` has a column `model`."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    names = list(dict.fromkeys(history["model"]))
    colours = colormaps["tab10" if len(names) <= 10 else "tab20"].colors
    for axes, measure in zip(figure.subplots(1, 2), ("val_loss", "val_accuracy"), strict=True):
        for number, name in enumerate(names):
            one = history[history["model"] == name]
            axes.plot(
                one["epoch"], one[measure], label=name, color=colours[number % len(colours)], marker="."
            )
        axes.set(xlabel="epoch", ylabel=measure.replace("_", " "))
        _finish(axes)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _legend_below(figure, figure.axes[0])
    _entitle(figure, title)
    return figure


def _legend_below(figure: Figure, axes: Axes) -> None:
    """One legend for the whole figure, of what `axes` shows, in as many columns as fit."""
    handles, labels = axes.get_legend_handles_labels()
    columns = max(1, min(len(labels), 100 // (max(map(len, labels)) + 6)))
    figure.legend(handles, labels, frameon=False, loc="outside lower center", ncols=columns)


def _finish(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    axes.set_axisbelow(True)


def _entitle(figure: Figure, title: str) -> None:
    """Put the title over the figure, in as many lines as its width asks for."""
    figure.suptitle(textwrap.fill(title, int(11 * figure.get_figwidth()), break_on_hyphens=False))


def _tilted(names: list[str]) -> dict[str, object]:
    """How to write names under an axis: long ones at an angle, their ends at the ticks."""
    if max(map(len, names)) <= 4:
        return {}
    return {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
