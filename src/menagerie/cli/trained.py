"""Which trained model a command uses: options that several share, and the file that they mean."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from menagerie.errors import ModelError, ParamsError, unknown

FLAGS = ("--model", "--champion", "--file", "--uri")


def model_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that `model_file` takes."""
    options = [
        click.option(
            "--model",
            metavar="NAME",
            help="A trained model of the data set of params.yaml.  [default: the best by val]",
        ),
        click.option(
            "--champion", is_flag=True, help="The registered model of that data set called champion."
        ),
        click.option(
            "--file", "file", metavar="MODEL.KERAS", type=click.Path(path_type=Path), help="A model file."
        ),
        click.option("--uri", metavar="URI", help="In MLflow: models:/digits@champion, runs:/RUN_ID/model."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def model_file(model: str | None, champion: bool, file: Path | None, uri: str | None) -> Path:
    """The model file that at most one option names; without one, the best by val, as `compare` found it.

    Where nothing was compared yet, it is the only model that is trained.

    Raises:
        UsageError: two options name one.
        ParamsError, ModelError: no model has the name, it is not trained, or the store does not have it;
            without an option none is trained, or several are and were not compared.
    """
    given = [flag for flag, value in zip(FLAGS, (model, champion, file, uri), strict=True) if value]
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given)} name two models; give one of them")
    if file is not None:
        return file
    if uri is not None:
        return _fetched(uri)
    from menagerie import paths
    from menagerie.files import read_json
    from menagerie.params import load_params

    params = load_params(paths.PARAMS)
    dataset = params.dataset.name
    if champion:
        return _fetched(f"models:/{dataset}@champion")
    trained = sorted(path.parent.name for path in paths.model(dataset, "").glob("*/model.keras"))
    if model is None and paths.summary(dataset).exists():
        best = read_json(paths.summary(dataset))["best"]["model"]
        model = best if best in trained else None
    return paths.model(dataset, _chosen(model, trained, list(params.models), dataset)) / "model.keras"


def _chosen(model: str | None, trained: list[str], known: list[str], dataset: str) -> str:
    if model is None:
        if len(trained) == 1:
            return trained[0]
        if not trained:
            raise ModelError(
                f"no model of {dataset} is trained; train: dvc repro, or name a file with --file"
            )
        raise ModelError(
            f"{len(trained)} models of {dataset} are trained and not compared; choose: "
            f"--model {'|'.join(trained)}"
        )
    if model in trained:
        return model
    if model not in known:
        raise ParamsError(unknown("model", model, {*known, *trained}))
    raise ModelError(
        f"{model} of {dataset} is not trained; train it: dvc repro train@{model}, or where a remote has it: "
        f"dvc pull models/{dataset}/{model}"
    )


def _fetched(uri: str) -> Path:
    from menagerie.tracking import fetching

    return fetching.model_file(uri)
