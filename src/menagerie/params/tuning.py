"""A file of conf/tune: which settings of a model are searched, and where."""

from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from menagerie.errors import ParamsError, unknown
from menagerie.params.composing import conf
from menagerie.params.section import Section, one_of, parse


class _Bounded(Section):
    low: float
    high: float

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.low < self.high:
            raise PydanticCustomError("bounds", "must have low below high")
        return self


class Times(_Bounded):
    """The model's own value times so much, uniformly in the logarithm."""

    kind: Literal["times"]
    low: Annotated[float, Field(gt=0)]


class Between(_Bounded):
    """Uniform."""

    kind: Literal["between"]


class OneOf(Section):
    kind: Literal["one_of"]
    values: Annotated[list[int | float | str | bool], Field(min_length=2)]


Range = one_of(Times, Between, OneOf)


class Space(Section):
    """What is searched: a range for each place, such as `phases.*.learning_rate`."""

    search: Annotated[dict[str, Range], Field(min_length=1)]


def load_space(name: str) -> Space:
    """Read and check conf/tune/NAME.yaml.

    Raises:
        ParamsError: there is no such file, or it is not as expected.
    """
    known = sorted(path.stem for path in conf().glob("tune/*.yaml"))
    if name not in known:
        raise ParamsError(unknown("space of conf/tune", name, known))
    path = Path("conf", "tune", f"{name}.yaml")
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ParamsError(f"{path} is not YAML: {error}") from None
    return parse(Space, values, str(path))
