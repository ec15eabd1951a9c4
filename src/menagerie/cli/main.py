"""The command `menagerie`: what is done beside the pipeline.

Each command imports what it needs when it runs: `menagerie --help` loads no TensorFlow.
"""

import signal
from typing import Any

import click

from menagerie.cli.add import add
from menagerie.cli.audit import audit
from menagerie.cli.bundle import bundle
from menagerie.cli.experiments import experiments
from menagerie.cli.export import export
from menagerie.cli.mend import mend
from menagerie.cli.mirror import mirror
from menagerie.cli.notebooks import notebooks
from menagerie.cli.predict import predict
from menagerie.cli.readme import readme
from menagerie.cli.report import report
from menagerie.cli.serve import serve
from menagerie.cli.sync import sync
from menagerie.cli.tune import tune
from menagerie.cli.use import use
from menagerie.cli.verify import verify
from menagerie.errors import MenagerieError, mended_by


class _Commands(click.Group):
    """Commands that end with exit code 1 and a message where the user can mend something."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except KeyboardInterrupt:
            raise SystemExit(128 + signal.SIGINT) from None
        except BrokenPipeError:  # of `menagerie ... | head`, which click ends quietly
            raise
        except MenagerieError as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            raise click.ClickException(f"{error}{mended_by(error)}") from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Image classification that can be repeated: what is done beside `dvc repro`."""


main.add_command(add)
main.add_command(audit)
main.add_command(bundle)
main.add_command(experiments)
main.add_command(export)
main.add_command(mend)
main.add_command(mirror)
main.add_command(notebooks)
main.add_command(predict)
main.add_command(readme)
main.add_command(report)
main.add_command(serve)
main.add_command(sync)
main.add_command(tune)
main.add_command(use)
main.add_command(verify)
