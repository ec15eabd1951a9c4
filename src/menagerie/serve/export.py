"""A model file in the formats of other runtimes: pictures uint8 in, calibrated probabilities out."""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from menagerie.errors import ModelError
from menagerie.model_facts import ModelFacts

if TYPE_CHECKING:
    import keras

    from menagerie.serve.predictor import Predictor

Run = Callable[[np.ndarray], np.ndarray]  # pictures uint8 (n, height, width, 3) to probabilities (n, classes)


class Job(NamedTuple):
    """What is written: the model file at `source`, open in `predictor`, and how.

    `seen` are pictures uint8 (n, height, width, 3) that int8 takes the ranges of values from.
    """

    source: Path
    predictor: "Predictor"
    quantize: str | None
    seen: np.ndarray


class Format(NamedTuple):
    """What a format needs and can do; `serve/export_<name>.py` writes and opens it."""

    suffix: str
    packages: tuple[str, ...]  # beside the project's own
    extra: str  # of pyproject.toml, which brings them
    quantize: tuple[str, ...] = ()


FORMATS = {
    "saved_model": Format("", (), ""),
    "onnx": Format(".onnx", ("onnx", "onnxruntime", "tf2onnx"), "onnx", ("float16", "int8")),
    "litert": Format(".tflite", (), "", ("float16", "int8")),
    "torch": Format(".pt2", ("torch",), "torch"),
}


def check_possible(name: str, quantize: str | None) -> None:
    """Raises:
    ModelError: the format cannot be quantized so, or a package that it needs is not installed.
    """
    chosen = FORMATS[name]
    if quantize and quantize not in chosen.quantize:
        can = [other for other, format_ in FORMATS.items() if quantize in format_.quantize]
        raise ModelError(f"--format {name} cannot be quantized to {quantize}; what can: {', '.join(can)}")
    if missing := [package for package in chosen.packages if find_spec(package) is None]:
        raise ModelError(
            f"--format {name} needs {', '.join(missing)}; install what it needs: "
            f"pip install -e '.[{chosen.extra}]'"
        )


def network(predictor: "Predictor") -> "keras.Model":
    """The network with its temperature and softmax: pictures uint8 in, probabilities float32 out."""
    import keras

    pixels, temperature = predictor.facts.pixels, predictor.facts.temperature
    inputs = keras.Input((*pixels.image_size, 3), dtype="uint8", name="pictures")
    logits = predictor.model(inputs)
    scaled = keras.layers.Rescaling(1 / temperature, dtype="float32", name="temperature")(logits)
    outputs = keras.layers.Softmax(dtype="float32", name="probabilities")(scaled)
    whole = keras.Model(inputs, outputs, name=predictor.facts.model)
    whole(np.zeros((1, *whole.input_shape[1:]), np.uint8))  # some formats want to have seen it run
    return whole


def description(facts: ModelFacts, quantize: str | None) -> dict[str, Any]:
    """What an exported file says of itself: the facts but for val's counts, what goes in and comes out."""
    return {
        **facts.model_dump(mode="json", exclude={"val"}),
        "quantize": quantize,
        "input": {"name": "pictures", "dtype": "uint8", "shape": ["batch", *facts.pixels.image_size, 3]},
        "input_is": "RGB, 0 to 255, upright, brought to this size as `pixels` says; the file scales them",
        "output": {"name": "probabilities", "dtype": "float32", "shape": ["batch", len(facts.classes)]},
        "output_is": "calibrated probabilities, softmax(logits / temperature), in the order of `classes`",
    }


def write(job: Job, name: str, path: Path) -> Run:
    """Write the format `name` at `path` and open it.

    Raises:
        ModelError: the network holds something that the format does not know.
    """
    module = import_module(f"menagerie.serve.export_{name}")
    try:
        module.write(job, path)
    except Exception as error:  # whatever a converter raises
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise ModelError(
            f"{job.predictor.facts.model} cannot be exported with --format {name}: {lines[0][:500]}; other "
            f"formats: {', '.join(other for other in FORMATS if other != name)}"
        ) from error
    return module.opened(path)
