"""What all figures share: colours, titles, legends, names along an axis, logarithmic axes.

Figures are functions of values that return a matplotlib Figure; nothing else draws.
"""

from dataclasses import dataclass

import matplotlib
import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from matplotlib.transforms import Bbox

from menagerie.plots.letters import POINTS, cut, legible, width, wrapped

matplotlib.rcParams["text.parse_math"] = False  # a $ in the name of a class is a $

TRAIN, VAL, TEST = "#4477aa", "#ee7733", "#228833"  # told apart by the colour-blind too
PLAIN = "#555555"  # what is of no split and of no model that others stand beside
SPLIT_COLOURS = {"train": TRAIN, "val": VAL, "test": TEST}
SIDES = np.array([(1, 1), (-1, 1), (1, -1), (-1, -1), (1, 0), (-1, 0), (0, 1), (0, -1)])
Colour = tuple[float, float, float]  # red, green and blue in [0, 1]
LINES = 3  # of a name along an axis
MANY = 30  # names along an axis: more are written small
LINE = 1.45 / 72  # inches a line of letters a point high takes, of scripts with marks above and below, too


def colours_of(names: list[str]) -> dict[str, Colour]:
    """A colour for each name, the same in whatever order they come; they come round again after twenty."""
    colours = colormaps["tab10" if len(names) <= 10 else "tab20"].colors
    places = {name: number for number, name in enumerate(sorted(names))}
    return {name: colours[places[name] % len(colours)] for name in names}


def strokes_of(names: list[str]) -> dict[str, dict[str, object]]:
    """How to draw the line of each name: where the colours come round again, in dashes or dots."""
    places = {name: number for number, name in enumerate(sorted(names))}
    return {
        name: {"color": colour, "linestyle": ("-", "--", ":", "-.")[places[name] // 20 % 4]}
        for name, colour in colours_of(names).items()
    }


def legend_below(figure: Figure, axes: Axes) -> None:
    """One legend for the whole figure, of what `axes` shows; the figure grows by its height.

    Names are in lines of at most 6 inches; the figure grows in width where one asks for that.
    """
    handles, labels = axes.get_legend_handles_labels()
    labels = [wrapped(label, 6) for label in labels]
    entry = 0.75 + max(map(width, labels))  # inches
    figure.set_figwidth(max(figure.get_figwidth(), entry + 0.25))
    columns = max(1, min(len(labels), int(figure.get_figwidth() / entry)))
    lines = sum(label.count("\n") for label in labels)  # those after the first, at most so many in a column
    figure.set_figheight(figure.get_figheight() + 0.21 * -(-len(labels) // columns) + 0.17 * lines)
    figure.legend(handles, labels, frameon=False, loc="outside lower center", ncols=columns)


def logarithmic(axis: Axis, values: pd.Series) -> None:
    """Make an axis logarithmic, at least a decade long around `values` > 0, with few and plain ticks."""
    low, high = np.log10([values.min(), values.max()])
    room = max(0.08 * (high - low), (1 - (high - low)) / 2)
    limits = 10 ** (low - room), 10 ** (high + room)
    axis.axes.set(**{f"{axis.axis_name}scale": "log", f"{axis.axis_name}lim": limits})
    axis.set_major_locator(LogLocator(subs=(1, 3) if high - low + 2 * room < 2 else (1,)))
    axis.set_major_formatter("{x:,.10g}")
    axis.set_minor_formatter(NullFormatter())


def number_points(figure: Figure, panels: dict[Axes, pd.DataFrame]) -> None:
    """Write beside each point, a row of x and y, its number (the index), on no other one where there is room.

    It comes last: where there is room depends on the size that the axes get.
    """
    figure.draw_without_rendering()
    pixel = figure.dpi / 72  # points to pixels
    for axes, points in panels.items():
        centres = axes.transData.transform(points)
        taken = [Bbox([centre - 3 * pixel, centre + 3 * pixel]) for centre in centres]
        for (number, x, y), centre in zip(points.itertuples(), centres, strict=True):
            size = pixel * np.array([4.6 * len(str(number)), 6])  # of figures 7 points high
            middles = [centre + side * (size / 2 + 3 * pixel) for side in SIDES]
            boxes = [Bbox([middle - size / 2, middle + size / 2]) for middle in middles]
            best = int(np.argmin([box.count_overlaps(taken) for box in boxes]))
            taken.append(boxes[best])
            style = {"fontsize": 7, "ha": "center", "va": "center_baseline", "in_layout": False}
            place = (middles[best] - centre) / pixel
            axes.annotate(str(number), (x, y), place, textcoords="offset points", **style)


def finish(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    axes.set_axisbelow(True)


def entitle(figure: Figure, title: str) -> None:
    """Put the title over the figure, in as many lines as its width asks for; it grows by those after one."""
    lines = wrapped(title, figure.get_figwidth() - 0.4, 12)
    figure.set_figheight(figure.get_figheight() + 0.22 * lines.count("\n"))
    figure.suptitle(lines)


@dataclass(frozen=True)
class Names:
    """Names as they are written along an axis.

    `texts` in letters of `points`; `width` of the widest in inches; `step`, the inches that they need from
    one to the next, whether they stand below each other or are tilted.
    `note`, for the title, says so where some are cut.
    """

    texts: list[str]
    points: float
    width: float
    step: float
    note: str


def names_along(names: list[str], widest: float = 2.6) -> Names:
    """How names are to be written along an axis: long ones in LINES lines of `widest` inches, many small.

    Of those that are longer the middle is left out: what tells names apart is mostly at an end.
    """
    many = len(names) > MANY
    points = 7 if many else POINTS
    short = [cut(name, widest if many else 0.8 * LINES * widest, points) for name in names]
    texts = short if many else [wrapped(name, widest, points) for name in short]
    lines = max(text.count("\n") + 1 for text in texts)
    note = "" if short == [*map(legible, names)] else "; of long names the middle is left out"
    return Names(texts, points, max(width(text, points) for text in texts), LINE * points * lines, note)


def tilted(names: Names) -> dict[str, object]:
    """How to write names under an axis: long ones at an angle or upright, their ends at the ticks."""
    if len(names.texts) > MANY:
        return {"rotation": 90, "ha": "center", "va": "top"}
    if names.width <= 0.4:
        return {}
    return {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}


def lettered(names: Names) -> dict[str, object]:
    """The letters of names for set_xticks and the like; ticks are older than what `legible` found."""
    return {"fontsize": names.points, "fontfamily": matplotlib.rcParams["font.family"]}
