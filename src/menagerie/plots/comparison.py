"""Figures of models side by side."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from menagerie.plots.style import (
    PLAIN,
    colours_of,
    entitle,
    finish,
    legend_below,
    lettered,
    logarithmic,
    names_along,
    number_points,
    strokes_of,
)

COSTS = {  # column: what it is, what it is divided by, whether less is better
    "fit_seconds": ("training (minutes)", 60, True),
    "pictures_per_second": ("training (pictures a second)", 1, False),
    "milliseconds_per_picture": ("prediction (ms a picture)", 1, True),
    "params": ("parameters (millions)", 1e6, True),
    "model_bytes": ("model file (MB)", 1e6, True),
}

PARAMETERS = {"params": "parameters", "trainable_params": "trainable parameters"}


def accuracy_dots(board: pd.DataFrame, reported: dict[str, float], title: str) -> Figure:
    """Test accuracy of each model with its interval, the best on top, and what was reported of it."""
    names = names_along(list(board["model"]))
    size = max(8.0, 5.5 + names.width), 1.2 + max(0.45, names.step) * len(board)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(board))[::-1]
    centre = 100 * board["accuracy"]
    colours = list(colours_of(list(board["model"])).values())
    axes.hlines(places, 100 * board["accuracy_low"], 100 * board["accuracy_high"], color=colours)
    axes.scatter(centre, places, color=colours)
    axes.plot([], [], "-o", color="grey", label="reproduced, 95 % interval")
    told = [
        (100 * reported[name], place)
        for name, place in zip(board["model"], places, strict=True)
        if name in reported
    ]
    if told:
        axes.plot(*zip(*told, strict=True), "kD", markersize=6, fillstyle="none", label="reported")
    axes.set_yticks(places, names.texts, **lettered(names))
    axes.set_ylim(-0.6, len(board) - 0.4)
    axes.set(xlabel="test accuracy (%)")
    entitle(figure, title + names.note)
    finish(axes)
    legend_below(figure, axes)
    return figure


def val_dots(runs: pd.DataFrame, models: list[str], title: str) -> Figure:
    """Val accuracy of each run with its interval, in the order given; `runs` as compare/runs.py gives it.

    `models` have the colours that they have wherever they stand side by side; others are grey.
    """
    told = [
        ", ".join(filter(None, [run.model, run.changed, f"seed {run.seed}"])) for run in runs.itertuples()
    ]
    names = names_along(told)
    size = max(8.0, 5.5 + names.width), 1.2 + max(0.3, names.step) * len(runs)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(runs))[::-1]
    by_model = colours_of(models)
    colours = [by_model.get(name, PLAIN) for name in runs["model"]]
    axes.hlines(places, 100 * runs["low"], 100 * runs["high"], color=colours)
    axes.scatter(100 * runs["val_accuracy"], places, color=colours)
    axes.set_yticks(places, names.texts, **lettered(names))
    axes.set(xlabel="val accuracy (%), 95 % interval", ylim=(-0.6, len(runs) - 0.4))
    entitle(figure, title + names.note)
    finish(axes)
    return figure


def learning_curves_together(history: pd.DataFrame, title: str) -> Figure:
    """Val loss and accuracy of all models over the epochs; `history` has a column `model`."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    strokes = strokes_of(list(history["model"].unique()))
    for axes, measure in zip(figure.subplots(1, 2), ("val_loss", "val_accuracy"), strict=True):
        for name, one in history.groupby("model", sort=False):
            axes.plot(one["epoch"], one[measure], label=name, marker=".", markersize=4, **strokes[name])
        axes.set(xlabel="epoch", ylabel=measure.replace("_", " "))
        finish(axes)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    legend_below(figure, axes)
    entitle(figure, title)
    return figure


def train_and_test(board: pd.DataFrame, title: str) -> Figure:
    """Train accuracy beside test accuracy, and the gap between them, with its interval, against parameters.

    Against all of them, and against those that were trainable. `board` as leaderboard.leaderboard gives it;
    each model has its colour, and on the right its number in it.
    """
    names = names_along([f"{model}  {number}" for number, model in enumerate(board["model"], start=1)])
    size = max(14.0, 11.5 + names.width), max(3.6, 1.2 + max(0.3, names.step) * len(board))
    figure = Figure(figsize=size, layout="constrained")
    left, *right = figure.subplots(1, 3, width_ratios=(1.2, 1, 1))
    places = np.arange(len(board))[::-1]
    left.hlines(places, 100 * board["accuracy"], 100 * board["train_accuracy"], color="grey", linewidth=1)
    colours = list(colours_of(list(board["model"])).values())
    train, test = 100 * board["train_accuracy"], 100 * board["accuracy"]
    left.scatter(train, places, marker="s", facecolors="white", edgecolors=colours, zorder=3)
    left.scatter(test, places, color=colours, zorder=3)
    left.plot([], [], "s", color="grey", markerfacecolor="white", label="train")
    left.plot([], [], "o", color="grey", label="test")
    left.set_yticks(places, names.texts, **lettered(names))
    left.set(xlabel="accuracy (%)", ylim=(-0.6, len(board) - 0.4))
    finish(left)
    numbered = {}
    for axes, (column, label) in zip(right, PARAMETERS.items(), strict=True):
        numbered[axes] = _gaps(axes, board[column] / 1e6, board)
        axes.set(xlabel=f"{label} (millions)", ylabel="train less test accuracy (points)")
    legend_below(figure, left)
    entitle(figure, title + names.note)
    number_points(figure, numbered)
    return figure


def _gaps(axes: Axes, millions: pd.Series, board: pd.DataFrame) -> pd.DataFrame:
    """Draw the gap of each model against its parameters; returns the points, x and y by number."""
    gap = 100 * board["gap"]
    colours = list(colours_of(list(board["model"])).values())
    axes.vlines(millions, 100 * board["gap_low"], 100 * board["gap_high"], color=colours)
    axes.scatter(millions, gap, color=colours)
    axes.axhline(0, color="grey", linewidth=0.8, linestyle=":")
    logarithmic(axes.xaxis, millions)
    finish(axes)
    return pd.DataFrame({"x": millions, "y": gap}).set_axis(range(1, len(board) + 1))


def roc_together(curves: pd.DataFrame, title: str) -> Figure:
    """The macro-average ROC curve of each model; `curves` has the columns model, fpr and tpr."""
    figure = Figure(figsize=(7, 6), layout="constrained")
    axes = figure.subplots()
    strokes = strokes_of(list(curves["model"].unique()))
    for name, one in curves.groupby("model", sort=False):
        axes.plot(one["fpr"], one["tpr"], label=name, linewidth=1.2, **strokes[name])
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle=":")
    axes.set(xlabel="false positive rate", ylabel="true positive rate")
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    finish(axes)
    if strokes:  # none where no class has a curve
        legend_below(figure, axes)
    entitle(figure, title)
    return figure


def cost_against_accuracy(table: pd.DataFrame, title: str) -> Figure:
    """Test accuracy with its interval against each cost; a stepped line joins the models that none beats.

    Columns: model, accuracy, accuracy_low, accuracy_high, and those of COSTS, NaN where unknown. Each model
    has the number of its row; a cost that is unknown of them all has no panel.
    """
    costs = {column: cost for column, cost in COSTS.items() if (table[column] > 0).any()}
    rows, columns = -(-len(costs) // 3), min(3, len(costs))
    figure = Figure(figsize=(11, 0.5 + 4 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False)
    table = table.assign(number=np.arange(len(table)) + 1, colour=colours_of(list(table["model"])).values())
    points = {}
    for axes, (column, (label, unit, less_is_better)) in zip(panels.flat, costs.items(), strict=False):
        known = table[table[column] > 0]  # a logarithmic axis has no place for 0
        points[axes] = _costs(axes, known.assign(cost=known[column] / unit), less_is_better)
        axes.set(xlabel=label)
        finish(axes)
    for unused in panels.flat[len(costs) :]:
        unused.set_axis_off()
    for first in panels[:, 0]:
        first.set_ylabel("test accuracy (%)")
    legend_below(figure, axes)  # the last cost, the size, is known of every model
    entitle(figure, title)
    number_points(figure, points)
    return figure


def _costs(axes: Axes, table: pd.DataFrame, less_is_better: bool) -> pd.DataFrame:
    """Draw one panel; returns its points, x and y by number."""
    for row in table.itertuples():
        errors = [[100 * (row.accuracy - row.accuracy_low)], [100 * (row.accuracy_high - row.accuracy)]]
        style = {"color": row.colour, "label": f"{row.number}  {row.model}"}
        axes.errorbar(row.cost, 100 * row.accuracy, yerr=errors, fmt="o", capsize=2, **style)
    ordered = table.sort_values(["cost", "accuracy"], ascending=[less_is_better, False])
    unbeaten = ordered[ordered["accuracy"] > ordered["accuracy"].cummax().shift(fill_value=-1)]
    axes.step(unbeaten["cost"], 100 * unbeaten["accuracy"], where="post", color="grey", linewidth=1, zorder=0)
    logarithmic(axes.xaxis, table["cost"])
    return pd.DataFrame({"x": table["cost"], "y": 100 * table["accuracy"]}).set_index(table["number"])
