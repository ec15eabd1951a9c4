"""Figures of one model: how it learned, where it errs."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from menagerie.plots.style import (
    MANY,
    PLAIN,
    TRAIN,
    VAL,
    colours_of,
    entitle,
    finish,
    legend_below,
    lettered,
    logarithmic,
    names_along,
    tilted,
)

CONFUSED = 16  # classes of a matrix of many
NAMED = 20  # curves that have each a colour and a name
PALE = (0.27, 0.47, 0.67, 0.25)


def learning_curves(history: pd.DataFrame, title: str) -> Figure:
    """Loss and accuracy of train and val and the learning rate over the epochs.

    `history` as training writes it.
    Dotted lines part the phases; a dashed one stands at the epoch that the weights are of, stars at the best
    val loss and the best val accuracy.
    """
    figure = Figure(figsize=(12, 3.6), layout="constrained")
    panels = figure.subplots(1, 3)
    for axes, measure in zip(panels, ("loss", "accuracy"), strict=False):
        for column, label, colour in ((measure, "train", TRAIN), (f"val_{measure}", "val", VAL)):
            axes.plot(history["epoch"], history[column], label=label, color=colour, marker=".", markersize=4)
        values = history[f"val_{measure}"]
        best = values.idxmin() if measure == "loss" else values.idxmax()
        style = {"color": VAL, "markersize": 13, "markeredgecolor": "black", "linestyle": "none"}
        axes.plot(history["epoch"][best], values[best], marker="*", label="best of val", **style)
        axes.set(ylabel=measure)
    rate = panels[-1]
    rate.plot(history["epoch"], history["learning_rate"], color=PLAIN, marker=".", markersize=4)
    rate.set(ylabel="learning rate at the epoch's start")
    if (history["learning_rate"] > 0).all():
        logarithmic(rate.yaxis, history["learning_rate"])
    kept = history.loc[history["kept"], "epoch"].to_list()
    said = f"kept: epoch {', '.join(map(str, kept))}"
    for axes in panels:
        for start in history.groupby("phase", sort=False)["epoch"].min().iloc[1:]:
            axes.axvline(start - 0.5, color="grey", linewidth=0.8, linestyle=":")
        for number, epoch in enumerate(kept):
            label = "_" if number else said
            axes.axvline(epoch, color="grey", linewidth=0.8, linestyle="--", label=label)
        axes.set(xlabel="epoch")
        finish(axes)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    legend_below(figure, panels[0])
    entitle(figure, title)
    return figure


def confusion_matrix(counts: np.ndarray, classes: list[str], title: str, normalised: bool = False) -> Figure:
    """Counts int (classes, classes), true class down, predicted across; shaded by share of the true class.

    A cell says its count, or, `normalised`, that share in %. Of more than MANY classes those are shown that
    are confused most.
    """
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    if len(classes) > MANY:
        wrong = counts.sum(axis=0) + counts.sum(axis=1) - 2 * counts.diagonal()
        most = np.sort(np.argsort(-wrong, kind="stable")[:CONFUSED])
        title += f"; the {CONFUSED} of {len(classes)} classes that are confused most"
        counts, shares = counts[np.ix_(most, most)], shares[np.ix_(most, most)]
        classes = [classes[place] for place in most]
    names = names_along(classes)
    # Tilted lines stand closer to each other than upright ones.
    cell = max(0.55, np.sqrt(2) * names.step)
    side = max(4.0, cell * len(classes) + names.width + 1.4)
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.argwhere(counts):
        colour = "white" if shares[row, column] > 0.5 else "black"
        said = f"{100 * shares[row, column]:.1f}" if normalised else counts[row, column]
        axes.text(column, row, said, ha="center", va="center", color=colour, fontsize=9)
    axes.set_xticks(range(len(classes)), names.texts, **tilted(names), **lettered(names))
    axes.set_yticks(range(len(classes)), names.texts, **lettered(names))
    axes.set(xlabel="predicted class", ylabel="true class")
    entitle(figure, title + names.note)
    return figure


def confusion_whole(counts: np.ndarray, title: str) -> Figure:
    """Counts int (classes, classes) of many classes, as a picture; classes by their place in the list."""
    figure = Figure(figsize=(8, 7), layout="constrained")
    axes = figure.subplots()
    shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    shown = axes.imshow(shares, cmap="Blues", vmin=0, vmax=100, interpolation="nearest")
    figure.colorbar(shown, label="share of the true class (%)", shrink=0.8)
    axes.set(xlabel="predicted class, by its place from 0", ylabel="true class, by its place from 0")
    entitle(figure, title)
    return figure


def threshold_curves(roc: pd.DataFrame, precision_recall: pd.DataFrame, title: str) -> Figure:
    """ROC and precision-recall curves, one class against the rest; tables as curves.py gives them.

    Of more than NAMED classes the curves are pale behind the averages, and have no names.
    """
    figure = Figure(figsize=(10, 4.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    sides = (
        (left, roc, "fpr", "tpr", "false positive rate", "true positive rate"),
        (right, precision_recall, "recall", "precision", "recall", "precision"),
    )
    for axes, table, x, y, x_label, y_label in sides:
        classes = list(table["class"][table["kind"] == "class"].unique())
        colours = colours_of(classes) if len(classes) <= NAMED else dict.fromkeys(classes, PALE)
        for (kind, name), one in table.groupby(["kind", "class"], sort=False):
            style = {"color": "black", "linewidth": 1.6, "linestyle": "--" if kind == "micro" else "-"}
            if kind == "class":
                style = {"color": colours[name], "linewidth": 1}
            shown = len(classes) <= NAMED or kind != "class"
            axes.plot(one[x], one[y], label=name if shown else f"_{name}", **style)
        axes.set(xlabel=x_label, ylabel=y_label, xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
        finish(axes)
    left.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle=":")
    legend_below(figure, left)
    entitle(figure, title)
    return figure


def reliability(table: pd.DataFrame, title: str) -> Figure:
    """Accuracy by confidence, and the pictures of each bin; `table` as calibration.reliability gives it."""
    figure = Figure(figsize=(6, 6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    width = table["bin_high"] - table["bin_low"]
    middle = table["bin_low"] + width / 2
    above.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle=":")
    above.bar(middle, table["accuracy"], width, color=PLAIN, alpha=0.35, edgecolor=PLAIN, label="accuracy")
    above.plot(table["confidence"], table["accuracy"], color=PLAIN, marker="o", markersize=4, linestyle="")
    above.set(ylabel="accuracy", xlim=(0, 1), ylim=(0, 1.02))
    below.bar(middle, table["count"], width, color="grey")
    below.set(xlabel="confidence: probability of the predicted class", ylabel="pictures")
    logarithmic(below.yaxis, table["count"])
    for axes in (above, below):
        finish(axes)
    entitle(figure, title)
    return figure


def robustness(table: pd.DataFrame, accuracy: float, title: str) -> Figure:
    """Accuracy by kind and strength of corruption; strength 0 is the `accuracy` on clean pictures."""
    figure = Figure(figsize=(7, 4.6), layout="constrained")
    axes = figure.subplots()
    colours = colours_of(list(table["corruption"].unique()))
    for name, one in table.groupby("corruption", sort=False):
        percent = 100 * np.array([accuracy, *one["accuracy"]])
        axes.plot([0, *one["strength"]], percent, label=name, color=colours[name], marker=".")
    axes.set(xlabel="strength", ylabel="test accuracy (%)", ylim=(0, 101))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    finish(axes)
    legend_below(figure, axes)
    entitle(figure, title)
    return figure
