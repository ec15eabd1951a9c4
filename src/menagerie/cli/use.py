"""`menagerie use`: the data set that `dvc exp run` takes when none is named."""

import re
from pathlib import Path

import click

from menagerie.errors import ParamsError, unknown

CONFIG = Path("conf/config.yaml")


@click.command()
@click.argument("name")
def use(name: str) -> None:
    """Make NAME, a data set of conf/dataset, the default of this clone.

    It changes the line of the data set in conf/config.yaml, takes out a default study that would choose
    another one, and composes params.yaml anew. `git checkout conf/config.yaml params.yaml` undoes it.
    """
    import yaml

    from menagerie import paths
    from menagerie.files import whole
    from menagerie.params.composing import composed, conf

    known = [path.stem for path in conf().glob("dataset/*.yaml")]
    if name not in known:
        raise ParamsError(unknown("data set", name, known))
    before = CONFIG.read_text(encoding="utf-8")
    text, old = _set(before, "dataset", name)
    changes = [f"dataset: {old} -> {name}"]
    study = _default(text, "study")
    if _chooses_data(study):
        text, _ = _set(text, "study", "null")
        changes.append(f"study: {study} -> null, since it would choose its own data set")
    with whole(CONFIG) as part:
        part.write_text(text, encoding="utf-8")
    try:
        values = composed()
    except ParamsError:
        CONFIG.write_text(before, encoding="utf-8")
        raise
    with whole(paths.PARAMS) as part:
        part.write_text(yaml.safe_dump(values, sort_keys=False, allow_unicode=True), encoding="utf-8")
    click.echo(f"{CONFIG}: {'; '.join(changes)}")
    click.echo(f"{paths.PARAMS}: composed anew, with the models {', '.join(values['models'])}")
    click.echo("undo: git checkout conf/config.yaml params.yaml")


def _line(group: str) -> re.Pattern[str]:
    return re.compile(rf"^(\s*-\s*{group}:[ \t]*)([^\s#]+)", re.MULTILINE)


def _default(text: str, group: str) -> str:
    match = _line(group).search(text)
    if match is None:
        raise ParamsError(f"{CONFIG} has no line `- {group}: ...` in its defaults; add it")
    return match[2]


def _set(text: str, group: str, name: str) -> tuple[str, str]:
    """The text with another default, and what it was."""
    old = _default(text, group)
    return _line(group).sub(lambda match: match[1] + name, text, count=1), old


def _chooses_data(study: str) -> bool:
    file = CONFIG.with_name("study") / f"{study}.yaml"
    return file.is_file() and "override /dataset" in file.read_text(encoding="utf-8")
