import functools
import io
import re
from itertools import chain, combinations, pairwise

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
from menagerie.plots import style

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
            "learning_rate": 0.001 / (1 + epoch),
            "kept": epoch == epoch[-1],
        }
    )
    return table if model is None else table.assign(model=model)


def board(names, accuracy=0.8):
    table = pd.DataFrame({"model": names, "accuracy": accuracy})
    spread = 0.03 * (accuracy not in (0.0, 1.0))
    return table.assign(accuracy_low=accuracy - spread, accuracy_high=accuracy + spread)


def costs(names, seed=0):
    """A leaderboard with all that is known of each model: accuracies and costs over some powers of ten."""
    rng, count = np.random.default_rng(seed), len(names)
    accuracy, gap = np.sort(rng.uniform(0.6, 0.95, count))[::-1], rng.uniform(-0.01, 0.05, count)
    table = pd.DataFrame({"model": names, "accuracy": accuracy, "gap": gap, "train_accuracy": accuracy + gap})
    for column, (_, unit, _) in comparison_plots.COSTS.items():
        table[column] = unit * 10 ** rng.uniform(-1, 2, count)
    table["trainable_params"] = table["params"] * rng.uniform(0.01, 1, count)
    table = table.assign(gap_low=gap - 0.01, gap_high=gap + 0.02)
    return table.assign(accuracy_low=accuracy - 0.01, accuracy_high=accuracy + 0.01)


def macro_curves(names):
    points = np.linspace(0, 1, 5)
    tables = [
        pd.DataFrame({"model": name, "fpr": points, "tpr": points ** (1 / number)})
        for number, name in enumerate(names, start=2)
    ]
    return pd.concat(tables) if tables else pd.DataFrame(columns=["model", "fpr", "tpr"])


def corrupted():
    names, strengths = ["noise", "blur", "contrast", "jpeg", "brightness", "rotation", "shift"], range(1, 6)
    rows = [
        (name, strength, 0.9 - 0.02 * number * strength)
        for number, name in enumerate(names)
        for strength in strengths
    ]
    return pd.DataFrame(rows, columns=["corruption", "strength", "accuracy"])


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
    figure.savefig(file, format="png", dpi=50)
    return file.getvalue()


def texts(figure):
    """Every text that the figure shows, as it is read: in one line, without marks for the typesetter."""
    figure.draw_without_rendering()
    return shown_texts(figure)


def shown_texts(figure):
    """The same of a figure that is laid out."""
    found = figure.findobj(Text)
    assert not [text for text in found if text.get_parse_math() and is_math_text(text.get_text())]
    assert not [text for text in found if "mathdefault" in text.get_text()]
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


# Some sixty letters each, in scripts that matplotlib's own font has and in some that only others may have.
SCRIPTS = [
    "собака с очень длинным именем, которое не помещается никуда!",  # noqa: RUF001
    "كلب كبير جدا يعيش في الغابات الشمالية ويحب الجري والنوم",
    "手語" * 30,
    "W" * 60,
    "कुत्ता " * 10,
    "🐶 a dog, 🐱 a cat and 🦊 a fox, all in one and the same picture",
    "golden-mantled ground squirrel of the northern woods, adult 1",
    "a",
]


def any_script(count):
    return [f"{SCRIPTS[number % 8].strip()} {number}" for number in range(count)]


def read(text):
    """What a text says: lines break anywhere, marks of direction are unseen, an escape is a letter."""
    escape = re.compile(r"\\u([0-9a-f]{4})|\\U([0-9a-f]{8})")
    seen = "".join(text.replace("\N{LEFT-TO-RIGHT MARK}", "").split())
    return escape.sub(lambda found: chr(int(found[1] or found[2], 16)), seen)


TITLE = "cnn_augmented on Handwritten digits (scikit-learn): 360 test pictures"
NAMES = {"two": ["a", "b"], "forty": classes(40), "long": [f"{LONG} {number}" for number in range(10)]}
NAMES |= {"two in any script": any_script(2), "ten in any script": any_script(10)}
NAMES |= {"sixty in any script": any_script(60), "three hundred in any script": any_script(300)}
MODELS = {
    "one": ["cnn"],
    "five": [
        "xception_partial",
        "inception_v3_transfer",
        "cnn_augmented",
        "ann",
        "resnet50v2_finetune_fixed",
    ],
    "forty": classes(40, "mobilenet_v2_transfer_native_"),
    "five long": classes(5, f"{'efficientnet_v2_' * 4}"),
    "two in any script": any_script(2),
}
MEASURED = ["fit_seconds", "pictures_per_second", "milliseconds_per_picture"]
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
    **{
        f"pictures of {kind}": lambda names=names: picture_plots.picture_grid(
            pictures(len(names), 5, 12, 12), names, TITLE
        )
        for kind, names in NAMES.items()
    },
    **{
        f"thresholds of {kind}": lambda names=names: model_plots.threshold_curves(*curves_of(names), TITLE)
        for kind, names in NAMES.items()
    },
    **{
        f"mistakes of {kind}": lambda names=names: picture_plots.captioned_pictures(
            pictures(1)[0, :8], [f"{name}, taken for {names[0]} (99 %)" for name in (names * 4)[:8]], TITLE
        )
        for kind, names in NAMES.items()
    },
    **{
        f"dots of {kind}": lambda names=names: comparison_plots.accuracy_dots(
            board(names), {names[0]: 0.9}, TITLE
        )
        for kind, names in MODELS.items()
    },
    **{
        f"confusion in % of {kind}": lambda names=names: model_plots.confusion_matrix(
            confusion(len(names)), names, TITLE, normalised=True
        )
        for kind, names in NAMES.items()
    },
    **{
        f"{figure.__name__} of {kind}": lambda figure=figure, table=table, names=names: figure(
            table(names), TITLE
        )
        for kind, names in MODELS.items()
        for figure, table in [
            (comparison_plots.train_and_test, costs),
            (comparison_plots.cost_against_accuracy, costs),
            (comparison_plots.roc_together, macro_curves),
        ]
    },
    "confusion in % of a class without pictures": lambda: model_plots.confusion_matrix(
        np.array([[0, 0], [1, 1]]), ["a", "b"], TITLE, normalised=True
    ),
    "train and test of equal parameters": lambda: comparison_plots.train_and_test(
        costs(MODELS["five"]).assign(params=1_886_282), TITLE
    ),
    "equal costs": lambda: comparison_plots.cost_against_accuracy(
        costs(MODELS["five"]).assign(**dict.fromkeys(comparison_plots.COSTS, 3e6)), TITLE
    ),
    "equal accuracies": lambda: comparison_plots.cost_against_accuracy(
        costs(MODELS["five"]).assign(accuracy=1.0, accuracy_low=0.98, accuracy_high=1.0), TITLE
    ),
    "costs that nobody measured": lambda: comparison_plots.cost_against_accuracy(
        costs(MODELS["five"]).assign(**dict.fromkeys(MEASURED, np.nan)), TITLE
    ),
    "a cost of nothing": lambda: comparison_plots.cost_against_accuracy(
        costs(MODELS["five"]).assign(fit_seconds=[0, 1, 2, 3, 4]), TITLE
    ),
    "no roc": lambda: comparison_plots.roc_together(macro_curves([]), TITLE),
    "robustness": lambda: model_plots.robustness(corrupted(), 0.9, TITLE),
    "pairs": lambda: picture_plots.picture_pairs(
        pictures(5, 2), [f"test {LONG}/IMG_1171.JPG\ntrain {LONG}/IMG_1262.JPG\nnear"] * 5, TITLE
    ),
    "wide pairs of long names": lambda: picture_plots.picture_grid(
        pictures(6, 3, 10, 40), [f"{LONG}, taken for {LONG} (12 of 1000)"] * 6, TITLE
    ),
    "reliability": lambda: model_plots.reliability(bins(), TITLE),
    "one mistake": lambda: picture_plots.captioned_pictures(
        pictures(1)[0, :1], ["a, taken for b (99 %)"], TITLE
    ),
    "seven mistakes": lambda: picture_plots.captioned_pictures(
        pictures(1)[0, :7], [f"{LONG}, taken for {LONG} (99 %)"] * 7, TITLE
    ),
    "dots of forty": lambda: comparison_plots.accuracy_dots(board(classes(40, "model_")), {}, TITLE),
    "curves of one epoch": lambda: model_plots.learning_curves(history(1), TITLE),
    "curves of two phases": lambda: model_plots.learning_curves(history(20, phases=2), TITLE),
    "curves of one model": lambda: comparison_plots.learning_curves_together(history(1, model="cnn"), TITLE),
    "curves of twenty models": lambda: comparison_plots.learning_curves_together(
        pd.concat([history(5, model=name) for name in classes(20, "inceptionv3_finetune_")]), TITLE
    ),
}


@functools.cache
def drawn(name):
    """A figure of FIGURES, laid out, for tests that leave it as it is."""
    figure = FIGURES[name]()
    figure.draw_without_rendering()
    return figure


@pytest.mark.parametrize("name", ["confusion of two", "counts of two", "dots of five", "pictures of two"])
def test_a_figure_drawn_again_is_saved_to_equal_bytes(name):
    """One of each module: a PNG may hold no time and no other trace of when it was drawn."""
    first = png(FIGURES[name]())
    assert first.startswith(b"\x89PNG")
    assert png(FIGURES[name]()) == first


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_has_its_title_nothing_is_cut_off_and_no_legend_lies_over_a_panel(name):
    figure = drawn(name)
    assert any(text.startswith(TITLE) for text in shown_texts(figure))
    box = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    assert min(box.x0, box.y0, width - box.x1, height - box.y1) > 0.02
    panels = [axes.get_tightbbox() for axes in figure.axes]
    for legend in figure.findobj(Legend):
        assert not [panel for panel in panels if panel.overlaps(legend.get_tightbbox())]
    assert min(axes.get_window_extent().height for axes in figure.axes) >= 0.6 * figure.dpi


# the names of classes and models


MOST = {"confusion": 16, "counts": 60, "pictures": 90}  # classes that a figure of more shows


def is_of(text, name):
    """Whether a text is a name, or its beginning and its end."""
    head, left_out, tail = read(text).partition("\N{HORIZONTAL ELLIPSIS}")
    if not left_out:
        return read(text) == read(name)
    return read(name).startswith(head) and read(name).endswith(tail) and head and tail


def places_of(texts, names):
    """The place of the name that each text is of: the first after that of the text before."""
    places = iter(range(len(names)))
    return [next(place for place in places if is_of(text, names[place])) for text in texts]


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize(("figure_of", "axes"), [("confusion", 2), ("counts", 1), ("pictures", 1)])
def test_classes_are_named_and_do_not_lie_over_each_other(kind, figure_of, axes):
    figure = drawn(f"{figure_of} of {kind}")
    labels = [axis.get_ticklabels() for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]
    count = len(NAMES[kind]) if len(NAMES[kind]) <= max(30, MOST[figure_of]) else MOST[figure_of]
    named = [[label.get_text() for label in one] for one in labels]
    if figure_of == "pictures":  # in blocks beside each other
        named = [list(chain.from_iterable(named))]
    named = [one for one in named if len(one) == count]
    assert len([places_of(one, NAMES[kind]) for one in named]) == axes
    if kind in ("two", "forty"):  # short names are whole
        assert not [text for text in chain.from_iterable(named) if text not in NAMES[kind]]
    if count < len(NAMES[kind]):
        assert any(f" {len(NAMES[kind])}" in text for text in shown_texts(figure) if text.startswith(TITLE))
    assert not [pair for one in labels for pair in pairwise(one) if touching(*pair)]


@pytest.mark.parametrize("kind", NAMES)
def test_captions_lie_over_neither_pictures_nor_each_other(kind):
    panels = drawn(f"mistakes of {kind}").axes
    captions = [axes.xaxis.label.get_window_extent() for axes in panels]
    boxes = [axes.get_window_extent() for axes in panels]
    assert not [1 for one, other in combinations(captions, 2) if one.overlaps(other)]
    assert not [1 for caption in captions for box in boxes if caption.overlaps(box)]


@pytest.mark.parametrize("kind", MODELS)
def test_models_side_by_side_are_all_named_and_apart(kind):
    for figure in ("dots", "train_and_test"):
        labels = drawn(f"{figure} of {kind}").axes[0].get_yticklabels()
        told = [read(label.get_text()) for label in labels]
        assert [text.startswith(read(name)) for text, name in zip(told, MODELS[kind], strict=True)]
        assert not [pair for pair in pairwise(labels) if touching(*pair)]


@pytest.mark.parametrize("count", [20, 21, 300])
def test_curves_of_many_classes_stand_pale_behind_the_averages(count):
    figure = model_plots.threshold_curves(*curves_of(classes(count)), TITLE)
    named = [text.get_text() for text in figure.legends[0].get_texts()]
    assert named == [*(classes(count) if count <= 20 else []), "macro average", "micro average"]
    assert len(figure.axes[0].lines) == count + 3


def touching(before, after):
    """Whether two texts of one direction overlap, in that direction and across it."""
    (x, y), (next_x, next_y) = (
        text.get_transform().transform(text.get_position()) for text in (before, after)
    )
    angle = np.deg2rad(before.get_rotation())
    along = abs((next_x - x) * np.cos(angle) + (next_y - y) * np.sin(angle))
    across = abs((next_y - y) * np.cos(angle) - (next_x - x) * np.sin(angle))
    turned = before.get_rotation()
    before.set_rotation(0)
    box = before.get_window_extent()
    before.set_rotation(turned)
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


@pytest.mark.parametrize("name", ["手語", "собака", "naïve café", "كلب", "🐶", "कुत्ता", "a\tb", "\x07"])
def test_letters_that_no_font_has_are_written_as_escapes_and_nothing_warns(name):
    figure = model_plots.confusion_matrix(confusion(2), [name, "b"], name)
    label, _ = figure.axes[0].get_yticklabels()
    same = {"".join(text.split()) for text in (label.get_text(), figure.get_suptitle())}
    assert len(same) == 1
    assert read(same.pop()) in (read(name), name.encode("unicode_escape").decode())
    assert label.get_window_extent().width > 0
    assert png(figure).startswith(b"\x89PNG")


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


def test_a_normalised_confusion_matrix_says_the_percentage_of_the_true_class():
    counts = np.array([[1, 3, 0], [0, 2000, 1], [0, 0, 0]])
    axes = model_plots.confusion_matrix(counts, ["a", "b", "c"], TITLE, normalised=True).axes[0]
    assert {text.get_position()[::-1]: text.get_text() for text in axes.texts} == {
        (0, 0): "25.0",
        (0, 1): "75.0",
        (1, 1): "100.0",
        (1, 2): "0.0",
    }
    np.testing.assert_allclose(
        axes.images[0].get_array(), [[0.25, 0.75, 0], [0, 2000 / 2001, 1 / 2001], [0] * 3]
    )


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
    for axes, measure in zip(figure.axes[:2], ("loss", "accuracy"), strict=True):
        drawn = {line.get_label(): list(line.get_ydata()) for line in axes.lines}
        val = table[f"val_{measure}"].tolist()
        assert (drawn["train"], drawn["val"]) == (table[measure].tolist(), val)
        assert drawn["best of val"] == [min(val) if measure == "loss" else max(val)]
    rate, _ = figure.axes[2].lines
    assert rate.get_ydata().tolist() == table["learning_rate"].tolist()


@pytest.mark.parametrize("kept", [3, 5])
def test_the_epoch_that_was_kept_is_marked(kept):
    table = history(5).assign(epoch=np.arange(1, 6), kept=np.arange(1, 6) == kept)
    figure = model_plots.learning_curves(table, TITLE)
    marked = [
        [line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == "--"] for axes in figure.axes
    ]
    assert marked == [[kept]] * 3
    assert f"kept: epoch {kept}" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_a_learning_rate_that_starts_from_zero_is_drawn():
    """As warm-up has it; a logarithmic axis has no place for 0."""
    table = history(3).assign(learning_rate=[0.0, 0.01, 0.02])
    rate, _ = model_plots.learning_curves(table, TITLE).axes[2].lines
    assert rate.axes.get_yscale() == "linear"


def test_a_phase_begins_behind_a_line():
    figure = model_plots.learning_curves(history(4, phases=3), TITLE)
    begins = [
        [line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == ":"] for axes in figure.axes
    ]
    assert begins == [[3.5, 7.5]] * 3


def test_a_single_epoch_can_be_seen():
    figure = model_plots.learning_curves(history(1), TITLE)
    seen = [
        has_colour(figure, axes, colour)
        for axes in figure.axes[:2]
        for colour in (model_plots.TRAIN, model_plots.VAL)
    ]
    assert seen == [True] * 4


def test_a_single_epoch_can_be_seen_beside_other_models():
    """`compute.max_epochs=1` is the quick try of anything."""
    table = pd.concat([history(1, model="a"), history(2, model="b").tail(1)])
    figure = comparison_plots.learning_curves_together(table, TITLE)
    seen = [has_colour(figure, axes, line.get_color()) for axes in figure.axes for line in axes.lines]
    assert seen == [True] * 4


@pytest.mark.parametrize("count", [1, 10, 20, 50])
def test_each_model_has_a_line_of_its_own_kind_and_the_same_in_both_halves(count):
    names = classes(count, "model_")
    figure = comparison_plots.learning_curves_together(
        pd.concat([history(3, model=name) for name in names]), TITLE
    )
    left, right = (
        {line.get_label(): (line.get_color(), line.get_linestyle()) for line in axes.lines}
        for axes in figure.axes
    )
    assert left == right
    assert list(left) == names
    assert len(set(left.values())) == count


def test_the_roc_curve_of_each_model_goes_through_its_points():
    table = macro_curves(MODELS["five"])
    axes = drawn("roc_together of five").axes[0]
    *lines, diagonal = axes.lines
    assert [line.get_label() for line in lines] == MODELS["five"]
    for line in lines:
        points = table.loc[table["model"] == line.get_label(), ["fpr", "tpr"]]
        np.testing.assert_array_equal(line.get_xydata(), points)
    assert diagonal.get_xydata().tolist() == [[0, 0], [1, 1]]


# accuracies


def test_the_first_of_the_leaderboard_is_on_top_with_its_interval():
    table = board(["best", "worst"])
    table["accuracy"], table["accuracy_low"], table["accuracy_high"] = [0.9, 0.7], [0.88, 0.6], [0.95, 0.8]
    axes = comparison_plots.accuracy_dots(table, {}, TITLE).axes[0]
    places = dict(zip([label.get_text() for label in axes.get_yticklabels()], axes.get_yticks(), strict=True))
    assert places["best"] > places["worst"]
    intervals, _ = axes.collections
    drawn = {segment[0][1]: segment[:, 0].tolist() for segment in intervals.get_segments()}
    assert drawn[places["best"]] == pytest.approx([88, 95])
    assert drawn[places["worst"]] == pytest.approx([60, 80])


def test_a_reported_accuracy_stands_in_the_row_of_its_model():
    axes = comparison_plots.accuracy_dots(board(["a", "b", "c"]), {"b": 0.85, "gone": 0.2}, TITLE).axes[0]
    (line,) = [line for line in axes.lines if line.get_label() == "reported"]
    assert line.get_xdata().tolist() == [85]
    assert line.get_ydata().tolist() == [1]


@pytest.mark.parametrize("accuracy", [0.0, 1.0])
def test_an_interval_of_no_width_is_drawn_and_its_dot_can_be_seen(accuracy):
    figure = comparison_plots.accuracy_dots(board(["a", "b"], accuracy), {}, TITLE)
    (axes,) = figure.axes
    intervals, dots = axes.collections
    drawn = [segment[:, 0].tolist() for segment in intervals.get_segments()]
    assert drawn == [[100 * accuracy] * 2] * 2
    assert all(has_colour(figure, axes, colour) for colour in dots.get_facecolors())


def test_a_model_has_the_same_colour_in_every_figure():
    names = ["cnn", "ann", "xception", "resnet"]
    curves = pd.concat([history(3, model=name) for name in names])
    learned = {
        line.get_label(): to_rgb(line.get_color())
        for line in comparison_plots.learning_curves_together(curves, TITLE).axes[0].lines
    }
    _, dots = comparison_plots.accuracy_dots(board(names[::-1]), {}, TITLE).axes[0].collections
    assert dict(zip(names[::-1], map(to_rgb, dots.get_facecolors()), strict=True)) == learned
    assert len(set(learned.values())) == 4


def test_ten_models_are_told_apart():
    assert len(set(style.colours_of([f"model {number}" for number in range(10)]).values())) == 10


def test_the_matrix_of_many_classes_shows_those_that_are_confused_most_and_the_whole_has_no_numbers():
    counts = np.diag(np.full(60, 10))
    counts[41, 3], counts[50, 59] = 7, 5
    figure = model_plots.confusion_matrix(counts, classes(60), TITLE)
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert {f"class {place}" for place in (3, 41, 50, 59)} <= set(labels)
    assert {"7", "5", "10"} <= set(shown_texts(figure))
    whole = model_plots.confusion_whole(counts, TITLE)
    assert np.asarray(whole.axes[0].images[0].get_array())[41, 3] == pytest.approx(100 * 7 / 17)
    assert not whole.axes[0].texts


@pytest.mark.parametrize("kind", ["sixty in any script", "three hundred in any script", "long"])
@pytest.mark.parametrize("figure_of", ["confusion", "counts", "pictures", "mistakes"])
def test_a_figure_of_many_or_long_names_fits_a_page(figure_of, kind):
    width, height = drawn(f"{figure_of} of {kind}").get_size_inches()
    assert width < 26
    assert height < 26


def test_train_accuracy_stands_beside_test_accuracy_and_the_gap_over_the_parameters():
    table = pd.DataFrame({"model": ["best", "worst"], "accuracy": [0.9, 0.7], "train_accuracy": [0.95, 0.69]})
    table = table.assign(gap=[0.05, -0.01], gap_low=[0.03, -0.02], gap_high=[0.08, 0.01])
    table = table.assign(params=[2_000_000, 30_000], trainable_params=[5_000, 30_000])
    left, right, trainable = comparison_plots.train_and_test(table, TITLE).axes
    rows = dict(zip([label.get_text() for label in left.get_yticklabels()], left.get_yticks(), strict=True))
    _, train, test = left.collections
    np.testing.assert_allclose(test.get_offsets(), [[90, rows["best  1"]], [70, rows["worst  2"]]])
    np.testing.assert_allclose(train.get_offsets(), [[95, rows["best  1"]], [69, rows["worst  2"]]])
    colours = [(*colour, 1) for colour in style.colours_of(["best", "worst"]).values()]
    for dots in (train.get_edgecolors(), test.get_facecolors(), right.collections[1].get_facecolors()):
        np.testing.assert_allclose(dots, colours)
    assert rows["best  1"] > rows["worst  2"]
    assert {text.get_text(): text.xy for text in right.texts} == {
        "1": pytest.approx((2, 5)),
        "2": pytest.approx((0.03, -1)),
    }
    np.testing.assert_allclose(right.collections[1].get_offsets(), [[2, 5], [0.03, -1]])
    np.testing.assert_allclose(trainable.collections[1].get_offsets(), [[0.005, 5], [0.03, -1]])
    spread = [segment[:, 1].tolist() for segment in trainable.collections[0].get_segments()]
    np.testing.assert_allclose(spread, [[3, 8], [-2, 1]])


# costs


def panels_of(figure):
    """Column of COSTS -> the panel that shows it."""
    shown = {axes.get_xlabel(): axes for axes in figure.axes}
    labels = {column: label for column, (label, *_) in comparison_plots.COSTS.items()}
    return {column: shown[label] for column, label in labels.items() if label in shown}


def colours_in(axes):
    return {bar.get_label(): to_rgb(bar[0].get_color()) for bar in axes.containers}


def coarse(count, seed):
    """Models of few different accuracies and costs: many are equal in one of them, some in both."""
    rng = np.random.default_rng(seed)
    table = costs(classes(count, "model_")).assign(accuracy=rng.integers(3, 9, count) / 10)
    table["accuracy_low"] = table["accuracy_high"] = table["accuracy"]
    return table.assign(**{column: rng.integers(1, 7, count) for column in comparison_plots.COSTS})


@pytest.mark.parametrize("seed", range(3))
def test_the_stepped_line_joins_exactly_the_models_that_no_other_beats(seed):
    table = coarse(20, seed)
    panels = panels_of(comparison_plots.cost_against_accuracy(table, TITLE))
    assert list(panels) == list(comparison_plots.COSTS)
    for column, axes in panels.items():
        _, unit, less_is_better = comparison_plots.COSTS[column]
        burden = table[column] if less_is_better else -table[column]
        beaten = [
            any((burden <= b) & (table["accuracy"] >= a) & ((burden < b) | (table["accuracy"] > a)))
            for b, a in zip(burden, table["accuracy"], strict=True)
        ]
        unbeaten = table[~np.array(beaten)].drop_duplicates([column, "accuracy"]).sort_values("accuracy")
        (line,) = [line for line in axes.lines if line.get_drawstyle() == "steps-post"]
        np.testing.assert_allclose(line.get_xdata(), unbeaten[column] / unit)
        np.testing.assert_allclose(line.get_ydata(), 100 * unbeaten["accuracy"])


def test_more_pictures_a_second_are_better_and_fewer_minutes():
    table = costs(["slow", "fast"]).assign(pictures_per_second=[10, 100], fit_seconds=[60, 600])
    table = table.assign(accuracy=[0.9, 0.8], accuracy_low=0.7, accuracy_high=1.0)
    panels = panels_of(comparison_plots.cost_against_accuracy(table, TITLE))
    steps = {
        column: next(line for line in axes.lines if line.get_drawstyle() == "steps-post")
        for column, axes in panels.items()
    }
    np.testing.assert_allclose(steps["pictures_per_second"].get_xydata(), [[100, 80], [10, 90]])
    np.testing.assert_allclose(steps["fit_seconds"].get_xydata(), [[1, 90]])


def test_each_model_stands_at_its_cost_with_its_interval_and_its_number():
    table = costs(MODELS["five"])
    panels = panels_of(drawn("cost_against_accuracy of five"))
    assert list(panels) == list(comparison_plots.COSTS)
    for column, axes in panels.items():
        unit = comparison_plots.COSTS[column][1]
        labels = [f"{number}  {name}" for number, name in enumerate(MODELS["five"], start=1)]
        assert [bar.get_label() for bar in axes.containers] == labels
        numbers = {text.get_text(): text.xy for text in axes.texts}
        for bar, row in zip(axes.containers, table.itertuples(), strict=True):
            point = getattr(row, column) / unit, 100 * row.accuracy
            assert bar[0].get_xydata()[0] == pytest.approx(point)
            assert numbers[bar.get_label().split()[0]] == pytest.approx(point)
            (segment,) = bar[2][0].get_segments()
            assert segment[:, 1] == pytest.approx([100 * row.accuracy_low, 100 * row.accuracy_high])


@pytest.mark.parametrize("nothing", [np.nan, 0.0])
def test_a_cost_that_is_unknown_or_nothing_is_left_out_and_the_colours_stay(nothing):
    table = costs(MODELS["five"])
    table.loc[[0, 3], MEASURED] = nothing
    panels = panels_of(comparison_plots.cost_against_accuracy(table, TITLE))
    assert list(panels) == list(comparison_plots.COSTS)
    everything = colours_in(panels["params"])
    assert len(set(everything.values())) == 5
    for column, axes in panels.items():
        left = [0, 1, 2, 3, 4] if column not in MEASURED else [1, 2, 4]
        wanted = [f"{row + 1}  {MODELS['five'][row]}" for row in left]
        assert colours_in(axes) == {label: everything[label] for label in wanted}
        assert [text.get_text() for text in axes.texts] == [label.split()[0] for label in wanted]


def test_a_cost_that_is_unknown_of_every_model_has_no_panel():
    assert list(panels_of(drawn("costs that nobody measured"))) == ["params", "model_bytes"]


def test_the_legend_of_costs_names_every_model():
    for name in ("a cost of nothing", "costs that nobody measured"):
        (legend,) = drawn(name).legends
        assert [text.get_text().split()[1] for text in legend.get_texts()] == MODELS["five"]


@pytest.mark.parametrize(
    ("least", "most", "ticks"),
    [
        (1_886_282, 1_886_282, ["1", "3"]),
        (2e6, 9e6, ["3", "10"]),
        (0.2e6, 4e6, ["0.3", "1", "3"]),
        (0.01e6, 90e6, ["0.01", "0.1", "1", "10", "100"]),
        (20_000e6, 300_000e6, ["30,000", "100,000", "300,000"]),
    ],
)
def test_a_logarithmic_axis_has_few_and_plain_ticks_around_all_points(least, most, ticks):
    table = costs(MODELS["five"]).assign(params=np.linspace(least, most, 5))
    figure = comparison_plots.train_and_test(table, TITLE)
    FigureCanvasAgg(figure).draw()
    left, right = figure.axes[1].get_xlim()
    assert left < least / 1e6 <= most / 1e6 < right
    labels = [
        label.get_text()
        for place, label in zip(figure.axes[1].get_xticks(), figure.axes[1].get_xticklabels(), strict=True)
        if left <= place <= right
    ]
    assert labels == ticks
    assert not any(label.get_text() for label in figure.axes[1].get_xticklabels(minor=True))


def test_the_numbers_of_points_close_together_are_all_legible():
    table = costs(classes(4, "model_")).assign(
        params=[1e6, 1.02e6, 1.04e6, 5e6],
        gap=[0.02, 0.02, 0.02, 0.03],
        gap_low=0.01,
        gap_high=0.04,
    )
    figure = comparison_plots.train_and_test(table, TITLE)
    FigureCanvasAgg(figure).draw()
    right = figure.axes[1]
    boxes = [text.get_tightbbox() for text in right.texts]
    assert [text.get_text() for text in right.texts] == ["1", "2", "3", "4"]
    assert not [1 for one, other in combinations(boxes, 2) if one.overlaps(other)]
    for x, y in right.transData.transform(right.lines[0].get_xydata()):
        assert not [box for box in boxes if box.contains(x, y)]


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


def test_two_bins_with_as_many_pictures_have_plain_ticks():
    axes = model_plots.reliability(bins().assign(count=[40, 40, 41]), TITLE).axes[1]
    low, high = axes.get_ylim()
    shown = [label.get_text() for label, place in zip(axes.get_yticklabels(), axes.get_yticks(), strict=True)]
    assert [label for label, place in zip(shown, axes.get_yticks(), strict=True) if low <= place <= high] == [
        "30",
        "100",
    ]
    assert not any(label.get_text() for label in axes.get_yticklabels(minor=True))


def test_strength_0_of_robustness_is_the_accuracy_of_clean_pictures():
    table = corrupted()
    axes = model_plots.robustness(table, 0.93, TITLE).axes[0]
    assert [line.get_label() for line in axes.lines] == list(table["corruption"].unique())
    for line in axes.lines:
        one = table[table["corruption"] == line.get_label()]
        np.testing.assert_array_equal(line.get_xdata(), [0, 1, 2, 3, 4, 5])
        np.testing.assert_allclose(line.get_ydata(), [93, *(100 * one["accuracy"])])


# overlays and pairs


def test_an_overlay_is_half_the_picture_and_half_the_heat():
    inferno = np.array([[0.001462, 0.000466, 0.013866], [0.988362, 0.998364, 0.644924]])  # of 0 and of 1
    pictures = np.array([[[[0, 100, 255], [0, 100, 255]]]], np.uint8)
    expected = np.rint((pictures[0, 0] + 255 * inferno) / 2)
    overlay = picture_plots.heat_overlays(pictures, np.array([[[0.0, 1.0]]]))
    assert overlay.dtype == np.uint8
    assert expected.tolist() == [[0, 50, 129], [126, 177, 210]]
    np.testing.assert_array_equal(overlay, expected[np.newaxis, np.newaxis])


def test_a_pair_is_shown_side_by_side_above_its_caption():
    pairs = pictures(2, 2)
    figure = picture_plots.picture_pairs(pairs, ["first\nexact", "second\nnear"], TITLE)
    assert [axes.get_xlabel() for axes in figure.axes] == ["first\nexact", "second\nnear"]
    for axes, (left, right) in zip(figure.axes, pairs, strict=True):
        image = np.asarray(axes.images[0].get_array())
        np.testing.assert_array_equal(image[:, :8], left)
        np.testing.assert_array_equal(image[:, -8:], right)
        assert (image[:, 8:-8] == 255).all()
        assert image.shape[1] > 16


@pytest.mark.parametrize(("height", "width"), [(12, 8), (20, 80), (80, 20)])
def test_pictures_of_any_shape_fill_their_figure(height, width):
    """Each has an area of its own of at least half of what a square one has, 2.4 inches wide."""
    figure = picture_plots.captioned_pictures(pictures(1, 6, height, width)[0], ["a"] * 6, TITLE)
    FigureCanvasAgg(figure).draw()
    for axes in figure.axes[:6]:
        box = axes.get_window_extent()
        assert box.width * box.height >= 0.5 * (2.4 * figure.dpi) ** 2


def test_of_runs_the_models_that_are_in_use_have_their_colours_and_others_are_grey():
    table = pd.DataFrame({"model": ["cnn", "lenet"], "changed": "", "seed": 1, "val_accuracy": [0.9, 0.8]})
    table = table.assign(low=0.7, high=0.95)
    dots = comparison_plots.val_dots(table, ["ann", "cnn"], TITLE).axes[0].collections[1]
    known = style.colours_of(["ann", "cnn"])["cnn"]
    np.testing.assert_allclose(dots.get_facecolors()[0][:3], known)
    assert len(set(dots.get_facecolors()[1][:3])) == 1
