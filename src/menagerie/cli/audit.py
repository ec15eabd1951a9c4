"""`menagerie audit`: labels that are probably wrong."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from menagerie.errors import DataError, ParamsError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from menagerie.params import Params
    from menagerie.params.dataset import KFoldSplit


@click.command()
@click.option(
    "--model", metavar="NAME", help="The model of params.yaml that judges; needed where it has several."
)
@click.option("--folds", default=4, show_default=True, type=click.IntRange(2), help="So many trainings.")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder for labels.csv and labels.html.  [default: audit/DATASET]",
)
def audit(model: str | None, folds: int, output: Path | None) -> None:
    """List the labels of the data set that are probably wrong, the most doubtful first.

    A model is trained once for each of so many folds, and asked about the pictures that it did not train on.
    labels.csv has a line for each doubtful label, labels.html shows the pictures. Put right what is wrong in
    the column `class` of a copy of labels.csv, and set dataset.labels_fixed to that.
    """
    from menagerie import paths
    from menagerie.audit.listing import check_unedited
    from menagerie.params import load_params

    params = load_params(paths.PARAMS)
    name = _chosen(params, model)
    target = output or paths.audit(params.dataset.name)
    check_unedited(target / "labels.csv")
    pictures, probabilities = _judged(params, name, _policies(params.seed, folds))
    listed, told = _told(pictures, probabilities, f"{name} and {folds} folds")
    _write(target, params, listed, told)
    for line in told:
        click.echo(f"audit: {line}")
    click.echo(
        f"audit: wrote {target / 'labels.csv'} and {target / 'labels.html'}: look at the pictures, put "
        "labels right in the column `class` of a copy that git knows, then\n"
        "  dvc exp run -S dataset.labels_fixed=COPY.csv"
    )


def _chosen(params: "Params", model: str | None) -> str:
    if model is not None:
        params.model(model)
        return model
    if len(params.models) > 1:
        known = ", ".join(params.models)
        raise ParamsError(f"params.yaml has {len(params.models)} models; choose one with --model: {known}")
    return next(iter(params.models))


def _policies(seed: int, folds: int) -> "list[KFoldSplit]":
    """One for each fold, with the share of val that conf/split/kfold.yaml sets."""
    from menagerie.params.composing import composed
    from menagerie.params.dataset import KFoldSplit
    from menagerie.params.section import parse

    values = composed("split=kfold")["dataset"]["split"] | {"seed": seed, "folds": folds}
    return [parse(KFoldSplit, values | {"fold": fold}, "conf/split/kfold.yaml") for fold in range(folds)]


def _judged(params: "Params", name: str, policies: "list[KFoldSplit]") -> "tuple[pd.DataFrame, np.ndarray]":
    """The pictures, and the probabilities of each by the training of which it was no part."""
    import time

    import numpy as np

    from menagerie import paths
    from menagerie.backend import loading
    from menagerie.data import open_images
    from menagerie.report.results import made

    with loading():
        from menagerie.audit import folds

    dataset = params.dataset.name
    pictures = folds.pictures_in_use(made(paths.split(dataset)))
    counts = pictures["class"].value_counts()
    if counts.min() < len(policies):
        raise DataError(
            f"class {counts.idxmin()} has {counts.min()} pictures, fewer than --folds {len(policies)}; lower "
            "it or add pictures"
        )
    images = open_images(made(paths.images(dataset)))
    dealt = [folds.fold_of(pictures, images, policy) for policy in policies]
    probabilities = np.zeros((len(pictures), len(dealt[0].classes)))
    for number, data in enumerate(dealt, start=1):
        started, test = time.perf_counter(), data.subsets["test"]
        found = folds.tested(params.model(name), data, params.seed, params.compute, paths.work())
        probabilities[np.searchsorted(pictures["index"], test.rows)] = found
        right, seconds = np.mean(found.argmax(axis=1) == test.labels), time.perf_counter() - started
        click.echo(
            f"audit: fold {number} of {len(dealt)}: accuracy {right:.4f} of {len(found):,} pictures, "
            f"{seconds:.0f} s"
        )
    return pictures, probabilities


def _told(
    pictures: "pd.DataFrame", probabilities: "np.ndarray", judges: str
) -> "tuple[pd.DataFrame, list[str]]":
    """The list, and what to say of it."""
    from menagerie.audit.listing import listing

    listed = listing(pictures, probabilities)
    right = (probabilities.argmax(axis=1) == pictures["label"]).mean()
    share = (
        f"{len(listed):,} of {len(pictures):,} labels are probably wrong ({len(listed) / len(pictures):.1%})"
    )
    told = [
        f"{share}, by {judges}; of the pictures that it did not train on, the model gives {right:.1%} "
        "their label"
    ]
    pairs = listed.groupby(["given", "suggested"]).size().sort_values(ascending=False, kind="stable")
    if len(pairs):
        most = ", ".join(
            f"{given} is rather {other}: {count}" for (given, other), count in pairs.head(3).items()
        )
        told.append(f"most often: {most}")
    return listed, told


def _write(target: Path, params: "Params", listed: "pd.DataFrame", told: list[str]) -> None:
    from menagerie import paths
    from menagerie.audit.page import page
    from menagerie.data import open_images
    from menagerie.files import whole

    images = open_images(paths.images(params.dataset.name))
    with whole(target / "labels.csv") as path:
        listed.drop(columns="index").to_csv(path, index=False, lineterminator="\n")
    with whole(target / "labels.html") as path:
        path.write_text(page(listed, images, params.dataset.title, told), encoding="utf-8", newline="\n")
