"""`menagerie report`: what `dvc repro` found, as one page."""

from typing import TYPE_CHECKING

import click

from menagerie.errors import MenagerieError

if TYPE_CHECKING:
    import pandas as pd

    from menagerie.params import Params
    from menagerie.report.results import Results


SHOWN = 40  # runs in the figure


@click.command()
@click.option(
    "--replicates", is_flag=True, help="Tell of the runs with other seeds too; the tracking store has them."
)
@click.option(
    "--runs", is_flag=True,
    help="Instead, compare all tested runs of the data set, the best by val first, and what each changed: "
    "printed, and written to reports/DATASET_runs.csv and .png.",
)  # fmt: skip
def report(replicates: bool, runs: bool) -> None:
    """Write reports/DATASET.html: what `dvc repro` found, as one file to look at or to send."""
    from dataclasses import replace

    from menagerie import paths
    from menagerie.files import whole
    from menagerie.params import load_params
    from menagerie.report.mistakes import test_pictures
    from menagerie.report.page import page
    from menagerie.report.results import compared

    params = load_params(paths.PARAMS)
    if runs:
        _runs(params)
        return
    dataset = params.dataset.name
    results = compared(params, _replicates(params) if replicates else None)
    pictures = test_pictures(paths.images(dataset), paths.split(dataset))
    results = _with_costs(params, replace(results, test_picture=pictures))
    target = paths.report(dataset).with_suffix(".html")
    with whole(target) as path:
        path.write_text(page(params, results), encoding="utf-8", newline="\n")
    click.echo(f"wrote {target}, {target.stat().st_size / 1e6:.1f} MB")


def _with_costs(params: "Params", results: "Results") -> "Results":
    """Draw the one figure that no stage draws, since it depends on the machine."""
    import io
    from dataclasses import replace

    from menagerie.plots.comparison import cost_against_accuracy
    from menagerie.report.findings.costs import costs

    png = io.BytesIO()
    cost_against_accuracy(costs(results), params.dataset.title).savefig(png, dpi=150)
    return replace(results, comparison_figures=results.comparison_figures | {"cost": png.getvalue()})


def _replicates(params: "Params") -> "pd.DataFrame":
    """Gather the runs with other seeds, and print them."""
    from menagerie.compare import replicates
    from menagerie.tracking import store

    table = replicates.table(store.evaluated_runs(params.dataset.name), _current(params))
    click.echo(table.to_string(index=False, na_rep="-", float_format="{:.4f}".format))
    if (table["n"] < 2).all():
        click.echo(
            "nothing was trained from two seeds yet; make more with `dvc exp run --queue -S 'seed=1,2,3'` "
            "and `dvc queue start`"
        )
    return table


def _runs(params: "Params") -> None:
    """Compare the tested runs of the data set: print them, and write a table and a figure."""
    from menagerie import paths
    from menagerie.compare import runs
    from menagerie.files import whole
    from menagerie.plots.comparison import val_dots
    from menagerie.report.findings.values import counted
    from menagerie.tracking import store

    dataset = params.dataset.name
    table = runs.table(store.evaluated_runs(dataset), _current(params))
    click.echo(table.to_string(index=False, na_rep="-", float_format="{:.4f}".format))
    target = paths.runs_report(dataset)
    with whole(target) as part:
        table.to_csv(part, index=False, lineterminator="\n")
    figure = target.with_suffix(".png")
    with whole(figure) as part:
        title = f"{params.dataset.title}: runs, the best by val first"
        val_dots(table.head(SHOWN), list(params.models), title).savefig(part, dpi=150, format="png")
    shown = f" (the best {SHOWN})" if len(table) > SHOWN else ""
    click.echo(f"wrote {target} and {figure}{shown}: {counted(len(table), 'run')}")


def _current(params: "Params") -> dict[str, dict[str, str]]:
    """What each model of params.yaml is trained with now."""
    from menagerie import paths
    from menagerie.compare import replicates
    from menagerie.files import file_sha256, read_json

    source, split = paths.source(params.dataset.name), paths.split(params.dataset.name)
    for needed in (source, split):  # after a sweep alone, the workspace has none
        if not needed.is_file():
            raise MenagerieError(f"{needed} is not there; make it with `dvc repro split`")
    return replicates.current_settings(params, read_json(source)["content_sha256"], file_sha256(split))
