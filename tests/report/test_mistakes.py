"""What a page holds of the wrong answers, and how much of it at most."""

import numpy as np
import pandas as pd

from menagerie.evaluate.measures import confusion_table
from menagerie.report import mistakes


def predictions(*rows):
    return pd.DataFrame(rows, columns=["path", "actual", "predicted", "probability"])


def many(count, classes):
    """Wrong answers only, a class taken for the next."""
    names = [str(label) for label in range(classes)]
    return predictions(
        *((f"{n}.png", names[n % classes], names[(n + 1) % classes], 0.5 + n / 1e6) for n in range(count))
    )


def test_of_each_two_classes_the_surest_mistake_comes_first():
    table = predictions(
        ("a.png", "cat", "dog", 0.9),
        ("b.png", "cat", "dog", 0.8),
        ("c.png", "dog", "cat", 0.5),
        ("d.png", "cat", "cat", 1.0),
    )
    assert mistakes.listed(table)["path"].tolist() == ["a.png", "c.png", "b.png"]


def test_mistakes_beyond_the_bound_are_counted_only():
    told = mistakes.gallery({"cnn": many(1000, 10)}, [str(label) for label in range(10)], None)
    assert (told["models"]["cnn"]["of"], len(told["models"]["cnn"]["listed"])) == (1000, mistakes.LISTED)
    assert {(actual, predicted) for _, actual, predicted, _, _ in told["models"]["cnn"]["listed"]} == {
        (label, (label + 1) % 10) for label in range(10)
    }
    assert told["pictures"] == []


def test_small_pictures_are_bounded_in_number_and_bytes():
    rng, classes = np.random.default_rng(0), ["0", "1"]
    noise = rng.integers(0, 256, (300, 200, 3), np.uint8)
    told = mistakes.gallery({"cnn": many(500, 2)}, classes, lambda path: noise)
    assert 100_000 < sum(map(len, told["pictures"])) <= mistakes.THUMBNAILS
    places = [place for *_, place in told["models"]["cnn"]["listed"]]
    assert places == [*range(len(told["pictures"])), *[-1] * (mistakes.LISTED - len(told["pictures"]))]
    plain = mistakes.gallery({"cnn": many(500, 2)}, classes, lambda path: noise[:8, :8])
    assert len(plain["pictures"]) == mistakes.PICTURES


def test_pictures_are_those_of_the_test_split(tmp_path):
    images = np.arange(4, dtype=np.uint8)[:, None, None, None] * np.ones((4, 2, 2, 3), np.uint8)
    np.save(tmp_path / "images.npy", images)
    split = pd.DataFrame(
        {
            "index": [3, 0, 2, 1],
            "split": ["train", "val", "test", "test"],
            "label": [0, 1, 0, 1],
            "class": ["a", "b", "a", "b"],
            "path": ["1.png", "2.png", "1.png", "2.png"],
        }
    )
    split.to_csv(tmp_path / "split.csv", index=False)
    picture = mistakes.test_pictures(tmp_path / "images.npy", tmp_path / "split.csv")
    assert [picture(path).max() for path in ("1.png", "2.png")] == [2, 1]
    assert mistakes.test_pictures(tmp_path / "none.npy", tmp_path / "split.csv") is None


def test_a_matrix_of_many_classes_keeps_those_with_the_most_mistakes_and_loses_no_picture():
    counts = 10 * np.eye(60, dtype=int)
    counts[7, 31] = counts[31, 7] = 9
    counts[7, 50] = 1
    counts[np.arange(20, 30), np.arange(40, 50)] = 2
    names = [f"class {label}" for label in range(60)]
    shown = mistakes.matrix(confusion_table(counts, names), names)
    assert (len(shown.names), shown.of) == (mistakes.CUT, 60)
    assert {"class 7", "class 31"} <= set(shown.names)
    rows = [names.index(name) for name in shown.names]
    assert (shown.counts.sum(axis=1) + shown.others).tolist() == counts[rows].sum(axis=1).tolist()


def test_a_matrix_of_few_classes_is_whole():
    counts = np.array([[3, 1, 0], [0, 0, 2], [0, 0, 5]])
    shown = mistakes.matrix(confusion_table(counts, ["a", "b", "c"]), ["a", "b", "c"])
    assert shown.counts.tolist() == counts.tolist()
    assert shown.others.tolist() == [0, 0, 0]
