"""The wrong answers on the test pictures, with a bounded number of small pictures inside the page."""

import base64
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from menagerie.data import load_data

LISTED = 400  # mistakes of one model
PICTURES, THUMBNAILS = 400, 600_000  # small pictures in a page, and their bytes together
SIDE = 96  # pixels that a small picture has at most
SHOWN, CUT = 24, 16  # classes that a matrix has at most, and those that are left of more


def test_pictures(images: Path, split: Path) -> Callable[[str], np.ndarray] | None:
    """What gives the test picture of a path, uint8 (height, width, 3); None where the files are not there."""
    if not (images.is_file() and split.is_file()):
        return None
    data = load_data(images, split)
    test = data.subsets["test"]
    rows = dict(zip(test.paths, test.rows, strict=True))
    return lambda path: np.asarray(data.images[rows[path]])


@dataclass(frozen=True)
class Matrix:
    """Test pictures by true class (rows) and predicted class (columns), of the classes that a page shows.

    `labels` and `names` are of the shown classes, `counts` is int (names, names), `others` int (names,): what
    of each row lies in columns not shown; `of` is how many classes there are.
    """

    labels: list[int]
    names: list[str]
    counts: np.ndarray
    others: np.ndarray
    of: int


def matrix(confusion: pd.DataFrame, classes: list[str]) -> Matrix:
    """The whole of measures.confusion_table, or, of many classes, those with the most mistakes."""
    counts = confusion.pivot_table(index="actual", columns="predicted", values="pictures", fill_value=0)
    counts = counts.reindex(index=classes, columns=classes, fill_value=0).to_numpy(int)
    shown = np.arange(len(classes))
    if len(classes) > SHOWN:
        wrong = counts - np.diag(counts.diagonal())
        shown = np.sort(np.argsort(-(wrong.sum(axis=0) + wrong.sum(axis=1)), kind="stable")[:CUT])
    part = counts[np.ix_(shown, shown)]
    names = [classes[label] for label in shown]
    return Matrix(shown.tolist(), names, part, counts[shown].sum(axis=1) - part.sum(axis=1), len(classes))


def listed(predictions: pd.DataFrame) -> pd.DataFrame:
    """The wrong ones of a model's predictions, in the order in which pages have room for them.

    Of each two classes the surest mistake comes first, then the second of each, and so on; `place` counts
    them.
    """
    wrong = predictions[predictions["actual"] != predictions["predicted"]]
    wrong = wrong.sort_values("probability", ascending=False, kind="stable")
    place = wrong.groupby(["actual", "predicted"]).cumcount()
    return wrong.assign(place=place).sort_values("place", kind="stable")


def gallery(
    predictions: Mapping[str, pd.DataFrame], classes: list[str], picture: Callable[[str], np.ndarray] | None
) -> dict[str, Any]:
    """What the page's script shows, ready for JSON: classes, small pictures, and the mistakes by model.

    `picture` gives the test picture of a path, uint8 (height, width, 3); None where the array is not there.
    A mistake is path, labels of true and predicted class, probability, and the place of its picture, -1
    where the page has no room for it.
    """
    found = {name: listed(table) for name, table in predictions.items()}
    small = _small(found, picture) if picture else {}
    place = {path: number for number, path in enumerate(small)}
    label = {name: number for number, name in enumerate(classes)}

    def told(row: Any) -> list[Any]:
        pair = label[row.actual], label[row.predicted]
        return [row.path, *pair, round(row.probability, 3), place.get(row.path, -1)]

    models = {
        name: {"of": len(table), "listed": [told(row) for row in table.head(LISTED).itertuples()]}
        for name, table in found.items()
    }
    return {"classes": classes, "pictures": list(small.values()), "models": models}


def _small(found: Mapping[str, pd.DataFrame], picture: Callable[[str], np.ndarray]) -> dict[str, str]:
    """Small pictures by path, each once: of every model the first, then the second, while there is room."""
    together = pd.concat([table.head(LISTED) for table in found.values()])
    small, size = {}, 0
    for path in together.sort_values("place", kind="stable")["path"].drop_duplicates().head(PICTURES):
        uri = thumbnail(picture(path))
        size += len(uri)
        if size > THUMBNAILS:
            break
        small[path] = uri
    return small


def thumbnail(pixels: np.ndarray) -> str:
    """A picture, uint8 (height, width, 3), as the address of a small WebP that holds it."""
    image, file = Image.fromarray(pixels), io.BytesIO()
    image.thumbnail((SIDE, SIDE))
    image.save(file, "WEBP", quality=70, method=4)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"
