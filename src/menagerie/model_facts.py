"""What a model file says of itself: a member of its zip that Keras passes over."""

import logging
import zipfile
import zlib
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from menagerie.confidence import probabilities
from menagerie.errors import ModelError

log = logging.getLogger(__name__)
MEMBER = "menagerie.json"
PACKAGES = ("menagerie", "keras", "tensorflow", "numpy", "pillow", "opencv-python-headless", "simplejpeg")
# What reading a zip of which any bit may be another raises.
UNREADABLE = (zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError, RuntimeError)
ANEW = "train it again: menagerie mend && dvc repro"  # or DVC brings the same file back from its cache
STEPS = 1000  # of the thresholds 0, 0.001 ... 0.999

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Side = Annotated[int, Field(gt=0)]


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Pixels(Part):
    """How a picture is brought to the network: as `prepare` did it (menagerie.prepare.decoding)."""

    image_size: tuple[Side, Side]  # height, width
    resize: Literal["stretch", "crop", "pad"]
    jpeg: Literal["exact", "fast"]
    truncated: Literal["refuse", "accept"]
    max_pixels: Side


class Promise(Part):
    """What val says of answers surer than a threshold.

    `answered[t]` pictures of `n` have a calibrated probability of t / 1000 or more; `right[t]` of them are
    right.
    """

    n: int
    answered: Annotated[list[int], Field(min_length=STEPS, max_length=STEPS)]
    right: Annotated[list[int], Field(min_length=STEPS, max_length=STEPS)]


class ModelFacts(Part):
    """What is needed to use a network, and what it was made of."""

    model: str
    dataset: str
    title: str  # of the data set
    classes: Annotated[list[str], Field(min_length=2)]  # by column of the logits
    pixels: Pixels
    # Of val: probabilities are softmax(logits / temperature).
    temperature: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    val: Promise
    images_sha256: Sha256  # of the array of all pictures
    split_sha256: Sha256  # of which of them trained, selected and tested
    versions: dict[str, str]


def versions() -> dict[str, str]:
    """Of the packages that a prediction depends on."""
    return {package: version(package) for package in PACKAGES}


def other_versions(facts: ModelFacts) -> str | None:
    """What is to be said where Keras or TensorFlow is of another major version than in training; else None.

    Within a major version both keep what a network computes.
    """
    here = versions()
    told = [
        f"{package} {facts.versions[package]}, here {here[package]}"
        for package in ("keras", "tensorflow")
        if package in facts.versions and _major(facts.versions[package]) != _major(here[package])
    ]
    if not told:
        return None
    return (
        f"warning: {facts.model} of {facts.dataset} was trained with {' and '.join(told)}: its answers may "
        "differ from those that were measured; train it again, or install what it was trained with"
    )


def warn_of_other_versions(facts: ModelFacts) -> None:
    """Log it, once in a process however often the model is opened."""
    if text := other_versions(facts):
        _warn(text)


@cache
def _warn(text: str) -> None:
    log.warning(text)


def _major(number: str) -> str:
    return number.partition(".")[0]


def promise(labels: np.ndarray, logits: np.ndarray, temperature: float) -> Promise:
    """Count on val, for each threshold, how many pictures are answered and how many of these are right.

    `labels` are int (n,), `logits` float (n, classes).
    """
    values = probabilities(logits / temperature)
    sure, right = values.max(axis=1), values.argmax(axis=1) == labels
    answered = sure >= np.arange(STEPS)[:, None] / STEPS  # (steps, n)
    return Promise(
        n=len(labels),
        answered=answered.sum(axis=1).tolist(),
        right=(answered & right).sum(axis=1).tolist(),
    )


def read_facts(path: Path) -> ModelFacts:
    """What a model file says of itself; Keras is not loaded.

    Raises:
        ModelError: there is no such file, it is none of Keras, or it says nothing.
    """
    try:
        with zipfile.ZipFile(path) as file:
            return ModelFacts.model_validate_json(file.read(MEMBER))
    except FileNotFoundError:
        raise ModelError(f"there is no model file {path}; `dvc repro` or `dvc pull` makes it") from None
    except KeyError:
        raise ModelError(
            f"{path} does not say what its classes are and how pictures are brought to it (it has no member "
            f"{MEMBER}): only models that this project trained can be used so; train it again: dvc repro"
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ModelError(
            f"{path}: its member {MEMBER} is not as this version reads it ({where}: {first['msg']}); train it"
            " again: dvc repro"
        ) from error
    except UNREADABLE as error:
        raise ModelError(f"{path} is no .keras file ({error}); {ANEW}") from error
