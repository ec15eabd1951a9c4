"""The command `menagerie`: what is done beside the pipeline.

Each command imports what it needs when it runs: `menagerie --help` loads no TensorFlow.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from menagerie.errors import DownloadError, MenagerieError, ParamsError, unknown

if TYPE_CHECKING:
    import pandas as pd

    from menagerie.html_report import Results
    from menagerie.params import Params

TABLES = ("per_class", "areas", "confusion", "robustness")  # of those that evaluate writes


class _Commands(click.Group):
    """Commands that end with exit code 1 and a message where the user can mend something."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except BrokenPipeError:  # of `menagerie ... | head`, which click ends quietly
            raise
        except (MenagerieError, OSError) as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Image classification that can be repeated: what is done beside `dvc repro`."""


@main.command()
@click.argument("dataset")
@click.argument("folder", required=False, type=click.Path(file_okay=False, path_type=Path))
def mirror(dataset: str, folder: Path | None) -> None:
    """Fetch all files of DATASET, a name of conf/dataset, into FOLDER, and verify them.

    With MENAGERIE_MIRROR set to FOLDER, the pipeline needs no network. Without FOLDER, the folder that
    MENAGERIE_MIRROR names is filled. What is there and right is not fetched again.
    """
    from menagerie import sources
    from menagerie.params.dataset import Dataset
    from menagerie.params.section import parse

    chosen = parse(Dataset, _composed(dataset), f"conf/dataset/{dataset}.yaml")
    if not sources.needs_network(chosen.source.kind):
        click.echo(f"{dataset}: nothing to mirror, its pictures do not come over a network")
        return
    folder = folder or _mirror_folder(dataset)
    files = sources.mirror(chosen, folder)
    click.echo(f"{folder} holds all of {dataset}:")
    for file in files:
        click.echo(f"{file.stat().st_size:>15,} bytes  {file.name}")


def _mirror_folder(dataset: str) -> Path:
    from menagerie.mirror import local_path, named_mirror

    location = named_mirror()
    if location is None or not location.startswith("file:"):
        raise DownloadError(
            f"MENAGERIE_MIRROR is {location or 'not set'}; name the folder to fill: "
            f"menagerie mirror {dataset} FOLDER"
        )
    return local_path(location)


def _composed(name: str) -> dict[str, Any]:
    """A data set as conf/ composes it."""
    import yaml
    from hydra import compose, initialize_config_dir
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    conf = Path("conf").resolve()
    known = [path.stem for path in conf.glob("dataset/*.yaml")]
    if not known:
        raise ParamsError(f"conf/dataset is not in {Path.cwd()}; run from the root of the repository")
    if name not in known:
        raise ParamsError(unknown("data set", name, known))
    try:
        with initialize_config_dir(str(conf), version_base=None):
            return OmegaConf.to_container(compose("config", [f"dataset={name}"]).dataset, resolve=True)
    except (HydraException, OmegaConfBaseException, yaml.YAMLError) as error:
        raise ParamsError(f"conf/ cannot be composed with dataset={name}: {error}; mend it there") from error


@main.command()
@click.option(
    "--replicates", is_flag=True, help="Tell of the runs with other seeds too; the tracking store has them."
)
def report(replicates: bool) -> None:
    """Write reports/DATASET.html: what `dvc repro` found, as one file to look at or to send."""
    from menagerie import html_report, paths
    from menagerie.files import whole
    from menagerie.params import load_params

    params = load_params(paths.PARAMS)
    results = _results(params, _replicates(params) if replicates else None)
    target = paths.report(params.dataset.name).with_suffix(".html")
    with whole(target) as path:
        path.write_text(html_report.page(params, results), encoding="utf-8", newline="\n")
    click.echo(f"wrote {target}, {target.stat().st_size / 1e6:.1f} MB")


def _results(params: "Params", replicates: "pd.DataFrame | None") -> "Results":
    """Read what the stages wrote of the models of params.yaml, and draw what depends on the machine."""
    from menagerie import paths
    from menagerie.files import read_json
    from menagerie.html_report import Results

    dataset, models = params.dataset.name, list(params.models)
    folders = {name: paths.metrics(dataset, name) for name in models}
    metrics = {name: read_json(_made(folder / "metrics.json")) for name, folder in folders.items()}
    records = {name: paths.run_record(dataset, name) for name in models}
    runs = {name: read_json(record) for name, record in records.items() if record.is_file()}
    compared = _figures(paths.comparison_plots(dataset))
    return Results(
        source=read_json(_made(paths.source(dataset))),
        data=read_json(_made(paths.data_report(dataset))),
        metrics=metrics,
        runs=runs,
        tables={
            name: {stem: _table(folder / f"{stem}.csv") for stem in TABLES}
            for name, folder in folders.items()
        },
        pairs=_pairs(paths.comparison_plots(dataset) / "pairs.csv", models),
        data_figures=_figures(paths.data_plots(dataset)),
        comparison_figures=compared | {"cost": _cost_figure(params, metrics, runs)},
        model_figures={name: _figures(paths.model_plots(dataset, name)) for name in models},
        replicates=replicates,
    )


def _made(path: Path) -> Path:
    if not path.is_file():
        raise MenagerieError(f"{path} is not there; make it with `dvc repro`")
    return path


def _figures(folder: Path) -> dict[str, bytes]:
    return {path.stem: path.read_bytes() for path in sorted(folder.glob("*.png"))}


def _table(path: Path) -> "pd.DataFrame":
    """Read a CSV of a stage; names are text, whatever they look like: `007`, `nan`."""
    import pandas as pd

    texts = dict.fromkeys(("class", "actual", "predicted", "corruption", "model_a", "model_b"), str)
    gaps = dict.fromkeys(("auc", "average_precision", "common_errors", "kappa"), "")
    return pd.read_csv(_made(path), dtype=texts, keep_default_na=False, na_values=gaps)


def _pairs(path: Path, models: list[str]) -> "pd.DataFrame":
    pairs = _table(path)
    compared = {*pairs["model_a"], *pairs["model_b"]} or set(models[:1])  # one model makes no pair
    if compared != set(models):
        raise MenagerieError(f"{path} is of other models than params.yaml; run `dvc repro`")
    return pairs


def _cost_figure(params: "Params", metrics: dict[str, Any], runs: dict[str, Any]) -> bytes:
    import io

    from menagerie.html_report import costs
    from menagerie.plots.comparison import cost_against_accuracy

    png = io.BytesIO()
    cost_against_accuracy(costs(metrics, runs), params.dataset.title).savefig(png, dpi=150)
    return png.getvalue()


def _replicates(params: "Params") -> "pd.DataFrame":
    """Gather the runs with other seeds, and print them."""
    from menagerie import paths, replicates
    from menagerie.files import file_sha256, read_json
    from menagerie.tracking import store

    dataset = params.dataset.name
    pictures = read_json(_made(paths.source(dataset)))["content_sha256"]
    current = replicates.current_settings(params, pictures, file_sha256(_made(paths.split(dataset))))
    table = replicates.table(store.test_runs(dataset), current)
    click.echo(table.to_string(index=False, na_rep="-", float_format="{:.4f}".format))
    return table
