"""`menagerie experiments`: what DVC's experiments found and changed, in the width of a terminal."""

import click


@click.command()
@click.option("--all-commits", is_flag=True, help="Show the experiments of earlier commits, too.")
def experiments(all_commits: bool) -> None:
    """Show DVC's experiments: the best model by val, its accuracy on test and val, and what was changed.

    `dvc exp show` has every setting and metric, and needs a wide terminal for it.
    """
    import json
    import shutil
    import subprocess

    from tabulate import tabulate

    from menagerie.compare.experiments import COLUMNS, experiments
    from menagerie.errors import MenagerieError

    if all_commits:
        click.echo("experiments: DVC reads every commit, which may take a minute or two", err=True)
    command = ["dvc", "exp", "show", "--json", "--hide-workspace", *(["--all-commits"] * all_commits)]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    if told.returncode:
        raise MenagerieError(f"DVC does not tell its experiments: {told.stderr.strip()}")
    rows = experiments(json.loads(told.stdout))
    table = tabulate(rows, COLUMNS, tablefmt="simple", disable_numparse=True)
    first = table.splitlines()[1].rfind(" ") + 1  # where the last column begins
    width = max(shutil.get_terminal_size().columns - first, 20)
    widths = [*[None] * (len(COLUMNS) - 1), width]
    click.echo(tabulate(rows, COLUMNS, tablefmt="simple", disable_numparse=True, maxcolwidths=widths))
