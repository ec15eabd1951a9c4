"""A model to hand over: one zip with all that using it needs but Python and three packages."""

import json
import zipfile
from pathlib import Path

from menagerie.errors import ModelError
from menagerie.model_facts import ANEW, UNREADABLE, ModelFacts

SCRIPT = Path(__file__).with_name("bundled_predict.py")
NEEDED = ("keras", "tensorflow", "numpy", "pillow")
USE = "python -m pip install -r requirements.txt\npython predict.py PICTURE ..."
FILES = """
## The files

`predict.py` prints for each picture its class and the probability of it. `model.keras` is as it was trained;
`classes.json` has the classes in the order of the network's outputs, and how a picture is brought to it.
"""


def write_bundle(model: Path, facts: ModelFacts, card: str, target: Path, folder: str) -> None:
    """Write a zip of one folder at `target`; of equal parts its bytes are equal.

    Raises:
        ModelError: a part of the model is damaged. The zip would have a right checksum of wrong weights.
    """
    _check(model)
    about = facts.model_dump(mode="json", include={"model", "classes", "temperature", "pixels"})
    needed = "".join(f"{package}=={facts.versions[package]}\n" for package in NEEDED)
    parts = {
        "README.md": card + FILES,
        "classes.json": json.dumps(about, indent=2, ensure_ascii=False) + "\n",
        "model.keras": model.read_bytes(),
        "predict.py": SCRIPT.read_text(encoding="utf-8"),
        "requirements.txt": needed,
    }
    with zipfile.ZipFile(target, "w") as file:
        for name, content in parts.items():
            file.writestr(zipfile.ZipInfo(f"{folder}/{name}"), content)


def _check(model: Path) -> None:
    try:
        with zipfile.ZipFile(model) as file:
            damaged = file.testzip()
    except UNREADABLE as error:
        raise ModelError(f"{model} is no .keras file ({error}); {ANEW}") from error
    if damaged:
        raise ModelError(f"{model}: its member {damaged} is damaged; {ANEW}")
