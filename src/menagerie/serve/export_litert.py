"""LiteRT, once TensorFlow Lite: a file for phones and small machines."""

import json
import warnings
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

from menagerie.serve.export import Job, Run, description, network

SINCE = "3.15.1"  # of those that pyproject.toml admits, the first that writes it


def write(job: Job, path: Path) -> None:
    """Write a .tflite file of LiteRT's own operations, which need no part of TensorFlow to run.

    A zip stands at its end, as TensorFlow Lite has it for labels: interpreters pass over it, and
    `unzip -p FILE labels.txt` reads it.

    Raises:
        ValueError: this Keras cannot write one, or not of this network.
    """
    if keras.version().startswith("3.12."):
        raise ValueError(f'Keras {keras.version()} does not write it; pip install "keras>={SINCE}"')
    network(job.predictor).export(path, format="litert", verbose=False, **_settings(job.quantize, job.seen))
    with zipfile.ZipFile(path, "a") as file:  # of a file that is no zip: behind what is there
        about = json.dumps(description(job.predictor.facts, job.quantize), ensure_ascii=False)
        file.writestr(zipfile.ZipInfo("menagerie.json"), about)
        file.writestr(
            zipfile.ZipInfo("labels.txt"), "".join(f"{name}\n" for name in job.predictor.facts.classes)
        )


def _settings(quantize: str | None, seen: np.ndarray) -> dict[str, Any]:
    import tensorflow as tf

    target: dict[str, Any] = {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]}
    if quantize is None:
        return {"target_spec": target}
    if quantize == "float16":
        target["supported_types"] = [tf.float16]
        return {"target_spec": target, "optimizations": [tf.lite.Optimize.DEFAULT]}
    return {
        "target_spec": target,
        "optimizations": [tf.lite.Optimize.DEFAULT],
        "representative_dataset": lambda: ([picture[None]] for picture in seen),
    }


def opened(path: Path) -> Run:
    import tensorflow as tf

    with warnings.catch_warnings():
        # It moves to a package of its own; the one of this TensorFlow reads the same files.
        warnings.filterwarnings("ignore", message=r"\s*Warning: tf.lite.Interpreter is deprecated")
        interpreter = tf.lite.Interpreter(str(path))
    (inputs,), (outputs,) = interpreter.get_input_details(), interpreter.get_output_details()

    def run(pictures: np.ndarray) -> np.ndarray:
        if tuple(interpreter.get_input_details()[0]["shape"]) != pictures.shape:
            interpreter.resize_tensor_input(inputs["index"], pictures.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(inputs["index"], pictures)
        interpreter.invoke()
        return interpreter.get_tensor(outputs["index"])

    return run
