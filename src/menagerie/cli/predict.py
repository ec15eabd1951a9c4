"""`menagerie predict`: what a trained model says of pictures."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from menagerie.cli.trained import model_file, model_options
from menagerie.errors import DataError, MenagerieError

if TYPE_CHECKING:
    from menagerie.model_facts import ModelFacts
    from menagerie.serve.ahead import Decoder
    from menagerie.serve.answers import Answer
    from menagerie.serve.inputs import Gathered
    from menagerie.serve.pictures import Picture
    from menagerie.serve.predictor import Predictor

FORMATS = ("table", "csv", "json", "parquet")
FEW = 50  # pictures that a terminal shows as a table
LISTED = 20  # unreadable pictures that are told one by one; the output has them all


class _Failed(click.ClickException):
    """Nothing was predicted. Exit code 1 is kept for answers that lack unreadable pictures."""

    exit_code = 2


def _step(context: click.Context, parameter: click.Parameter, value: float | None) -> int | None:
    """A threshold in thousandths, as val's promises are counted."""
    if value is None:
        return None
    if abs(value * 1000 - round(value * 1000)) > 1e-6:
        raise click.BadParameter("expected at most three decimals", context, parameter)
    return round(value * 1000)


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="PICTURE|FOLDER|GLOB|ARCHIVE|LIST.txt|-...")
@model_options
@click.option(
    "--top", default=3, show_default=True, type=click.IntRange(1), help="So many classes a picture."
)
@click.option(
    "--format", "form", type=click.Choice(FORMATS),
    help="By default as the suffix of --output says; else a table on a terminal for few pictures, or csv.",
)  # fmt: skip
@click.option(
    "--output", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
    help="Where the answers are written to, instead of the terminal.",
)  # fmt: skip
@click.option(
    "--threshold", "step", metavar="P", type=click.FloatRange(0, 1, max_open=True), callback=_step,
    help="An answer of a lower probability is `unsure`.",
)  # fmt: skip
@click.option(
    "--copy-to", metavar="FOLDER", type=click.Path(file_okay=False, path_type=Path),
    help="Copy each picture to FOLDER/ITS CLASS/.",
)  # fmt: skip
def predict(
    inputs: tuple[str, ...],
    top: int,
    form: str | None,
    output: Path | None,
    step: int | None,
    copy_to: Path | None,
    **model: Any,
) -> None:
    """Say of each picture what it shows, by a trained model.

    Pictures are brought to the network exactly as in training, and probabilities are calibrated on val.
    A list has a name a line; `-` reads one from standard input. Folders are walked; where they are called as
    the classes are, the answers are scored, too.

    Exit code 1: some pictures could not be read, the others have their answers. 2: nothing was predicted.
    """
    form = _format(form, output)
    try:
        path = model_file(**model)
        facts, gathered = _gathered(path, inputs)
        for flag, folder in (("--output", output and output.parent), ("--copy-to", copy_to)):
            if folder is not None:  # made now: at the end, what was predicted would be lost
                _make(flag, folder)
        top = min(top, len(facts.classes))
        from menagerie.serve.ahead import Decoder
        from menagerie.serve.answers import short

        threshold = None if step is None else step / 1000
        answers = _answers(path, gathered.pictures, Decoder(facts.pixels))
        found = [short(one, top, threshold) for one in answers]
        _write(found, top, form, output)
        if copy_to is not None:
            _copy(gathered.pictures, found, facts, copy_to)
    except BrokenPipeError:  # of `menagerie ... | head`, which click ends quietly
        raise
    except (MenagerieError, OSError) as error:
        raise _Failed(str(error)) from error
    _tell(gathered, found, facts, step)
    if lost := sum(bool(one.problem) for one in found):
        sys.exit(2 if lost == len(found) else 1)


def _format(form: str | None, output: Path | None) -> str | None:
    """The format that is asked for; None where the terminal and the number of pictures decide."""
    if form == "parquet" and output is None:
        raise click.UsageError("parquet is no text; name the file with --output")
    if form is not None or output is None:
        return form
    suffix = output.suffix.lower().removeprefix(".")
    if suffix not in FORMATS[1:]:
        raise click.UsageError(
            f"the suffix of --output {output} is none of .csv, .json, .parquet; add --format"
        )
    return suffix


def _make(flag: str, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"{flag}: {folder} cannot be made: {error.strerror}; name a folder that can be written to"
        ) from error


def _gathered(path: Path, inputs: Sequence[str]) -> "tuple[ModelFacts, Gathered]":
    from menagerie.model_facts import read_facts
    from menagerie.serve.inputs import gather

    facts = read_facts(path)
    return facts, gather(inputs, sys.stdin.buffer, facts.classes)


def _answers(path: Path, pictures: "Sequence[Picture]", decoder: "Decoder") -> "Iterator[Answer]":
    """The answers of all classes, picture by picture; decoding begins before TensorFlow is loaded."""
    from tqdm import tqdm

    from menagerie.serve.ahead import BATCH, decoding
    from menagerie.serve.answers import answers

    shown = not sys.stderr.isatty()
    with decoding(pictures, decoder) as batches:
        predictor = _predictor(path)
        with tqdm(total=len(pictures), unit=" pictures", disable=shown, leave=False) as bar:
            for number, batch in enumerate(batches):
                part = pictures[number * BATCH : (number + 1) * BATCH]
                rows = predictor.probabilities(batch.pixels) if len(batch.pixels) else batch.pixels
                yield from answers(part, batch.problems, rows, predictor.facts.classes)
                bar.update(len(part))


def _predictor(path: Path) -> "Predictor":
    from menagerie.backend import loading

    with loading():
        from menagerie.serve.predictor import Predictor
    return Predictor(path)


def _write(found: "Sequence[Answer]", top: int, form: str | None, output: Path | None) -> None:
    from menagerie.serve import tables

    if form is None:
        form = "table" if sys.stdout.isatty() and len(found) <= FEW else "csv"
    if output is None:
        click.echo(tables.text_of(found, top, form), nl=False)
    else:
        tables.write(found, top, form, output)


def _copy(
    pictures: "Sequence[Picture]", found: "Sequence[Answer]", facts: "ModelFacts", target: Path
) -> None:
    from menagerie.serve.copying import copy

    copied = copy(pictures, found, facts.classes, target)
    told = ", ".join(f"{folder}: {count:,}" for folder, count in sorted(copied.items()))
    click.echo(
        f"predict: copied {copied.total():,} pictures to {target} ({told or 'all there already'})", err=True
    )


def _tell(gathered: "Gathered", found: "Sequence[Answer]", facts: "ModelFacts", step: int | None) -> None:
    """What is to be said of all answers, on standard error: standard output has the answers alone."""
    from menagerie.serve import inputs
    from menagerie.serve.answers import scores_told, threshold_told

    lost = [one for one in found if one.problem]
    lines = [
        f"{len(found) - len(lost):,} of {len(found):,} pictures answered by {facts.model} of {facts.dataset}"
    ]
    if gathered.passed_over:
        lines.append(f"passed over: {inputs.told(gathered.passed_over)}")
    if step is not None:
        lines.append(threshold_told(found, step, facts.val))
    lines += scores_told(found)
    if lost:
        lines.append(f"{len(lost):,} cannot be read:")
    for line in lines:
        click.echo(f"predict: {line}", err=True)
    for one in lost[:LISTED]:
        click.echo(f"  {one.picture!r}: {one.problem}", err=True)
    if len(lost) > LISTED:
        click.echo(f"  and {len(lost) - LISTED:,} more", err=True)
