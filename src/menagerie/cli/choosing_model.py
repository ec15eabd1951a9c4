"""Which model file a command uses."""

from pathlib import Path

from menagerie.errors import ModelError, unknown


def chosen_model(model: str | None, file: Path | None, champion: bool, uri: str | None) -> Path:
    """The file of a model of the current data set, by its name; of any, by its path.

    Without a choice it is the best by val, as `compare` found it.

    Raises:
        ModelError: two choices, or there is no such model.
    """
    from menagerie import paths
    from menagerie.files import read_json
    from menagerie.params import load_params

    if sum(map(bool, (model, file, champion, uri))) > 1:
        raise ModelError("choose the model once: --model NAME, --file FILE, --champion or --uri URI")
    if champion or uri:
        raise ModelError("models of a registry are files first: name the file with --file")
    if file is not None:
        return file
    dataset = load_params(paths.PARAMS).dataset.name
    trained = [path.parent.name for path in paths.model(dataset, "").glob("*/model.keras")]
    if model is None:
        summary = paths.summary(dataset)
        if not summary.exists():
            raise ModelError(f"no model of {dataset} was compared yet: dvc repro does it; or --file FILE")
        model = read_json(summary)["best"]["model"]
    if model not in trained:
        raise ModelError(f"{unknown('model', model, trained)}; `dvc repro` trains those of params.yaml")
    return paths.model(dataset, model) / "model.keras"
