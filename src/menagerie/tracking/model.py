"""A model in MLflow: a network that takes pictures, with its code beside it."""

import base64
import io
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[1]
SCRIPT = PACKAGE / "serve" / "mlflow_model.py"
# What the script and what it imports of the package need where the model is loaded.
NEEDED = ("keras", "tensorflow", "numpy", "mlflow", "pillow", "opencv-python-headless", "simplejpeg", "h5py")
NEEDED += ("pandas", "pydantic", "scipy", "tqdm")


def log_model(run_id: str, path: Path) -> str:
    """Store a model file as a model of the run, pictures in and classes out; the id of the model."""
    import mlflow

    with mlflow.start_run(run_id):
        logged = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(SCRIPT),
            artifacts={"model": str(path.resolve())},
            code_paths=[str(PACKAGE)],
            signature=_signature(),
            input_example=_example(),
            # Named here: working them out would load the model in another process, 13 s.
            pip_requirements=[f"{package}=={version(package)}" for package in NEEDED],
        )
    return logged.model_id


def model_of(client: Any, run_id: str) -> str:
    """The id of the model that the run has, empty when it has none. One stored by half is removed."""
    outputs = client.get_run(run_id).outputs
    ready = ""
    for output in outputs.model_outputs if outputs else ():
        if client.get_logged_model(output.model_id).status.value == "READY":
            ready = output.model_id
        else:
            client.delete_logged_model(output.model_id)
    return ready


def _signature() -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
    from mlflow.types.schema import AnyType, Array, Object, Property

    ranked = Object([Property("class", DataType.string), Property("probability", DataType.double)])
    return ModelSignature(
        # Bytes, text and arrays are pictures; without a name, a list of them is taken as well as a table.
        inputs=Schema([ColSpec(AnyType())]),
        outputs=Schema(
            [
                ColSpec(DataType.string, "class"),
                ColSpec(DataType.double, "probability"),
                ColSpec(Array(ranked), "top"),
            ]
        ),
        params=ParamSchema([ParamSpec("top", DataType.integer, 3)]),
    )


def _example() -> Any:
    import pandas as pd
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (8, 8), (128, 128, 128)).save(file, "PNG")
    return pd.DataFrame({"picture": [base64.b64encode(file.getvalue()).decode("ascii")]})
