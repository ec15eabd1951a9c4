"""`menagerie bundle`: a trained model as one file to hand over."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from menagerie.cli.trained import model_file, model_options

if TYPE_CHECKING:
    from menagerie.model_facts import ModelFacts
    from menagerie.params.dataset import Dataset


@click.command()
@model_options
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path),
    help="Where to.  [default: exports/DATASET/MODEL.zip]",
)  # fmt: skip
def bundle(output: Path | None, **chosen: Any) -> None:
    """Write a zip with a trained model, a page about it, and a script that predicts.

    The script needs Keras, Pillow and NumPy, and nothing of this project.
    """
    from menagerie.card import card
    from menagerie.cli.export import exports
    from menagerie.files import whole
    from menagerie.model_facts import read_facts
    from menagerie.serve.bundle import USE, write_bundle

    source = model_file(**chosen)
    facts = read_facts(source)
    target = output or exports(facts).with_suffix(".zip")
    metrics = _metrics(source, facts, _uri(facts, chosen))
    page = card(facts, _dataset(facts), metrics, USE)
    replaced = ", in the place of what was there" if target.exists() else ""
    with whole(target) as part:
        write_bundle(source, facts, page, part, target.stem)
    tested = "" if metrics else "; it tells no test result: evaluate wrote none of this very file"
    click.echo(f"wrote {target}, {target.stat().st_size / 1e6:.1f} MB{replaced}{tested}")


def _dataset(facts: "ModelFacts") -> "Dataset | None":
    """What params.yaml says of the model's data set, where it is about that."""
    from menagerie import paths
    from menagerie.params import load_params

    if not paths.PARAMS.exists():
        return None
    dataset = load_params(paths.PARAMS).dataset
    return dataset if dataset.name == facts.dataset else None


def _uri(facts: "ModelFacts", chosen: dict[str, Any]) -> str:
    """What names the model in MLflow's store; empty where a file was named."""
    return f"models:/{facts.dataset}@champion" if chosen["champion"] else chosen["uri"] or ""


def _metrics(source: Path, facts: "ModelFacts", uri: str) -> dict[str, Any] | None:
    """What evaluate wrote of these very bytes, here or in the run that a URI leads to."""
    from menagerie import paths
    from menagerie.files import file_sha256, read_json

    path = paths.metrics(facts.dataset, facts.model) / "metrics.json"
    found = [read_json(path)] if path.exists() else []
    if uri:
        from menagerie.tracking import fetching

        found.append(fetching.metrics(uri))
    sha256 = file_sha256(source)
    return next((metrics for metrics in found if metrics.get("model_sha256") == sha256), None)
