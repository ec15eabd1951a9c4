import json
import math

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from sklearn import metrics

from menagerie.errors import ModelError
from menagerie.evaluate.intervals import wilson_interval
from menagerie.evaluate.measures import (
    accuracy_and_loss,
    confusion,
    confusion_table,
    difference,
    most_confident_mistakes,
    most_confused,
    per_class,
    predictions,
    scores,
)

# What seed 000 prints for its fine-tuned InceptionV3: true class down, predicted class across.
ANIMALS = ["butterfly", "cat", "chicken", "cow", "dog", "elephant", "horse", "sheep", "spider", "squirrel"]
PUBLISHED = np.array(
    [
        [316, 1, 0, 0, 0, 0, 0, 0, 0, 0],
        [0, 246, 1, 0, 2, 0, 0, 0, 0, 1],
        [0, 0, 465, 0, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 275, 2, 1, 0, 2, 0, 0],
        [0, 3, 2, 1, 721, 0, 0, 2, 0, 0],
        [0, 0, 0, 0, 1, 215, 0, 1, 0, 0],
        [0, 0, 0, 6, 1, 0, 386, 0, 0, 0],
        [0, 0, 0, 2, 4, 3, 0, 264, 0, 0],
        [10, 0, 0, 0, 1, 0, 0, 0, 718, 1],
        [1, 2, 0, 0, 0, 0, 0, 0, 1, 275],
    ]
)

# classification_report of scikit-learn on its pictures: precision, recall, F1
REPORT = {
    "butterfly": (0.9664, 0.9968, 0.9814),
    "cat": (0.9762, 0.9840, 0.9801),
    "chicken": (0.9936, 1.0000, 0.9968),
    "cow": (0.9683, 0.9821, 0.9752),
    "dog": (0.9850, 0.9890, 0.9870),
    "elephant": (0.9817, 0.9908, 0.9862),
    "horse": (1.0000, 0.9822, 0.9910),
    "sheep": (0.9814, 0.9670, 0.9742),
    "spider": (0.9986, 0.9836, 0.9910),
    "squirrel": (0.9928, 0.9857, 0.9892),
}
REPORT_AVERAGES = {"macro": (0.9844, 0.9861, 0.9852), "weighted": (0.9869, 0.9868, 0.9868)}


def logits_for(predicted, num_classes):
    """Logits whose highest is that of the class predicted."""
    return np.eye(num_classes, dtype=np.float32)[predicted] * 5


@pytest.fixture
def published():
    """The pictures of the published matrix, one by one: labels and predicted classes."""
    pairs = np.argwhere(PUBLISHED >= 0).repeat(PUBLISHED.ravel(), axis=0)
    return pairs[:, 0], pairs[:, 1]


# intervals


@pytest.mark.parametrize(
    ("correct", "n", "low", "high"),
    [
        # Newcombe 1998, Statistics in Medicine 17:857, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        # accuracies of the notebooks, in parts of their test sets
        (1571, 3933, 0.3842, 0.4148),
        (3881, 3933, 0.9827, 0.9899),
        (373, 412, 0.8732, 0.9300),
        (352, 412, 0.8170, 0.8852),
        (331, 412, 0.7623, 0.8389),
    ],
)
def test_the_interval_is_wilsons(correct, n, low, high):
    assert wilson_interval(correct, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize("n", [1, 2, 412, 100_000])
def test_the_interval_stays_inside_0_and_1_and_around_the_share(n):
    for correct in {0, 1, n // 2, n - 1, n}:
        low, high = wilson_interval(correct, n)
        assert 0 <= low <= correct / n <= high <= 1
        assert low < high


def test_the_interval_of_the_wrong_ones_is_the_mirror_image():
    low, high = wilson_interval(373, 412)
    assert wilson_interval(412 - 373, 412) == pytest.approx((1 - high, 1 - low))


# published and documented numbers


def test_the_published_confusion_matrix_comes_back_from_its_pictures(published):
    labels, predicted = published
    assert (confusion(labels, predicted, 10) == PUBLISHED).all()


def test_the_published_confusion_matrix_gives_the_published_accuracy(published):
    labels, predicted = published
    result = scores(labels, logits_for(predicted, 10))
    assert result["n"] == 3933
    assert result["accuracy"] == 3881 / 3933
    assert result["accuracy"] == pytest.approx(0.98678, abs=5e-6)
    assert (result["accuracy_low"], result["accuracy_high"]) == pytest.approx((0.9827, 0.9899), abs=5e-5)


def test_the_published_confusion_matrix_by_class(published):
    """Worked out by hand: 327 pictures were called butterfly, 316 of the 317 butterflies among them."""
    table = per_class(*published, ANIMALS).set_index("class")
    assert table.index.tolist() == ANIMALS
    assert table["support"].tolist() == [317, 250, 465, 280, 729, 217, 393, 273, 730, 279]
    assert table.loc["butterfly", "precision"] == pytest.approx(316 / 327)
    assert table.loc["butterfly", "recall"] == pytest.approx(316 / 317)
    assert table.loc["butterfly", "f1"] == pytest.approx(2 * 316 / (327 + 317))
    assert table.loc["horse", "precision"] == 1
    assert table.loc["chicken", "recall"] == 1


def test_the_published_confusion_matrix_gives_the_report_of_scikit_learn(published):
    table = per_class(*published, ANIMALS).set_index("class")[["precision", "recall", "f1"]]
    for name, expected in REPORT.items():
        assert tuple(table.loc[name].round(4)) == expected
    result = scores(published[0], logits_for(published[1], 10))
    for average, expected in REPORT_AVERAGES.items():
        assert tuple(round(result[f"{k}_{average}"], 4) for k in ("precision", "recall", "f1")) == expected


def test_precision_recall_and_f1_are_those_of_the_scikit_learn_manual():
    """The example of precision_recall_fscore_support: cat, dog, pig."""
    labels, predicted = np.array([0, 1, 2, 0, 1, 2]), np.array([0, 2, 1, 0, 0, 1])
    result = scores(labels, logits_for(predicted, 3))
    assert result["precision_macro"] == pytest.approx(2 / 9)
    assert result["recall_macro"] == pytest.approx(1 / 3)
    assert result["f1_macro"] == pytest.approx(4 / 15)
    table = per_class(labels, predicted, ["cat", "dog", "pig"])
    assert table["precision"].tolist() == pytest.approx([2 / 3, 0, 0])
    assert table["recall"].tolist() == pytest.approx([1, 0, 0])
    assert table["f1"].tolist() == pytest.approx([0.8, 0, 0])
    assert table["support"].tolist() == [2, 2, 2]


def test_the_loss_is_that_of_the_scikit_learn_manual():
    """The example of log_loss: 0.21616..."""
    probabilities = np.array([[0.1, 0.9], [0.9, 0.1], [0.8, 0.2], [0.35, 0.65]])
    labels = np.array([1, 0, 0, 1])
    assert accuracy_and_loss(labels, np.log(probabilities))["loss"] == pytest.approx(0.21616, abs=5e-6)


def test_the_confusion_matrix_is_that_of_the_scikit_learn_manual():
    labels, predicted = np.array([2, 0, 2, 2, 0, 1]), np.array([0, 0, 2, 2, 0, 2])
    assert confusion(labels, predicted, 3).tolist() == [[2, 0, 0], [0, 0, 1], [1, 0, 2]]


def test_weighted_averages_count_each_class_by_its_pictures():
    labels, predicted = np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1])
    result = scores(labels, logits_for(predicted, 2))
    assert result["precision_weighted"] == pytest.approx((3 * 1 + 1 * 0.5) / 4)
    assert result["recall_weighted"] == pytest.approx(result["accuracy"])
    assert result["precision_macro"] == pytest.approx((1 + 0.5) / 2)


# every metric against scikit-learn


@pytest.mark.parametrize("num_classes", [2, 3, 5, 6, 10])
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("absent", [False, True])
def test_scores_are_those_of_scikit_learn(num_classes, ties, absent):
    random = np.random.default_rng(num_classes)
    labels = random.integers(0, num_classes - absent, 300)
    logits = random.normal(size=(300, num_classes)) + np.eye(num_classes)[labels]
    if ties:
        logits = logits.round()
    result, p, every = scores(labels, logits), softmax(logits, axis=1), np.arange(num_classes)
    predicted = logits.argmax(axis=1)
    assert result["accuracy"] == metrics.accuracy_score(labels, predicted)
    recalls = metrics.recall_score(labels, predicted, labels=np.unique(labels), average=None)
    assert result["balanced_accuracy"] == pytest.approx(np.mean(recalls))
    if not absent:
        expected = metrics.balanced_accuracy_score(labels, predicted)
        assert result["balanced_accuracy"] == pytest.approx(expected)
    assert result["loss"] == pytest.approx(metrics.log_loss(labels, p, labels=every))
    brier = metrics.brier_score_loss(labels, p, labels=every, scale_by_half=False)
    assert result["brier"] == pytest.approx(brier)
    if len(np.unique(labels)) > 1:
        areas = [metrics.roc_auc_score(labels == c, p[:, c]) for c in np.unique(labels)]
        assert result["auc_macro"] == pytest.approx(np.mean(areas))
    if num_classes > 2 and not absent:
        whole = metrics.roc_auc_score(labels, p, multi_class="ovr", average="macro")
        assert result["auc_macro"] == pytest.approx(whole)
    for average in ("macro", "weighted"):
        expected = metrics.precision_recall_fscore_support(
            labels, predicted, labels=every, average=average, zero_division=0
        )
        for name, value in zip(("precision", "recall", "f1"), expected[:3], strict=True):
            assert result[f"{name}_{average}"] == pytest.approx(value)


@pytest.mark.parametrize(("num_classes", "k"), [(3, 2), (5, 2), (6, 5), (10, 5)])
@pytest.mark.parametrize("ties", [False, True])
def test_top_k_accuracy_is_that_of_scikit_learn_with_wilsons_interval(num_classes, k, ties):
    random = np.random.default_rng(k)
    labels = random.integers(0, num_classes, 200)
    logits = random.normal(size=(200, num_classes))
    if ties:
        logits = logits.round()
    result = scores(labels, logits)
    expected = metrics.top_k_accuracy_score(labels, logits, k=k)
    assert result[f"top{k}_accuracy"] == expected
    ends = (result[f"top{k}_accuracy_low"], result[f"top{k}_accuracy_high"])
    assert ends == wilson_interval(round(expected * 200), 200)
    assert not {"top2_accuracy", "top5_accuracy"} - {f"top{k}_accuracy"} & result.keys()


def test_two_classes_have_no_top_k_accuracy():
    assert not [name for name in scores(np.array([0, 1, 1]), np.eye(2)[[0, 1, 0]]) if name.startswith("top")]


def test_top_k_accuracy_is_that_of_the_scikit_learn_manual():
    """The example of top_k_accuracy_score: 0.75 with k=2."""
    logits = np.array([[0.5, 0.2, 0.2], [0.3, 0.4, 0.2], [0.2, 0.4, 0.3], [0.7, 0.2, 0.1]])
    assert scores(np.array([0, 1, 2, 2]), logits)["top2_accuracy"] == 0.75


def test_the_brier_score_and_the_calibration_error_by_hand():
    """Sure by 0.8, right in 3 of 4: (3 * (0.04 + 0.04) + 0.64 + 0.64) / 4, and a gap of 0.05."""
    logits = np.log([[0.8, 0.2]] * 4)
    result = scores(np.array([0, 0, 0, 1]), logits)
    assert result["brier"] == pytest.approx((3 * 0.08 + 1.28) / 4)
    assert result["ece"] == pytest.approx(0.05)


# the ends of the range


def test_a_perfect_classifier():
    labels = np.arange(1000) % 10
    result = scores(labels, np.eye(10)[labels] * 1000)
    assert result["accuracy"] == result["accuracy_high"] == 1
    assert 0.99 < result["accuracy_low"] < 1
    assert result["loss"] == result["brier"] == result["ece"] == 0
    assert result["balanced_accuracy"] == result["auc_macro"] == result["top5_accuracy"] == 1
    assert (result["f1_macro_low"], result["f1_macro_high"]) == (1, 1)
    for average in ("macro", "weighted"):
        assert [result[f"{name}_{average}"] for name in ("precision", "recall", "f1")] == [1, 1, 1]


def test_a_classifier_that_is_always_wrong():
    labels = np.arange(100) % 10
    result = scores(labels, logits_for((labels + 1) % 10, 10))
    assert result["accuracy"] == result["accuracy_low"] == result["f1_macro"] == 0
    assert 0 < result["accuracy_high"] < 0.05


def test_a_classifier_that_knows_one_answer():
    """A class that is never predicted has precision 0, and counts in the mean."""
    labels = np.repeat(np.arange(4), 25)
    result = scores(labels, np.tile([0.0, 1, 0, 0], (100, 1)))
    assert result["accuracy"] == 0.25
    assert result["recall_macro"] == pytest.approx(1 / 4)
    assert result["precision_macro"] == pytest.approx(0.25 / 4)
    assert result["f1_macro"] == pytest.approx(0.4 / 4)
    assert result["balanced_accuracy"] == 0.25
    assert result["auc_macro"] == 0.5
    assert result["ece"] == pytest.approx(math.e / (math.e + 3) - 0.25)


def test_a_classifier_that_guesses():
    random = np.random.default_rng(0)
    result = scores(random.integers(0, 10, 10_000), random.normal(size=(10_000, 10)))
    assert result["accuracy_low"] < 0.1 < result["accuracy_high"]
    assert result["f1_macro"] == pytest.approx(0.1, abs=0.01)
    for name, chance in (("top5_accuracy", 0.5), ("balanced_accuracy", 0.1), ("auc_macro", 0.5)):
        assert result[f"{name}_low"] < chance < result[f"{name}_high"]


@pytest.mark.parametrize("num_classes", [2, 10, 100])
def test_a_classifier_that_is_undecided_loses_the_log_of_the_classes(num_classes):
    labels = np.arange(200) % num_classes
    assert scores(labels, np.full((200, num_classes), 7.0))["loss"] == pytest.approx(math.log(num_classes))


def test_two_pictures():
    result = scores(np.array([0, 1]), np.array([[2.0, 0.0], [2.0, 0.0]]))
    assert result["accuracy"] == 0.5
    assert (result["accuracy_low"], result["accuracy_high"]) == pytest.approx((0.0945, 0.9055), abs=5e-5)
    assert result["n"] == 2
    assert result["loss"] == pytest.approx((math.log1p(math.exp(-2)) + math.log1p(math.exp(2))) / 2)
    assert result["balanced_accuracy"] == result["auc_macro"] == 0.5
    assert result["loss_low"] == result["loss"] == result["loss_high"]  # one picture a class: no spread


def test_pictures_of_one_class_have_no_roc_curve():
    result = scores(np.array([1, 1, 1]), np.eye(3)[[1, 0, 1]])
    assert result["balanced_accuracy"] == pytest.approx(2 / 3)
    assert not [name for name in result if name.startswith("auc")]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_logits_that_are_no_numbers_are_refused(bad):
    with pytest.raises(ModelError, match="learning_rate"):
        scores(np.array([0, 1]), np.array([[0.0, 1], [bad, 0]]))


def test_a_class_that_the_pictures_do_not_have_keeps_its_row():
    labels, predicted = np.array([0, 0, 2]), np.array([0, 1, 2])
    table = per_class(labels, predicted, ["a", "b", "c"])
    assert table["support"].tolist() == [2, 0, 1]
    assert table["recall"].tolist() == [0.5, 0, 1]
    assert confusion(labels, predicted, 3).tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 1]]
    assert scores(labels, logits_for(predicted, 3))["recall_macro"] == pytest.approx(0.5)


def test_ties_go_to_the_first_class_in_every_result():
    labels, logits = np.array([0, 1, 1]), np.array([[3.0, 3.0, 0], [3.0, 3.0, 0], [0, 1, 1.0]])
    assert scores(labels, logits)["accuracy"] == pytest.approx(2 / 3)
    told = predictions(np.array(["x", "y", "z"]), labels, logits, ["a", "b", "c"])
    assert told["predicted"].tolist() == ["a", "a", "b"]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_huge_logits_do_not_overflow(dtype):
    logits = np.array([[1e4, -1e4], [1e4, -1e4], [-1e4, 1e4]], dtype)
    labels = np.array([0, 1, 1])
    assert scores(labels, logits)["loss"] == pytest.approx(2e4 / 3)
    told = predictions(np.array(["x", "y", "z"]), labels, logits, ["a", "b"])
    assert told["probability"].tolist() == [1, 1, 1]


def test_the_loss_of_float32_logits_is_computed_in_float64():
    random = np.random.default_rng(1)
    logits = random.normal(size=(5000, 10), scale=20).astype(np.float32)
    labels = logits.argmax(axis=1)
    wide = logits.astype(np.longdouble)
    top = wide.max(axis=1, keepdims=True)
    exact = np.log(np.exp(wide - top).sum(axis=1)) - (wide[np.arange(5000), labels] - top[:, 0])
    assert accuracy_and_loss(labels, logits)["loss"] == pytest.approx(float(exact.mean()), rel=1e-12)


# what is written


def test_scores_are_plain_numbers_that_json_keeps():
    result = scores(np.array([0, 1, 1]), np.eye(2, dtype=np.float32)[[0, 1, 0]])
    assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_every_interval_holds_its_value():
    random = np.random.default_rng(2)
    labels = random.integers(0, 30, 60)  # two pictures a class: the macro means of resamples are biased
    result = scores(labels, random.normal(size=(60, 30)) + np.eye(30)[labels])
    names = [name.removesuffix("_low") for name in result if name.endswith("_low")]
    assert {"accuracy", "top5_accuracy", "balanced_accuracy", "loss", "brier", "ece", "auc_macro"} < {*names}
    for name in names:
        assert result[f"{name}_low"] <= result[name] <= result[f"{name}_high"]


def test_predictions_have_one_row_a_picture_in_the_order_given():
    paths = np.array(["b/2.png", "a/1, odd.png"], dtype=object)
    told = predictions(paths, np.array([1, 0]), np.log([[0.25, 0.75], [0.4, 0.6]]), ["a", "b"])
    assert told.to_dict("list") == {
        "path": ["b/2.png", "a/1, odd.png"],
        "actual": ["b", "a"],
        "predicted": ["b", "b"],
        "probability": [0.75, 0.6],
    }


def test_the_surest_mistakes_come_first_and_right_answers_never():
    table = pd.DataFrame(
        {
            "actual": ["a", "a", "b", "b"],
            "predicted": ["a", "b", "a", "a"],
            "probability": [0.99, 0.6, 0.9, 0.6],
        }
    )
    assert list(most_confident_mistakes(table, 3).index) == [2, 1, 3]
    assert list(most_confident_mistakes(table, 1).index) == [2]


# confused classes


def test_the_cells_with_pictures_are_listed_with_their_share_of_the_true_class():
    table = confusion_table(np.array([[3, 1, 0], [0, 0, 0], [2, 0, 6]]), ["a", "b", "c"])
    assert table.to_dict("records") == [
        {"actual": "a", "predicted": "a", "pictures": 3, "share": 0.75},
        {"actual": "a", "predicted": "b", "pictures": 1, "share": 0.25},
        {"actual": "c", "predicted": "a", "pictures": 2, "share": 0.25},
        {"actual": "c", "predicted": "c", "pictures": 6, "share": 0.75},
    ]


def test_the_classes_that_the_published_model_confuses_most(published):
    """10 spiders were taken for butterflies, 6 horses for cows, 4 sheep for dogs."""
    worst = most_confused(confusion_table(confusion(*published, 10), ANIMALS), 3)
    assert worst[["actual", "predicted", "pictures"]].to_numpy().tolist() == [
        ["spider", "butterfly", 10],
        ["horse", "cow", 6],
        ["sheep", "dog", 4],
    ]


def test_of_classes_confused_as_often_those_with_the_larger_share_come_first():
    counts = np.array([[36, 4, 0], [0, 16, 4], [3, 0, 9]])  # 4 of 40, 4 of 20, 3 of 12
    worst = most_confused(confusion_table(counts, ["a", "b", "c"]), 3)
    assert worst[["actual", "predicted", "share"]].to_numpy().tolist() == [
        ["b", "c", 0.2],
        ["a", "b", 0.1],
        ["c", "a", 0.25],
    ]


def test_a_perfect_classifier_confuses_no_classes():
    assert most_confused(confusion_table(np.diag([3, 4]), ["a", "b"]), 5).empty


def test_accuracy_and_loss_are_those_of_all_scores(published):
    labels, predicted = published
    logits = logits_for(predicted, 10)
    few, all_of_them = accuracy_and_loss(labels, logits), scores(labels, logits)
    assert few == {name: pytest.approx(all_of_them[name], rel=1e-12) for name in few}
    assert set(few) == {"accuracy", "accuracy_low", "accuracy_high", "loss", "n"}


@pytest.mark.parametrize(
    ("first", "second", "ends"),
    [
        # Newcombe 1998, Statistics in Medicine 17, table II, method 10
        ((56, 70), (48, 80), (0.0524, 0.3339)),
        ((9, 10), (3, 10), (0.1705, 0.8090)),
        ((10, 10), (0, 20), (0.6791, 1.0000)),
    ],
)
def test_a_difference_of_other_pictures_has_newcombes_interval(first, second, ends):
    told = []
    for right, n in (first, second):
        low, high = wilson_interval(right, n)
        told.append({"accuracy": right / n, "accuracy_low": low, "accuracy_high": high})
    value, *interval = difference(*told)
    assert value == pytest.approx(first[0] / first[1] - second[0] / second[1])
    assert interval == pytest.approx(ends, abs=5e-5)
