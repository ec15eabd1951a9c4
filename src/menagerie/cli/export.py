"""`menagerie export`: a trained model for other runtimes."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from menagerie.cli.trained import model_file, model_options
from menagerie.errors import ModelError

if TYPE_CHECKING:
    from menagerie.model_facts import ModelFacts
    from menagerie.serve.export import Job
    from menagerie.serve.export_pictures import Sample


@click.command()
@click.option(
    "--format", "name", required=True, type=click.Choice(["saved_model", "onnx", "litert", "torch"]),
    help="What is written: a folder for TensorFlow, or a .onnx, .tflite or .pt2 file.",
)  # fmt: skip
@click.option("--quantize", type=click.Choice(["float16", "int8"]), help="Smaller numbers; onnx and litert.")
@model_options
@click.option(
    "--pictures", type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of pictures to check with.  [default: val of the data set]",
)  # fmt: skip
@click.option(
    "--output", type=click.Path(path_type=Path), help="Where to.  [default: exports/DATASET/MODEL...]"
)
@click.option(
    "--allow", default=1.0, show_default=True, type=click.FloatRange(0, 100), metavar="POINTS",
    help="So much accuracy, in percentage points, a quantized file may lose.",
)  # fmt: skip
def export(
    name: str, quantize: str | None, pictures: Path | None, output: Path | None, allow: float, **chosen: Any
) -> None:
    """Write a trained model for another runtime, and check that it answers the same.

    Pictures uint8 (batch, height, width, 3) go in, calibrated probabilities come out. Classes and the way to
    bring a picture to the network are in the file. A file that answers otherwise is an error, and not kept.
    """
    from menagerie.backend import loading
    from menagerie.model_facts import read_facts
    from menagerie.serve.export import Job, check_possible

    check_possible(name, quantize)
    source = model_file(**chosen)
    facts = read_facts(source)
    target = _target(output or _usual(facts, name, quantize), name)
    click.echo(f"export: writes {name} and compares its answers with Keras's ...", err=True)
    with loading():
        from menagerie.serve.export_pictures import of_folder, of_workspace
        from menagerie.serve.predictor import Predictor

        sample, seen = of_folder(pictures, facts) if pictures else of_workspace(facts)
        job = Job(source, Predictor(source), quantize, seen)
        line = _checked(job, name, sample, target, allow / 100)
    click.echo(line)
    click.echo(
        f"wrote {target}: pictures uint8 in, calibrated probabilities of {len(facts.classes)} classes out"
    )


def exports(facts: "ModelFacts") -> Path:
    """Where files made of a model go by default, by its own names: exports/DATASET/MODEL, without a suffix.

    Raises:
        ModelError: its names are none for a file, as only a file from elsewhere has them.
    """
    import re

    from menagerie import paths

    for name in (facts.dataset, facts.model):
        if not re.fullmatch(r"\w[\w-]*", name):
            raise ModelError(
                f"the model file calls itself {name!r}, which is no name for a file; set --output"
            )
    return paths.exports(facts.dataset) / facts.model


def _usual(facts: "ModelFacts", name: str, quantize: str | None) -> Path:
    from menagerie.serve.export import FORMATS

    ending = FORMATS[name].suffix or f"_{name}"
    target = exports(facts)
    return target.with_name(target.name + (f"_{quantize}" if quantize else "") + ending)


def _target(target: Path, name: str) -> Path:
    """Raises:
    ModelError: something else stands there, or the suffix is not the format's.
    """
    from menagerie.serve.export import FORMATS

    suffix = FORMATS[name].suffix
    if target.suffix != suffix and suffix:
        raise ModelError(f"--output {target} should end with {suffix}, as --format {name} has it")
    if target.exists() and target.is_dir() != (not suffix):
        raise ModelError(f"{target} is there and is no earlier {name}; choose another --output")
    if target.is_dir() and not (target / "saved_model.pb").exists():
        raise ModelError(f"{target} is a folder of something else; choose another --output")
    return target


def _checked(job: "Job", name: str, sample: "Sample", target: Path, allowed: float) -> str:
    """Write and compare in a folder that goes away; only what answers the same gets to `target`."""
    import shutil
    from tempfile import TemporaryDirectory

    from menagerie.files import whole
    from menagerie.serve.export import FORMATS, write
    from menagerie.serve.export_parity import answers, complaint, parity, told

    with TemporaryDirectory() as folder:
        made = Path(folder) / f"made{FORMATS[name].suffix}"
        after = answers(write(job, name, made), sample.pictures)
        before = answers(job.predictor.probabilities, sample.pictures)
        found = parity(sample, before, after, (_bytes(job.source), _bytes(made)))
        if wrong := complaint(found, job.quantize is not None, allowed):
            raise ModelError(f"{name} answers otherwise: {wrong}; nothing was written. {told(found)}")
        with whole(target) as part:
            shutil.move(made, part)
    return told(found)


def _bytes(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
