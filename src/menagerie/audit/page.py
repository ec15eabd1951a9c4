"""The list as a page: each picture with its label and the one suggested."""

import io

import numpy as np
import pandas as pd
from PIL import Image

from menagerie.report.figures import embedded
from menagerie.report.rendering import environment

MOST = 400  # pictures: a page is to be opened


def page(listed: pd.DataFrame, images: np.ndarray, title: str, told: list[str]) -> str:
    """HTML with its style and pictures inside: the first MOST of the list, with what is `told` above them.

    `images`, uint8 (N, height, width, 3), are those that the column index of `listed` counts.
    """
    shown = listed.head(MOST)
    figures = embedded({str(row): _png(images[row]) for row in shown["index"]})
    cards = [(row, figures[str(row["index"])]) for row in shown.to_dict("records")]
    template = environment(autoescape=True, filters={}).get_template("labels.html.jinja")
    return template.render(title=title, told=told, cards=cards, listed=len(listed))


def _png(picture: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()
