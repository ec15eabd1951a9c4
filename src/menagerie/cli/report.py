"""`menagerie report`: what `dvc repro` found, as one page."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from menagerie.errors import MenagerieError

if TYPE_CHECKING:
    import pandas as pd

    from menagerie.params import Params
    from menagerie.report.page import Results

TABLES = ("per_class", "areas", "confusion", "robustness")  # of those that evaluate writes


@click.command()
@click.option(
    "--replicates", is_flag=True, help="Tell of the runs with other seeds too; the tracking store has them."
)
def report(replicates: bool) -> None:
    """Write reports/DATASET.html: what `dvc repro` found, as one file to look at or to send."""
    from menagerie import paths
    from menagerie.files import whole
    from menagerie.params import load_params
    from menagerie.report import page

    params = load_params(paths.PARAMS)
    results = _results(params, _replicates(params) if replicates else None)
    target = paths.report(params.dataset.name).with_suffix(".html")
    with whole(target) as path:
        path.write_text(page.page(params, results), encoding="utf-8", newline="\n")
    click.echo(f"wrote {target}, {target.stat().st_size / 1e6:.1f} MB")


def _results(params: "Params", replicates: "pd.DataFrame | None") -> "Results":
    """Read what the stages wrote of the models of params.yaml, and draw what depends on the machine."""
    from menagerie import paths
    from menagerie.files import read_json
    from menagerie.report.page import Results

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

    from menagerie.plots.comparison import cost_against_accuracy
    from menagerie.report.page import costs

    png = io.BytesIO()
    cost_against_accuracy(costs(metrics, runs), params.dataset.title).savefig(png, dpi=150)
    return png.getvalue()


def _replicates(params: "Params") -> "pd.DataFrame":
    """Gather the runs with other seeds, and print them."""
    from menagerie import paths
    from menagerie.compare import replicates
    from menagerie.files import file_sha256, read_json
    from menagerie.tracking import store

    dataset = params.dataset.name
    pictures = read_json(_made(paths.source(dataset)))["content_sha256"]
    current = replicates.current_settings(params, pictures, file_sha256(_made(paths.split(dataset))))
    table = replicates.table(store.evaluated_runs(dataset), current)
    click.echo(table.to_string(index=False, na_rep="-", float_format="{:.4f}".format))
    return table
