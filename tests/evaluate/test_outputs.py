"""Tables and figures of one model: a network whose answer is known, on real pictures on disk."""

import functools
import io

import numpy as np
import pandas as pd
import pytest
from matplotlib import colormaps

from menagerie.data import Data, Subset
from menagerie.evaluate import calibration, curves, measures
from menagerie.plots import pictures as picture_plots

keras = pytest.importorskip("keras")

from menagerie.confidence import probabilities  # noqa: E402
from menagerie.evaluate import outputs, previews  # noqa: E402
from menagerie.evaluate.corruptions import EMPTY  # noqa: E402
from menagerie.model_files import predict  # noqa: E402

pytestmark = pytest.mark.tensorflow

CLASSES = ["red", "green", "blue"]
ALWAYS = {
    "learning_curves",
    "confusion",
    "confusion_normalised",
    "roc_and_precision_recall",
    "reliability",
    "examples",
}
WRONG = {"mistakes", "confused_pairs"}
TITLE = "brightest on Three colours"


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """60 pictures of 16x12, red, green, blue in turn: dark, with a bright left half that differs in each."""
    pictures = np.zeros((60, 16, 12, 3), np.uint8)
    for row in range(60):
        pictures[row, :, :6, row % 3] = 100 + row
    path = tmp_path_factory.mktemp("data") / "images.npy"
    np.save(path, pictures)
    return np.load(path, mmap_mode="r")


@functools.cache
def brightest(*layers, convolution=True):
    """A network that answers with the brightest channel; `layers` come after the scaling."""
    inputs = keras.Input((16, 12, 3), dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(inputs)
    for layer in layers:
        x = layer(x)
    if convolution:
        x = keras.layers.DepthwiseConv2D(1, use_bias=False, depthwise_initializer="ones")(x)  # as it is
    x = keras.layers.GlobalAveragePooling2D()(x)
    logits = keras.layers.Dense(
        3, use_bias=False, kernel_initializer=keras.initializers.Identity(20.0), name="logits"
    )(x)
    return keras.Model(inputs, logits)


def subset(rows, labels=None):
    rows = np.asarray(rows)
    labels = rows % 3 if labels is None else np.asarray(labels)
    return Subset(rows, labels.astype(np.int32), np.array([f"{row}.png" for row in rows], object))


def data_of(images, test):
    return Data(images, CLASSES, {"train": subset(range(30)), "val": subset(range(30, 36)), "test": test})


def history():
    numbers = {name: [0.9, 0.5] for name in ("loss", "accuracy", "val_loss", "val_accuracy")}
    kept = {"learning_rate": 0.001, "kept": [False, True]}
    return pd.DataFrame({"epoch": [1, 2], "phase": "main", **numbers, **kept})


def augmented(model, images):
    return outputs.augmented(model, data_of(images, subset([36])), TITLE)


def drawn(model, images, test, robustness=EMPTY):
    logits = predict(model, images, test.rows)
    found = outputs.tables(test, logits, CLASSES) | {"history": history(), "robustness": robustness}
    return outputs.figures(model, data_of(images, test), logits, found, TITLE), found


def shown(figure):
    """What a figure of captioned pictures shows: (picture, caption) of each."""
    return [
        (np.asarray(axes.images[0].get_array()), " ".join(axes.get_xlabel().split()))
        for axes in figure.axes
        if axes.images
    ]


def rows_of(figure, below=1):
    """What a picture grid shows: name of each row, and its pictures, (rows, columns, 16, 12, 3).

    `below` pixels part the rows, one the columns.
    """
    (axes,) = figure.axes
    mosaic = np.pad(np.asarray(axes.images[0].get_array()), [(0, below), (0, 1), (0, 0)])
    rows, columns = mosaic.shape[0] // (16 + below), mosaic.shape[1] // (12 + 1)
    pictures = mosaic.reshape(rows, 16 + below, columns, 12 + 1, 3).swapaxes(1, 2)[:, :, :16, :12]
    return [" ".join(label.get_text().split()) for label in axes.get_yticklabels()], pictures


# tables


def test_the_tables_are_those_of_evaluation_curves_and_calibration(images):
    labels = np.array([0, 1, 2, 1, 1, 2])
    test = subset(range(36, 42), labels)
    logits = predict(brightest(), images, test.rows)
    values, predicted = probabilities(logits), logits.argmax(axis=1)
    expected = {
        "per_class": measures.per_class(labels, predicted, CLASSES),
        "confusion": measures.confusion_table(measures.confusion(labels, predicted, 3), CLASSES),
        "predictions": measures.predictions(test.paths, labels, logits, CLASSES),
        "areas": curves.areas(labels, values, CLASSES),
        "roc": curves.roc_table(labels, values, CLASSES),
        "precision_recall": curves.precision_recall_table(labels, values, CLASSES),
        "reliability": calibration.reliability(labels, values),
    }
    tables = outputs.tables(test, logits, CLASSES)
    assert list(tables) == list(expected)
    for name, table in tables.items():
        pd.testing.assert_frame_equal(table, expected[name])


def test_the_tables_say_what_the_network_took_for_what(images):
    test = subset([36, 37, 38, 39], [0, 1, 2, 2])  # the last is red and called blue
    tables = outputs.tables(test, predict(brightest(), images, test.rows), CLASSES)
    assert tables["predictions"][["path", "actual", "predicted"]].to_numpy().tolist() == [
        ["36.png", "red", "red"],
        ["37.png", "green", "green"],
        ["38.png", "blue", "blue"],
        ["39.png", "blue", "red"],
    ]
    assert tables["confusion"].to_numpy().tolist() == [
        ["red", "red", 1, 1.0],
        ["green", "green", 1, 1.0],
        ["blue", "red", 1, 0.5],
        ["blue", "blue", 1, 0.5],
    ]


# which figures there are


@pytest.mark.parametrize(
    ("rows", "labels", "also"),
    [
        pytest.param(range(36, 60), None, {"grad_cam"}, id="all right"),
        pytest.param(range(36, 60), [0, 1, 1] * 8, {"grad_cam"} | WRONG, id="a class without test pictures"),
        pytest.param(range(36, 60), [1, 2, 0] * 8, {"grad_cam"} | WRONG, id="all wrong"),
        pytest.param([36, 37], None, {"grad_cam"}, id="two test pictures"),
        pytest.param([36, 37], [0, 0], {"grad_cam"} | WRONG, id="two test pictures of one class"),
    ],
)
def test_what_there_is_to_show_is_drawn_and_can_be_saved(images, rows, labels, also):
    figures, _ = drawn(brightest(), images, subset(rows, labels))
    assert set(figures) == ALWAYS | also
    for figure in figures.values():
        file = io.BytesIO()
        figure.savefig(file, format="png")
        assert file.getvalue().startswith(b"\x89PNG")
        assert " ".join(figure.get_suptitle().split()).startswith(TITLE)


def test_a_network_without_a_convolution_has_no_grad_cam(images):
    figures, _ = drawn(brightest(convolution=False), images, subset([36, 37, 38]))
    assert set(figures) == ALWAYS


def test_robustness_is_drawn_where_it_was_asked_for(images):
    rows = [("noise", strength, 0.9, 0.8, 1.0, 3) for strength in range(1, 6)]
    table = pd.DataFrame(rows, columns=EMPTY.columns)
    figures, _ = drawn(brightest(), images, subset([36, 37, 38, 39], [0, 1, 2, 2]), table)
    assert set(figures) == ALWAYS | WRONG | {"grad_cam", "robustness"}
    (line,) = figures["robustness"].axes[0].lines
    assert line.get_ydata().tolist() == pytest.approx([75, 90, 90, 90, 90, 90])


def test_figures_of_the_test_split_say_how_many_pictures_it_has(images):
    figures, _ = drawn(brightest(), images, subset([36, 37, 38]))
    titles = {name: " ".join(figure.get_suptitle().split()) for name, figure in figures.items()}
    assert titles["learning_curves"] == TITLE
    assert titles["confusion"] == titles["reliability"] == f"{TITLE}: 3 test pictures"


# what they show


def test_examples_are_test_pictures_by_chance_each_with_its_answer(images):
    test = subset(range(36, 60), [0, 1, 1] * 8)
    figures, found = drawn(brightest(), images, test)
    table, examples = found["predictions"], shown(figures["examples"])
    assert len(examples) == outputs.EXAMPLES
    rows = [int(np.flatnonzero((images == picture).all(axis=(1, 2, 3)))[0]) for picture, _ in examples]
    assert rows == sorted(set(rows))
    assert set(rows) < set(test.rows.tolist())
    for row, (_, caption) in zip(rows, examples, strict=True):
        sure = f"({100 * table['probability'][row - 36]:.0f} %)"
        answer = "green, taken for blue" if row % 3 == 2 else CLASSES[row % 3]
        assert caption == f"{answer} {sure} {row}.png"
    again, _ = drawn(brightest(), images, test)
    assert [caption for _, caption in shown(again["examples"])] == [caption for _, caption in examples]


def test_the_surest_mistakes_come_first(images):
    figures, found = drawn(brightest(), images, subset(range(36, 60), [1, 2, 0] * 8))
    mistakes = shown(figures["mistakes"])
    assert len(mistakes) == outputs.MISTAKES
    for row, (picture, caption) in zip(range(59, 36, -1), mistakes, strict=False):  # the brightest is surest
        np.testing.assert_array_equal(picture, images[row])
        taken = f"{CLASSES[(row + 1) % 3]}, taken for {CLASSES[row % 3]}"
        sure = f"({100 * found['predictions']['probability'][row - 36]:.0f} %)"
        assert caption == f"{taken} {sure} {row}.png"


def test_each_pair_of_classes_has_a_row_of_its_pictures_and_says_how_many_there_are(images):
    labels = np.arange(36, 60) % 3
    labels[[0, 3, 4]] = [1, 1, 2]  # two red ones are called green, a green one blue
    figures, _ = drawn(brightest(), images, subset(range(36, 60), labels))
    names, pictures = rows_of(figures["confused_pairs"], below=4)
    files = [text.get_text() for text in figures["confused_pairs"].axes[0].texts]
    assert files == ["36.png", "39.png", "40.png"]
    assert names == ["green, taken for red (2 of 9)", "blue, taken for green (1 of 9)"]
    assert pictures.shape[:2] == (2, 2)
    np.testing.assert_array_equal(pictures[0], images[[36, 39]])
    np.testing.assert_array_equal(pictures[1, 0], images[40])
    assert (pictures[1, 1] == 255).all()


def test_a_row_of_confused_pictures_has_an_end(images):
    figures, _ = drawn(brightest(), images, subset(range(30, 60), np.zeros(30)))
    names, pictures = rows_of(figures["confused_pairs"], below=4)
    assert names == ["red, taken for green (10 of 30)", "red, taken for blue (10 of 30)"]
    assert pictures.shape[1] == outputs.PER_PAIR == 8
    np.testing.assert_array_equal(pictures[0], images[31:55:3])


def test_grad_cam_shows_right_answers_then_the_surest_mistakes_beside_their_heat(images):
    labels = np.arange(36, 60) % 3
    labels[[0, 23]] = [1, 0]
    figures, _ = drawn(brightest(), images, subset(range(36, 60), labels))
    pairs = shown(figures["grad_cam"])
    assert [caption.split(" (")[0] for _, caption in pairs] == [
        *("green", "blue", "red", "green"),  # of 22 right ones the first, the last, and two between
        *("red, taken for blue", "green, taken for red"),
    ]
    originals = [picture[:, :12] for picture, _ in pairs]
    np.testing.assert_array_equal(originals, images[[37, 44, 51, 58, 59, 36]])
    hot, cold = (255 * np.array(colormaps["inferno"](value)[:3]) for value in (1.0, 0.0))
    for row, (picture, _) in zip([59, 36], pairs[4:], strict=True):  # it saw what is bright, on the left
        overlay = picture[:, -12:]
        np.testing.assert_array_equal(overlay[:, :6], np.rint((images[row, :, :6] + hot) / 2))
        np.testing.assert_array_equal(overlay[:, 6:], np.rint((images[row, :, 6:] + cold) / 2))


def test_augmentation_is_shown_below_the_training_pictures_that_it_is_of(images):
    flip = keras.layers.RandomFlip("horizontal", seed=3, name="flip")
    names, pictures = rows_of(augmented(brightest(flip), images))
    assert names == ["original", "flip"]
    np.testing.assert_array_equal(pictures[0], images[np.arange(0, 24, 3)])
    for original, flipped in pictures.swapaxes(0, 1):
        assert (flipped == original).all() or (flipped == original[:, ::-1]).all()
    assert (pictures[1] != pictures[0]).any()


def test_augmentation_of_pictures_that_the_network_enlarges_is_shown_in_their_own_size(images):
    model = brightest(keras.layers.Resizing(48, 36), keras.layers.RandomContrast(0.0, name="contrast"))
    names, pictures = rows_of(augmented(model, images))
    assert names == ["original", "contrast"]
    assert np.abs(pictures[1].astype(int) - pictures[0]).mean() < 5  # but for the edge of the bright half


@pytest.mark.parametrize("highest", [1, 255])
def test_previews_are_as_bright_as_the_pictures_however_they_are_scaled(images, highest):
    """A dark picture of 0..255 must not be taken for one of 0..1."""
    inputs = keras.Input((16, 12, 3), dtype="uint8")
    x = keras.layers.Rescaling(highest / 255)(inputs)
    x = keras.layers.GaussianNoise(1e-9, name="noise")(x)
    model = keras.Model(inputs, keras.layers.Dense(3, name="logits")(keras.layers.Flatten()(x)))
    dark = np.asarray(images[:2]) // 100
    assert dark.max() == 1
    np.testing.assert_array_equal(previews.augmentations(model, dark)["noise"], dark)


def test_captions_keep_a_number_and_its_unit_on_one_line():
    table = pd.DataFrame(
        {
            "path": "squirrels/a picture with a name that is far too long 0017.jpg",
            "actual": ["golden-mantled ground squirrel"],
            "predicted": ["b"],
            "probability": 0.99,
        }
    )
    (caption,) = outputs._captions(table)
    assert caption.endswith("\na picture wit\N{HORIZONTAL ELLIPSIS} long 0017.jpg")
    figure = picture_plots.captioned_pictures(np.zeros((1, 16, 12, 3), np.uint8), [caption], TITLE)
    assert "99\N{NO-BREAK SPACE}%" in figure.axes[0].get_xlabel()
