import io
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cbook import is_math_text
from matplotlib.colors import to_rgb
from matplotlib.legend import Legend
from matplotlib.text import Text

from menagerie.plots import comparison as comparison_plots
from menagerie.plots import data as data_plots
from menagerie.plots import model as model_plots
from menagerie.plots import pictures as picture_plots

LONG = "golden-mantled ground squirrel"


def classes(count, stem="class "):
    return [f"{stem}{number}" for number in range(count)]


def history(epochs, phases=1, model=None):
    epoch = np.arange(epochs * phases)
    table = pd.DataFrame(
        {
            "phase": np.repeat([f"phase_{number}" for number in range(phases)], epochs),
            "epoch": epoch,
            "loss": 2 / (1 + epoch),
            "val_loss": 2.2 / (1 + epoch),
            "accuracy": 1 - 0.7 / (1 + epoch),
            "val_accuracy": 0.9 - 0.8 / (1 + epoch),
        }
    )
    return table if model is None else table.assign(model=model)


def board(names, accuracy=0.8):
    table = pd.DataFrame({"model": names, "accuracy": accuracy})
    spread = 0.03 * (accuracy not in (0.0, 1.0))
    return table.assign(accuracy_low=accuracy - spread, accuracy_high=accuracy + spread)


def counts(names, value=20):
    return pd.DataFrame({"train": 3 * value, "val": value, "test": value}, index=names)


def confusion(count):
    return np.random.default_rng(0).integers(0, 30, (count, count))


def pictures(rows, columns=10, height=12, width=8):
    return np.random.default_rng(0).integers(0, 256, (rows, columns, height, width, 3), dtype=np.uint8)


def curves_of(names):
    """A ROC and a precision-recall table: one curve a class and the averages."""
    kinds = [("class", name) for name in names] + [("macro", "macro average"), ("micro", "micro average")]
    points = np.linspace(0, 1, 5)
    roc = [{"kind": k, "class": c, "fpr": x, "tpr": x**0.3} for k, c in kinds for x in points]
    recalls = [{"kind": k, "class": c, "recall": x, "precision": 1 - x / 2} for k, c in kinds for x in points]
    return pd.DataFrame(roc), pd.DataFrame(recalls)


def bins():
    return pd.DataFrame(
        {
            "bin_low": [0.4, 0.6, 0.8], "bin_high": [0.6, 0.8, 1.0], "confidence": [0.5, 0.7, 0.95],
            "accuracy": [0.4, 0.75, 0.99], "count": [1, 30, 4000],
        }
    )  # fmt: skip


def png(figure):
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def texts(figure):
    """Every text that the figure shows, as it is read: in one line, without marks for the typesetter."""
    FigureCanvasAgg(figure).draw()
    found = figure.findobj(Text)
    assert not [text for text in found if text.get_parse_math() and is_math_text(text.get_text())]
    return [" ".join(text.get_text().replace(r"\$", "$").split()) for text in found]


def has_colour(figure, axes, colour):
    """Whether any pixel inside the axes has this colour, as drawn at 200 dpi."""
    figure.set_dpi(200)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    image = np.asarray(canvas.buffer_rgba())[::-1, :, :3]
    left, bottom, right, top = axes.get_window_extent().extents.astype(int)
    wanted = np.round(255 * np.array(to_rgb(colour)))
    return bool((np.abs(image[bottom:top, left:right] - wanted).max(axis=2) <= 2).any())


TITLE = "cnn_augmented on Handwritten digits (scikit-learn): 360 test pictures"
NAMES = {"two": ["a", "b"], "forty": classes(40), "long": [f"{LONG} {number}" for number in range(10)]}
FIGURES = {
    **{
        f"confusion of {kind}": lambda names=names: model_plots.confusion_matrix(
            confusion(len(names)), names, TITLE
        )
        for kind, names in NAMES.items()
    },
    **{
        f"counts of {kind}": lambda names=names: data_plots.class_counts(counts(names), TITLE)
        for kind, names in NAMES.items()
    },
    "pictures of two": lambda: picture_plots.picture_grid(pictures(2), ["a", "b"], TITLE),
    "pictures of ten": lambda: picture_plots.picture_grid(pictures(10), NAMES["long"], TITLE),
    "thresholds of two": lambda: model_plots.threshold_curves(*curves_of(["a", "b"]), TITLE),
    "thresholds of forty": lambda: model_plots.threshold_curves(*curves_of(classes(40)), TITLE),
    "thresholds of long names": lambda: model_plots.threshold_curves(*curves_of(NAMES["long"]), TITLE),
    "reliability": lambda: model_plots.reliability(bins(), TITLE),
    "one mistake": lambda: picture_plots.captioned_pictures(
        pictures(1)[0, :1], ["a, taken for b (99 %)"], TITLE
    ),
    "seven mistakes": lambda: picture_plots.captioned_pictures(
        pictures(1)[0, :7], [f"{LONG}, taken for {LONG} (99 %)"] * 7, TITLE
    ),
    "dots of one": lambda: comparison_plots.accuracy_dots(board(["cnn"]), {"cnn": 0.9}, TITLE),
    "dots of forty": lambda: comparison_plots.accuracy_dots(board(classes(40, "model_")), {}, TITLE),
    "curves of one epoch": lambda: model_plots.learning_curves(history(1), TITLE),
    "curves of two phases": lambda: model_plots.learning_curves(history(20, phases=2), TITLE),
    "curves of one model": lambda: comparison_plots.learning_curves_together(history(1, model="cnn"), TITLE),
    "curves of twenty models": lambda: comparison_plots.learning_curves_together(
        pd.concat([history(5, model=name) for name in classes(20, "inceptionv3_finetune_")]), TITLE
    ),
}


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES.keys())
def test_a_figure_drawn_twice_is_saved_to_equal_bytes(draw):
    first = png(draw())
    assert first.startswith(b"\x89PNG")
    assert png(draw()) == first


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES.keys())
def test_a_figure_has_its_title_and_nothing_is_cut_off(draw):
    figure = draw()
    assert TITLE in texts(figure)
    box = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    assert box.x0 >= -0.01
    assert box.y0 >= -0.01
    assert box.x1 <= width + 0.01
    assert box.y1 <= height + 0.01


# the names of classes and models


@pytest.mark.parametrize("kind", NAMES)
def test_every_class_is_named(kind):
    names = NAMES[kind]
    assert set(names) <= set(texts(model_plots.confusion_matrix(confusion(len(names)), names, TITLE)))
    assert set(names) <= set(texts(data_plots.class_counts(counts(names), TITLE)))
    assert set(names[:10]) <= set(
        texts(picture_plots.picture_grid(pictures(len(names[:10])), names[:10], TITLE))
    )


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("figure_of", ["confusion", "counts"])
def test_the_names_of_classes_do_not_lie_over_each_other(kind, figure_of):
    figure = FIGURES[f"{figure_of} of {kind}"]()
    FigureCanvasAgg(figure).draw()
    for axis in (figure.axes[0].xaxis, figure.axes[0].yaxis):
        assert not [pair for pair in pairwise(axis.get_ticklabels()) if touching(*pair)]


def touching(before, after):
    """Whether two texts of one direction overlap, in that direction and across it."""
    (x, y), (next_x, next_y) = (
        text.get_transform().transform(text.get_position()) for text in (before, after)
    )
    angle = np.deg2rad(before.get_rotation())
    along = abs((next_x - x) * np.cos(angle) + (next_y - y) * np.sin(angle))
    across = abs((next_y - y) * np.cos(angle) - (next_x - x) * np.sin(angle))
    before.set_rotation(0)
    box = before.get_window_extent()
    return along < box.width and across < 0.8 * box.height  # a box has room above its letters


@pytest.mark.parametrize(
    "name", ["$5", "costs $5 or $6", r"$\frac$", "a_b^c", "100 %", r"back\slash", "{class}"]
)
def test_odd_names_are_printed_as_they_are(name):
    title = f"{name} on {name}"
    for figure in (
        model_plots.confusion_matrix(confusion(2), [name, "b"], title),
        data_plots.class_counts(counts([name, "b"]), title),
        picture_plots.picture_grid(pictures(2), [name, "b"], title),
    ):
        assert {name, title} <= set(texts(figure))


@pytest.mark.filterwarnings("ignore:Glyph")  # it draws boxes, and says so
@pytest.mark.parametrize("name", ["手語", "собака", "naïve café", "كلب", "🐶"])
def test_letters_that_the_font_does_not_have_stop_nothing(name):
    png(data_plots.class_counts(counts([name, "b"]), name))


def test_the_legend_of_class_counts_hides_neither_bar_nor_title():
    figure = data_plots.class_counts(counts(classes(10)), TITLE)  # equal classes: bars in every corner
    FigureCanvasAgg(figure).draw()
    (legend,) = figure.findobj(Legend)
    title = [
        text for text in figure.findobj(Text) if TITLE.startswith(text.get_text().partition("\n")[0] or "-")
    ]
    assert title
    for item in (*figure.axes[0].patches, *title):
        assert not item.get_window_extent().overlaps(legend.get_window_extent())


# confusion


def test_each_cell_of_a_confusion_matrix_says_its_count():
    shown = texts(model_plots.confusion_matrix(np.array([[41, 0], [7, 53]]), ["a", "b"], TITLE))
    assert {"41", "7", "53"} <= set(shown)


def test_a_confusion_matrix_is_shaded_by_the_share_of_the_true_class():
    figure = model_plots.confusion_matrix(np.array([[1, 3], [0, 1000]]), ["a", "b"], TITLE)
    (image,) = figure.axes[0].images
    assert image.get_array().tolist() == [[0.25, 0.75], [0, 1]]
    assert image.get_clim() == (0, 1)


def test_the_true_class_is_down_and_the_predicted_one_across():
    figure = model_plots.confusion_matrix(np.array([[0, 5], [0, 0]]), ["a", "b"], TITLE)
    (cell,) = [text for text in figure.axes[0].texts if text.get_text() == "5"]
    assert cell.get_position() == (1, 0)
    assert figure.axes[0].get_ylabel() == "true class"
    assert figure.axes[0].get_xlabel() == "predicted class"


def test_a_true_class_without_pictures_is_an_empty_row():
    figure = model_plots.confusion_matrix(np.array([[0, 0], [1, 1]]), ["a", "b"], TITLE)
    assert figure.axes[0].images[0].get_array().tolist() == [[0, 0], [0.5, 0.5]]
    png(figure)


# counts and pictures


def test_a_class_without_pictures_in_a_split_has_no_bar_there():
    figure = data_plots.class_counts(counts(["a", "b"], value=0), TITLE)
    assert [bar.get_height() for bar in figure.axes[0].patches] == [0] * 6
    png(figure)


def test_each_split_has_its_bar_beside_the_others():
    figure = data_plots.class_counts(
        pd.DataFrame({"train": [6, 5], "val": [4, 3], "test": [2, 1]}, ["a", "b"]), TITLE
    )
    bars = sorted((bar.get_x(), bar.get_height()) for bar in figure.axes[0].patches)
    assert [height for _, height in bars] == [6, 4, 2, 5, 3, 1]
    assert {"train", "val", "test"} <= set(texts(figure))


def test_each_picture_is_shown_whole_in_the_row_of_its_class():
    shown = np.empty((3, 4, 12, 8, 3), np.uint8)
    shown[:] = np.arange(12).reshape(3, 4, 1, 1, 1) * 20  # each of one grey
    axes = picture_plots.picture_grid(shown, ["a", "b", "c"], TITLE).axes[0]
    image = np.asarray(axes.images[0].get_array())
    ticks = dict(zip([text.get_text() for text in axes.get_yticklabels()], axes.get_yticks(), strict=True))
    for row, name in enumerate("abc"):
        places = [np.argwhere((image == shown[row, column, 0, 0]).all(axis=2)) for column in range(4)]
        for place in places:
            assert (np.ptp(place, axis=0) + 1).tolist() == [12, 8]
            assert len(place) == 12 * 8
            assert place[:, 0].min() <= ticks[name] <= place[:, 0].max() + 1
        assert [place[0, 1] for place in places] == sorted(place[0, 1] for place in places)


# curves


def test_learning_curves_show_what_the_history_holds():
    table = history(5)
    figure = model_plots.learning_curves(table, TITLE)
    for axes, measure in zip(figure.axes, ("loss", "accuracy"), strict=True):
        drawn = {line.get_label(): line.get_ydata().tolist() for line in axes.lines}
        assert drawn == {"train": table[measure].tolist(), "val": table[f"val_{measure}"].tolist()}


def test_a_phase_begins_behind_a_line():
    figure = model_plots.learning_curves(history(4, phases=3), TITLE)
    for axes in figure.axes:
        assert [line.get_xdata()[0] for line in axes.lines if len(line.get_xdata()) == 2] == [3.5, 7.5]


def test_a_single_epoch_can_be_seen():
    figure = model_plots.learning_curves(history(1), TITLE)
    for axes in figure.axes:
        axes.get_legend().remove()
        assert has_colour(figure, axes, model_plots.TRAIN)
        assert has_colour(figure, axes, model_plots.VAL)


def test_a_single_epoch_can_be_seen_beside_other_models():
    """`compute.max_epochs=1` is the quick try of anything."""
    table = pd.concat([history(1, model="a"), history(2, model="b").tail(1)])
    figure = comparison_plots.learning_curves_together(table, TITLE)
    for axes in figure.axes:
        for line in axes.lines:
            assert has_colour(figure, axes, line.get_color())


@pytest.mark.parametrize("count", [1, 10, 20])
def test_each_model_has_a_colour_of_its_own_and_the_same_in_both_halves(count):
    names = classes(count, "model_")
    figure = comparison_plots.learning_curves_together(
        pd.concat([history(3, model=name) for name in names]), TITLE
    )
    left, right = ({line.get_label(): line.get_color() for line in axes.lines} for axes in figure.axes)
    assert left == right
    assert list(left) == names
    assert len(set(left.values())) == count


# accuracies


def test_the_first_of_the_leaderboard_is_on_top_with_its_interval():
    table = board(["best", "worst"])
    table["accuracy"], table["accuracy_low"], table["accuracy_high"] = [0.9, 0.7], [0.88, 0.6], [0.95, 0.8]
    axes = comparison_plots.accuracy_dots(table, {}, TITLE).axes[0]
    places = dict(zip([label.get_text() for label in axes.get_yticklabels()], axes.get_yticks(), strict=True))
    assert places["best"] > places["worst"]
    (bars,) = axes.containers
    (segments,) = bars[2]
    drawn = {segment[0][1]: segment[:, 0].tolist() for segment in segments.get_segments()}
    assert drawn[places["best"]] == pytest.approx([88, 95])
    assert drawn[places["worst"]] == pytest.approx([60, 80])


def test_a_reported_accuracy_stands_in_the_row_of_its_model():
    axes = comparison_plots.accuracy_dots(board(["a", "b", "c"]), {"b": 0.85, "gone": 0.2}, TITLE).axes[0]
    (line,) = [line for line in axes.lines if line.get_label() == "reported"]
    assert line.get_xdata().tolist() == [85]
    assert line.get_ydata().tolist() == [1]


@pytest.mark.parametrize("accuracy", [0.0, 1.0])
def test_an_interval_of_no_width_is_drawn(accuracy):
    png(comparison_plots.accuracy_dots(board(["a", "b"], accuracy), {"a": 0.5}, TITLE))


# curves, reliability and mistakes


def test_each_curve_is_drawn_through_its_points_and_named():
    roc, recalls = curves_of(["a", "b"])
    figure = model_plots.threshold_curves(roc, recalls, TITLE)
    left, right = figure.axes
    drawn = {line.get_label(): line.get_xydata() for line in left.lines}
    np.testing.assert_allclose(drawn["b"], roc[roc["class"] == "b"][["fpr", "tpr"]])
    drawn = {line.get_label(): line.get_xydata() for line in right.lines}
    np.testing.assert_allclose(drawn["a"], recalls[recalls["class"] == "a"][["recall", "precision"]])
    assert {"a", "b", "macro average", "micro average"} <= set(texts(figure))


def test_reliability_has_a_bar_of_the_accuracy_of_each_bin_and_its_count():
    above, below = model_plots.reliability(bins(), TITLE).axes
    assert [bar.get_height() for bar in above.patches] == [0.4, 0.75, 0.99]
    assert [bar.get_x() for bar in above.patches] == pytest.approx([0.4, 0.6, 0.8])
    assert [bar.get_height() for bar in below.patches] == [1, 30, 4000]


def test_each_mistake_is_shown_above_its_caption():
    shown = pictures(1)[0, :3]
    figure = picture_plots.captioned_pictures(shown, ["one", "two", "three"], TITLE)
    assert [axes.get_xlabel() for axes in figure.axes] == ["one", "two", "three"]
    for axes, picture in zip(figure.axes, shown, strict=True):
        np.testing.assert_array_equal(axes.images[0].get_array(), picture)
