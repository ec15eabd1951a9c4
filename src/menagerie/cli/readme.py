"""`menagerie readme`: the result tables of README.md."""

from pathlib import Path

import click

README, SHOWN = Path("README.md"), Path("docs/readme.yaml")


@click.command()
def readme() -> None:
    """Write the result tables of README.md from the committed summaries.

    docs/readme.yaml says what they show.
    """
    import yaml

    from menagerie import paths
    from menagerie.files import read_json, whole
    from menagerie.params import Params
    from menagerie.params.composing import composed, conf
    from menagerie.params.section import parse
    from menagerie.report.readme import Tables, filled

    conf()
    tables = parse(Tables, yaml.safe_load(SHOWN.read_text(encoding="utf-8")), str(SHOWN))
    studies = {
        name: parse(Params, composed(f"study={name}"), f"conf/study/{name}.yaml") for name in tables.studies
    }
    files = {name: paths.summary(name) for name in tables.datasets}
    summaries = {name: read_json(file) for name, file in files.items() if file.is_file()}
    text = filled(README.read_text(encoding="utf-8"), tables, studies, summaries)
    with whole(README) as path:
        path.write_text(text, encoding="utf-8", newline="\n")
    click.echo(f"wrote the tables of {README}, with results of {', '.join(summaries) or 'no data set'}")
