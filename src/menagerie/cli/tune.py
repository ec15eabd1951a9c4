"""`menagerie tune`: better settings of a model, searched by val."""

import hashlib
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import optuna

    from menagerie.params import Params
    from menagerie.params.tuning import Space

UNITS = {"s": 1, "m": 60, "h": 3600}


class Budget(click.ParamType):
    """Trials, `50`, or a time, `30m`: seconds, minutes or hours."""

    name = "budget"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        match = re.fullmatch(r"([1-9]\d*)([smh]?)", str(value))
        if match is None:
            self.fail(f"{value!r} is no budget; expected trials, such as 50, or a time, such as 30m or 2h")
        count, unit = int(match[1]), match[2]
        return (None, count * UNITS[unit]) if unit else (count, None)


@click.command()
@click.option("--model", "name", metavar="NAME", required=True, help="A model of conf/model.")
@click.option(
    "--budget",
    type=Budget(),
    default="20",
    show_default=True,
    help="Trials, such as 50, those of before counted in; or a time, such as 30m.",
)
@click.option(
    "--space", "chosen", metavar="NAME", help="A file of conf/tune.  [default: by the kind of network]"
)
@click.option(
    "--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes that search."
)
@click.option(
    "--storage",
    metavar="URL",
    help="The study's database, which workers on several machines share.  [default: .work/tune.db]",
)
@click.option("--worker", is_flag=True, hidden=True)
def tune(
    name: str,
    budget: tuple[int | None, int | None],
    chosen: str | None,
    workers: int,
    storage: str | None,
    worker: bool,
) -> None:
    """Search for better settings of a model on the data set of params.yaml, and write NAME_tuned.

    The settings and ranges of conf/tune are tried by Optuna: trained on train, compared on val, test never
    opened. Each trial is a run nested under one in MLflow. A search that was stopped goes on; the same
    command on another machine, with the same --storage, helps. It ends with conf/model/NAME_tuned.yaml and
    what was gained on val.
    """
    from menagerie import paths
    from menagerie.params import load_params
    from menagerie.params.composing import composed
    from menagerie.params.model import PretrainedModel
    from menagerie.params.tuning import load_space

    params = load_params(paths.PARAMS)
    if name not in params.models:
        params = params.model_copy(update={"models": _of_conf(composed("~study", f"model={name}"), name)})
    spec = params.model(name)
    space = load_space(chosen or ("pretrained" if isinstance(spec, PretrainedModel) else "scratch"))
    trials, seconds = budget
    until = None if seconds is None else time.time() + seconds
    paths.work().mkdir(exist_ok=True)
    storage = storage or f"sqlite:///{(paths.work() / 'tune.db').as_posix()}"
    if workers > 1:
        _have_search(workers)
    else:
        _search(params, name, space, storage, trials, until)
    if not worker:
        _conclude(params, name, space, storage)


def _of_conf(values: dict[str, Any], name: str) -> dict[str, Any]:
    from menagerie.params import Params
    from menagerie.params.section import parse

    return {name: parse(Params, values, "conf/").model(name)}


def _have_search(workers: int) -> None:
    """Have other processes search, each as this command with one worker, until all have ended."""
    from menagerie.errors import MenagerieError

    command = [sys.executable, "-c", "from menagerie.cli.main import main; main()", *sys.argv[1:]]
    running = [subprocess.Popen([*command, "--workers", "1", "--worker"]) for _ in range(workers)]
    try:
        failed = [process.returncode for process in running if process.wait()]
    except KeyboardInterrupt:
        for process in running:
            process.wait()
        raise
    if failed:
        raise MenagerieError(f"{len(failed)} of {workers} workers ended early; what they tried is kept")


def _search(
    params: "Params", name: str, space: "Space", storage: str, trials: int | None, until: float | None
) -> None:
    from menagerie import paths, tracking
    from menagerie.backend import loading
    from menagerie.data import load_data
    from menagerie.report.results import made
    from menagerie.tune import study as studies
    from menagerie.tune.places import replaced

    with loading():
        from menagerie.tune.training import trainer, with_settings

    dataset, settings = params.dataset.name, params.model(name).model_dump(mode="json")
    data = load_data(made(paths.images(dataset)), made(paths.split(dataset)))
    label = _label(params, name, space)
    study = studies.open_study(storage, label, params.seed)
    studies.begin_with(study, space, settings)
    click.echo(f"tune: {label}, {len(studies.over(study))} trials so far")
    with tracking.search_run(params, name, label) as run:
        one = trainer(params, name, data, run.run_id)

        def train(number: int, values: dict[str, Any], report: studies.Report) -> studies.Tried | None:
            return one(number, with_settings(params, name, replaced(settings, values)), report)

        studies.search(study, space, settings, train, trials, until, _tell)


def _tell(study: "optuna.Study", trial: "optuna.trial.FrozenTrial") -> None:
    value = f"val accuracy {trial.value:.4f}" if trial.state.name == "COMPLETE" else trial.state.name.lower()
    seconds = trial.duration.total_seconds() if trial.duration else 0
    drawn = ", ".join(f"{place} {drawn:.3g}" for place, drawn in trial.params.items())
    click.echo(f"tune: trial {trial.number}: {value}, {seconds:.0f} s, best {study.best_value:.4f}; {drawn}")


def _label(params: "Params", name: str, space: "Space") -> str:
    """Name a study by all that its trials have in common."""
    from menagerie import paths
    from menagerie.files import file_sha256

    facts = (params.model(name), params.seed, params.compute, space)
    digest = hashlib.sha256(repr(facts).encode())
    digest.update(file_sha256(paths.split(params.dataset.name)).encode())
    return f"{params.dataset.name} {name} {digest.hexdigest()[:8]}"


def _conclude(params: "Params", name: str, space: "Space", storage: str) -> None:
    """Write the model of the best trial, and tell what was gained."""
    import numpy as np

    from menagerie import paths
    from menagerie.compare.paired import compare_pairs
    from menagerie.data import load_data
    from menagerie.tune import study as studies
    from menagerie.tune.places import difference, replaced

    dataset, settings = params.dataset.name, params.model(name).model_dump(mode="json")
    study = studies.open_study(storage, _label(params, name, space), params.seed)
    first, best = studies.best(study)
    count = len(studies.over(study))
    if best.number == first.number:
        click.echo(f"tune: none of {count} trials is better than {name} as it is, {first.value:.4f} on val")
        return
    val = load_data(paths.images(dataset), paths.split(dataset)).subsets["val"]
    right = np.stack([studies.right(best), studies.right(first)])
    row = compare_pairs([f"{name}_tuned", name], right, val.groups).iloc[0]
    gained = (
        f"{best.value:.4f} against {first.value:.4f} of {row['n']} on val, {100 * row['difference']:+.2f} "
        f"points (95 % interval {100 * row['low']:+.2f} to {100 * row['high']:+.2f}; p = {row['p']:.2g})"
    )
    values = studies.in_settings(space, settings, best.params)
    path = _write(
        name, difference(replaced(settings, values), settings), f"{gained}, the best of {count} trials"
    )
    click.echo(f"tune: {gained}")
    click.echo(
        f"tune: the best of {count} is chosen by these pictures, which flatter it; on test: "
        f"dvc exp run -S dataset={dataset} -S 'model=[{name},{name}_tuned]'"
    )
    click.echo(f"tune: wrote {path}")


def _write(name: str, changed: dict[str, Any], told: str) -> Path:
    import yaml

    from menagerie.files import whole

    path = Path("conf", "model", f"{name}_tuned.yaml")
    body = yaml.safe_dump({"defaults": [f"{name}@_here_", "_self_"], **changed}, sort_keys=False)
    with whole(path) as part:
        part.write_text(
            f"# @package models.{name}_tuned\n# By `menagerie tune --model {name}`: {told}.\n"
            f"# dvc exp run -S model={name}_tuned\n{body}",
            encoding="utf-8",
            newline="\n",
        )
    return path
