"""TensorFlow's SavedModel: a folder for TensorFlow Serving, TensorFlow.js or tf.saved_model.load."""

from pathlib import Path

from menagerie.files import write_json
from menagerie.serve.export import Job, Run, description, network


def write(job: Job, path: Path) -> None:
    """Write a folder; classes and pixels are in assets.extra, which TensorFlow leaves to its users."""
    network(job.predictor).export(path, format="tf_saved_model", verbose=False)
    extra = path / "assets.extra"
    extra.mkdir()
    write_json(extra / "menagerie.json", description(job.predictor.facts, job.quantize))
    labels = "".join(f"{name}\n" for name in job.predictor.facts.classes)
    (extra / "labels.txt").write_text(labels, encoding="utf-8", newline="\n")


def opened(path: Path) -> Run:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    return lambda pictures: loaded.serve(pictures).numpy()
