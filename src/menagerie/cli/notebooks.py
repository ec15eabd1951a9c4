"""`menagerie notebooks`: every study of a published notebook that this machine can run, by one command."""

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pathlib import Path

    from menagerie.notebooks.planning import Plan
    from menagerie.params import Params

BACK = "git checkout params.yaml dvc.lock && dvc checkout"
BACK_OF_TRY = "git checkout params.yaml dvc.lock metrics reports && dvc checkout"


@click.command()
@click.argument("studies", nargs=-1, metavar="[STUDY]...")
@click.option("--yes", is_flag=True, help="Do not ask before it begins.")
@click.option(
    "--epochs", type=click.IntRange(1), metavar="N",
    help="A try: end each phase after N epochs, to see whether it runs here. docs/results.md stays as it is.",
)  # fmt: skip
@click.option("--page-only", is_flag=True, help="Run nothing: write docs/results.md and the page anew.")
def notebooks(studies: tuple[str, ...], yes: bool, epochs: int | None, page_only: bool) -> None:
    """Run the studies of published notebooks, and write docs/results.md and reports/notebooks.html.

    All of conf/study that reported numbers, or those named. First it says of each whether its pictures and
    weights can be had and how long it may take. One that fails does not stop the others; what is finished is
    not run again, and what was stopped goes on.
    """
    if page_only and (studies or epochs):
        raise click.UsageError("--page-only runs nothing, so that it takes neither studies nor --epochs")
    known = _studies()
    if page_only:
        _write(known, None)
        return
    chosen = _chosen(studies, known)
    made = _plans(chosen, bool(studies), epochs)
    if not _go_on(made, yes):
        return
    if epochs:
        _forget_tries()
    failed = [plan.study for plan in made if plan.chosen and not _run(plan, epochs)]
    for plan in made:
        if not plan.chosen:
            _note(plan.study, plan.left_out, epochs)
    _write(known, epochs)
    _conclude([plan.study for plan in made if plan.chosen], failed, epochs)


def _studies() -> dict[str, "Params"]:
    """The studies of conf/ with numbers of a notebook; one on a copy comes after those it stands in for."""
    from menagerie.notebooks.planning import copies
    from menagerie.params import Params
    from menagerie.params.composing import composed, conf
    from menagerie.params.section import parse

    files = sorted(conf().glob("study/*.yaml"))
    found = {
        path.stem: parse(Params, composed(f"study={path.stem}"), f"conf/study/{path.name}") for path in files
    }
    told = {name: params for name, params in found.items() if params.reported}
    return dict(sorted(told.items(), key=lambda one: (one[1].reported.published_on, copies(one[1]), one[0])))


def _chosen(names: tuple[str, ...], known: dict[str, "Params"]) -> dict[str, "Params"]:
    from menagerie.errors import ParamsError, unknown

    for name in names:
        if name not in known:
            raise ParamsError(unknown("study of a notebook", name, known))
    return {name: known[name] for name in names or known}


# the plan


def _plans(chosen: dict[str, "Params"], named: bool, epochs: int | None) -> list["Plan"]:
    """Look for all that is needed, and say what was found."""
    from functools import partial

    from menagerie.mirror import named_mirror
    from menagerie.notebooks import asking, reach
    from menagerie.notebooks.planning import Knowing, plans, told
    from menagerie.processes import processes

    mirror = named_mirror()

    def pictures(params: "Params") -> reach.Place:
        click.echo(f"notebooks: looking at {params.study}")
        return reach.pictures(params.dataset, mirror, reach.answers)

    with processes(1, asking.answer) as ask:
        knowing = Knowing(
            pictures=pictures,
            weights=partial(asking.weights, ask=ask, mirror=mirror, answers=reach.answers),
            estimate=partial(asking.estimate, ask=ask, epochs=epochs),
        )
        made = plans(chosen, named, knowing)
    for line in told(made, epochs):
        click.echo(line)
    return made


def _go_on(made: list["Plan"], yes: bool) -> bool:
    """Whether to begin: as --yes says, or as somebody answers; without a terminal nobody can."""
    if yes:
        return True
    if not sys.stdin.isatty():
        click.echo("notebooks: nothing was run; --yes runs it")
        return False
    try:
        return any(plan.chosen for plan in made) and click.confirm("Run this?")
    except click.Abort:  # how click tells of Ctrl-C at a question
        raise KeyboardInterrupt from None


# the runs


def _run(plan: "Plan", epochs: int | None) -> bool:
    """Run a study and keep what it gave; whether that went well."""
    import shlex
    import subprocess

    command = plan.command(epochs)
    click.echo(f"notebooks: {plan.study}: {shlex.join(command)}")
    process = subprocess.Popen(command)
    try:
        code = process.wait()
    except KeyboardInterrupt:  # DVC was told, too: it ends its stage, which keeps where it stands
        process.wait()
        raise
    if code:
        _note(plan.study, dict.fromkeys(plan.chosen, "its run failed") | plan.left_out, epochs)
        click.echo(f"notebooks: {plan.study} failed, dvc ended with {code}: it says why above", err=True)
        return False
    _keep(plan, epochs)
    return True


def _keep(plan: "Plan", epochs: int | None) -> None:
    """Keep what the run left in the workspace, which the next study of these pictures writes over."""
    from menagerie import paths
    from menagerie.notebooks.given import given, keep
    from menagerie.params import load_params
    from menagerie.report.results import compared

    params = load_params(paths.PARAMS)
    keep(given(params, compared(params), plan.left_out), _file(plan.study, epochs))


def _note(study: str, why: dict[str, str], epochs: int | None) -> None:
    """Note why nothing of a study was run; what an earlier run gave stays, but for one of a try."""
    from menagerie.notebooks.given import Given, keep, kept

    path = _file(study, epochs)
    before = None if epochs else kept(path)
    if before is None or not before.models:
        keep(Given(models={}, pairs=(), left_out=why), path)


def _forget_tries() -> None:
    """Those of before may be of another number of epochs."""
    from menagerie import paths
    from menagerie.files import remove

    remove(paths.tried("any").parent)


def _file(study: str, epochs: int | None) -> "Path":
    from menagerie import paths

    return paths.tried(study) if epochs else paths.given(study)


def _conclude(ran: list[str], failed: list[str], epochs: int | None) -> None:
    if not ran:
        raise click.ClickException("none of these studies can be run here; what is missing stands above")
    back = BACK_OF_TRY if epochs else BACK
    click.echo(f"params.yaml and dvc.lock are as {ran[-1]} left them; the way back: {back}")
    if failed:
        raise click.ClickException(f"{', '.join(failed)} failed; the same command goes on from there")


# the pages


def _write(known: dict[str, "Params"], epochs: int | None) -> None:
    """Write the page over all studies of what is kept and, unless that is of a try, docs/results.md."""
    from menagerie import paths
    from menagerie.files import whole
    from menagerie.notebooks.findings import findings
    from menagerie.notebooks.given import kept
    from menagerie.notebooks.meant import meant_forms
    from menagerie.params.composing import conf
    from menagerie.report.markdown import written
    from menagerie.report.page import plain_page

    files = {name: kept(_file(name, epochs)) for name in known}
    models = {path.stem: path.read_text(encoding="utf-8") for path in sorted(conf().glob("model/*.yaml"))}
    given = {name: one for name, one in files.items() if one}
    found = findings(known, given, meant_forms(models), epochs)
    texts = {paths.RESULTS_PAGE: plain_page(found)} | ({} if epochs else {paths.RESULTS: written(found)})
    for path, text in texts.items():
        with whole(path) as part:
            part.write_text(text, encoding="utf-8", newline="\n")
    click.echo(f"wrote {' and '.join(map(str, texts))}")
