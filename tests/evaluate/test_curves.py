import numpy as np
import pytest
from scipy.special import softmax
from sklearn import metrics

from menagerie.errors import ModelError
from menagerie.evaluate.curves import areas, precision_recall_table, roc_table, thinned

CLASSES = ["cat", "dog", "emu", "owl"]


@pytest.fixture(params=["smooth", "tied"])
def predictions(request):
    """Labels and probabilities of 400 pictures; no picture is an owl."""
    random = np.random.default_rng(0)
    labels = random.choice(3, 400, p=[0.5, 0.3, 0.2])
    logits = random.normal(size=(400, 4)) + np.eye(4)[labels]
    return labels, softmax(logits.round() if request.param == "tied" else logits, axis=1)


def curve(table, name):
    return table[table["class"] == name].iloc[:, 2:].to_numpy().T


def area_of(table, kind, area="auc"):
    """The macro or micro average of an area."""
    (value,) = table.loc[table["kind"] == kind, area]
    return value


def one_hot(labels, num_classes):
    return labels[:, None] == np.arange(num_classes)


def farthest(x, y, kept_x, kept_y):
    """The largest distance of points (x, y) from a line through the points kept."""
    starts, steps = np.stack([kept_x, kept_y])[:, :-1], np.diff([kept_x, kept_y])
    squares = np.maximum(np.square(steps).sum(axis=0), 1e-300)
    worst = 0.0
    for point in np.stack([x, y], axis=1):
        offset = point[:, None] - starts
        share = np.clip((offset * steps).sum(axis=0) / squares, 0, 1)
        worst = max(worst, np.hypot(*(offset - share * steps)).min())
    return worst


# areas


def test_areas_are_those_of_scikit_learn(predictions):
    labels, p = predictions
    table = areas(labels, p, CLASSES).set_index("class")
    for c, name in enumerate(CLASSES[:3]):
        assert table.loc[name, "auc"] == pytest.approx(metrics.roc_auc_score(labels == c, p[:, c]))
        expected = metrics.average_precision_score(labels == c, p[:, c])
        assert table.loc[name, "average_precision"] == pytest.approx(expected)
    truth = one_hot(labels, 4)
    micro = table.loc["micro average"]
    assert micro["auc"] == pytest.approx(metrics.roc_auc_score(truth, p, average="micro"))
    expected = metrics.average_precision_score(truth, p, average="micro")
    assert micro["average_precision"] == pytest.approx(expected)


def test_macro_areas_are_those_of_scikit_learn_when_every_class_has_pictures():
    random = np.random.default_rng(1)
    labels = random.integers(0, 4, 300)
    p = softmax(random.normal(size=(300, 4)) + np.eye(4)[labels], axis=1)
    table = areas(labels, p, CLASSES)
    assert area_of(table, "macro") == pytest.approx(metrics.roc_auc_score(labels, p, multi_class="ovr"))
    expected = metrics.average_precision_score(one_hot(labels, 4), p, average="macro")
    assert area_of(table, "macro", "average_precision") == pytest.approx(expected)


def test_the_area_is_that_of_the_scikit_learn_manual():
    """The example of roc_auc_score: 0.75; that of average_precision_score: 0.83."""
    score = np.array([0.1, 0.4, 0.35, 0.8])
    table = areas(np.array([0, 0, 1, 1]), np.stack([1 - score, score], axis=1), ["no", "yes"])
    yes = table.set_index("class").loc["yes"]
    assert yes["auc"] == 0.75
    assert yes["average_precision"] == pytest.approx(0.8333, abs=5e-5)
    assert table["pictures"].tolist() == [2, 2, 4, 4]


def test_a_class_without_pictures_is_named_and_left_out_of_the_macro_average(predictions):
    labels, p = predictions
    table = areas(labels, p, CLASSES)
    owl = table.set_index("class").loc["owl"]
    assert owl["pictures"] == 0
    assert owl[["auc", "average_precision"]].isna().all()
    for area in ("auc", "average_precision"):
        assert area_of(table, "macro", area) == pytest.approx(table[area][:3].mean())
    assert "owl" not in set(roc_table(labels, p, CLASSES)["class"])
    assert "owl" not in set(precision_recall_table(labels, p, CLASSES)["class"])


def test_pictures_of_one_class_leave_only_the_micro_average():
    labels, p = np.zeros(3, dtype=int), np.array([[0.9, 0.1], [0.4, 0.6], [0.5, 0.5]])
    known = areas(labels, p, ["a", "b"]).dropna(subset=["auc", "average_precision"])
    assert known["kind"].tolist() == ["micro"]
    for table in (roc_table(labels, p, ["a", "b"]), precision_recall_table(labels, p, ["a", "b"])):
        assert set(table["kind"]) == {"micro"}


@pytest.mark.parametrize(
    ("p", "auc"),
    [
        (np.eye(4), 1.0),
        (np.full((4, 4), 0.25), 0.5),
        (np.roll(np.eye(4), 1, axis=1), 1 / 3),  # 0 for the right class, and for two of the three others
    ],
    ids=["perfect", "constant", "always wrong"],
)
def test_areas_with_known_answers(p, auc):
    labels = np.tile(np.arange(4), 5)
    table = areas(labels, np.tile(p, (5, 1)), CLASSES)
    assert area_of(table, "macro") == pytest.approx(auc)
    assert area_of(table, "micro") == pytest.approx(auc)


def test_two_pictures():
    labels, p = np.array([0, 1]), np.array([[0.8, 0.2], [0.7, 0.3]])
    table = areas(labels, p, ["a", "b"])
    assert area_of(table, "macro") == 1
    assert area_of(table, "micro") == 0.75
    assert curve(roc_table(labels, p, ["a", "b"]), "a").T.tolist() == [[0, 0], [0, 1], [1, 1]]


# curves


def test_curves_are_those_of_scikit_learn(predictions):
    labels, p = predictions
    questions = {name: (labels == c, p[:, c]) for c, name in enumerate(CLASSES[:3])}
    questions["micro average"] = one_hot(labels, 4).ravel(), p.ravel()
    rocs, recalls = roc_table(labels, p, CLASSES), precision_recall_table(labels, p, CLASSES)
    for name, (inside, score) in questions.items():
        fpr, tpr, _ = metrics.roc_curve(inside, score, drop_intermediate=False)
        assert farthest(fpr, tpr, *curve(rocs, name)) <= 1 / 2000 + 1e-12
        precision, recall, _ = metrics.precision_recall_curve(inside, score)
        assert farthest(recall, precision, *curve(recalls, name)) <= 1 / 2000 + 1e-12


def test_the_area_under_the_macro_curve_is_the_mean_area(predictions):
    labels, p = predictions
    fpr, tpr = curve(roc_table(labels, p, CLASSES), "macro average")
    expected = area_of(areas(labels, p, CLASSES), "macro")
    assert np.trapezoid(tpr, fpr) == pytest.approx(expected, abs=5e-4)
    assert (np.diff(fpr) >= 0).all()
    assert (np.diff(tpr) >= 0).all()
    assert (fpr[0], tpr[0], fpr[-1], tpr[-1]) == (0, 0, 1, 1)


def test_the_macro_curve_is_the_mean_height_by_hand():
    """a rises at once; b and c rise on a line to (1/2, 1), since one of the others ties with them."""
    p = np.array([[0.8, 0.1, 0.1], [0.2, 0.4, 0.4], [0.2, 0.4, 0.4]])
    fpr, tpr = curve(roc_table(np.array([0, 1, 2]), p, ["a", "b", "c"]), "macro average")
    one, two = np.interp([0.25, 0.5], fpr, tpr)
    assert one == pytest.approx((1 + 0.5 + 0.5) / 3)
    assert two == pytest.approx(1)
    assert tpr[fpr == 0].tolist() == pytest.approx([0, 1 / 3])


# thinning


def test_long_curves_are_drawn_alike_with_at_most_500_points():
    random = np.random.default_rng(2)
    labels = random.integers(0, 4, 5000)
    p = softmax(random.normal(size=(5000, 4)) + np.eye(4)[labels], axis=1)
    for table in (roc_table(labels, p, CLASSES), precision_recall_table(labels, p, CLASSES)):
        assert table.groupby("class").size().max() <= 500
    fpr, tpr, _ = metrics.roc_curve(labels == 1, p[:, 1])
    assert farthest(fpr, tpr, *curve(roc_table(labels, p, CLASSES), "dog")) <= 1 / 1000
    precision, recall, _ = metrics.precision_recall_curve(labels == 1, p[:, 1])
    kept = curve(precision_recall_table(labels, p, CLASSES), "dog")
    assert farthest(recall, precision, *kept) <= 2 / 1000


def test_thinning_keeps_corners_and_ends_of_straight_lines():
    x = np.concatenate([np.zeros(50), np.linspace(0, 1, 50)])
    y = np.concatenate([np.linspace(0, 1, 50), np.ones(50)])
    assert np.stack([x, y])[:, thinned(x, y)].T.tolist() == [[0, 0], [0, 1], [1, 1]]


def test_thinning_keeps_a_curve_that_comes_back_to_its_start():
    assert thinned(np.array([0.0, 1, 0]), np.array([0.0, 0, 0])).tolist() == [0, 1, 2]


def test_a_curve_of_noise_is_cut_off_at_500_points():
    noise = np.random.default_rng(3).random(3000)
    assert len(thinned(np.linspace(0, 1, 3000), noise)) == 500


# what is refused


@pytest.mark.parametrize("function", [areas, roc_table, precision_recall_table])
def test_what_are_no_probabilities_is_refused(function):
    p = np.array([[0.5, 0.5], [0.5, 0.6]])
    with pytest.raises(ModelError, match=r"^row 1 of the probabilities has the sum 1\.1, not 1"):
        function(np.array([0, 1]), p, ["a", "b"])
