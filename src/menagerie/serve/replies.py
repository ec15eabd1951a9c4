"""What the service answers, as JSON."""

from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from menagerie.model_facts import ModelFacts

Probability = Annotated[float, Field(ge=0, le=1)]


class Reply(BaseModel):
    model_config = ConfigDict(populate_by_name=True)


class Guess(Reply):
    name: str = Field(alias="class")
    probability: Probability  # calibrated


class Answer(Reply):
    """What the network holds a picture for."""

    picture: str | None = Field(description="the name that it was sent with")
    name: str = Field(alias="class")
    probability: Probability
    top: list[Guess] = Field(description="the most probable classes, falling")


class Failure(Reply):
    """A picture that cannot be read."""

    picture: str | None = Field(description="the name that it was sent with")
    error: str


class Answers(Reply):
    model: str
    dataset: str
    pictures: list[Answer | Failure] = Field(description="in the order in which they were sent")


class Explanation(Guess):
    """Where in a picture the network found the evidence for a class (Grad-CAM)."""

    image: str = Field(description="a PNG, as a data: address: the picture as the network saw it, under heat")


class Health(Reply):
    status: str
    version: str
    model: str
    dataset: str
    title: str
    classes: list[str]
    image_size: tuple[int, int] = Field(description="height and width that pictures are brought to")
    explains: bool = Field(description="whether POST /explain answers: a network without convolutions cannot")


class Problem(Reply):
    """What went wrong, and what to do about it."""

    detail: str


def answer(name: str | None, probabilities: np.ndarray, facts: ModelFacts, count: int) -> Answer:
    """The `count` most probable classes of a picture; `probabilities` are float (classes,)."""
    order = np.argsort(-probabilities, kind="stable")[:count]
    top = [Guess(name=facts.classes[column], probability=float(probabilities[column])) for column in order]
    return Answer(picture=name, name=top[0].name, probability=top[0].probability, top=top)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For OpenAPI: what these statuses of an answer mean."""
    return {status: {"model": Problem, "description": MEANING[status]} for status in statuses}


MEANING = {
    400: "The form, or the name of the host, is not as it should be.",
    408: "The request did not come in time.",
    413: "The request has too many bytes or too many pictures.",
    415: "It is no picture.",
    422: "The picture cannot be read, or there is none.",
    501: "The network has no convolution.",
    503: "Too much is waiting: try again after the seconds in Retry-After.",
    504: "The answer did not come in time.",
}
