"""ONNX: a file for ONNX Runtime, in browsers, in C++, C#, Java or Rust."""

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from menagerie.serve.export import Job, Run, description, network


def write(job: Job, path: Path) -> None:
    """Write a .onnx file; classes and pixels are in its metadata, as JSON."""
    import onnx

    with TemporaryDirectory() as folder, _quiet():
        made = Path(folder) / "float32.onnx"
        network(job.predictor).export(str(made), format="onnx", verbose=False)
        model = _named(onnx.load(made))
        if job.quantize == "float16":
            from onnxruntime.transformers.float16 import convert_float_to_float16

            model = convert_float_to_float16(model, keep_io_types=True)
        if job.quantize == "int8":
            model = _int8(model, job.seen, Path(folder))
    about = description(job.predictor.facts, job.quantize)
    props = {"menagerie.json": about, "classes": about["classes"], "pixels": about["pixels"]}
    onnx.helper.set_model_props(
        model, {key: json.dumps(value, ensure_ascii=False) for key, value in props.items()}
    )
    onnx.save(model, path)


@contextmanager
def _quiet() -> Iterator[None]:
    root, level = logging.getLogger(), logging.getLogger().level
    root.setLevel("ERROR")  # onnxruntime says there what it would do before quantizing
    logging.getLogger("tf2onnx").setLevel("ERROR")
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "In the future `np.object`", FutureWarning)  # of Keras's bridge
            yield
    finally:
        root.setLevel(level)


def _named(model: Any) -> Any:
    """The same with names that say what they are: `probabilities`, and a first dimension `batch`."""
    graph = model.graph
    (given,), (asked,) = graph.input, graph.output
    for node in graph.node:
        node.output[:] = ["probabilities" if name == asked.name else name for name in node.output]
    asked.name = "probabilities"
    for value in (given, asked):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    return model


def _int8(model: Any, seen: np.ndarray, folder: Path) -> Any:
    """Weights int8 by channel and activations uint8, their ranges from `seen`."""
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Seen(CalibrationDataReader):
        def __init__(self) -> None:
            self.left = iter(seen)

        def get_next(self) -> dict[str, np.ndarray] | None:
            picture = next(self.left, None)
            return None if picture is None else {"pictures": picture[None]}

    onnx.save(model, folder / "named.onnx")
    quant_pre_process(folder / "named.onnx", folder / "shaped.onnx", skip_symbolic_shape=True)
    quantize_static(
        folder / "shaped.onnx",
        folder / "int8.onnx",
        Seen(),
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
    return onnx.load(folder / "int8.onnx")


def opened(path: Path) -> Run:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda pictures: session.run(["probabilities"], {"pictures": pictures})[0]
