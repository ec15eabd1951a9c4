"""What all sections of params.yaml share: types of values, unknown keys refused, errors that name the key."""

from typing import Annotated, Any, TypeVar, Union, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from menagerie.errors import ParamsError, unknown

Name = Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]  # a dot would break ${models.NAME} in dvc.yaml
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Share = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(gt=0)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Item = TypeVar("Item")
Many = Annotated[tuple[Item, ...], Field(strict=False)]  # YAML has lists, a frozen section holds tuples
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Section(BaseModel):
    """A mapping of params.yaml: frozen, no key unknown, no text taken for a number."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _every_key_known(cls, data: Any) -> Any:
        for key in data if isinstance(data, dict) else ():
            if key not in cls.model_fields:
                raise PydanticCustomError(
                    "unknown_key", "{why}", {"why": unknown("key", key, cls.model_fields)}
                )
        return data


def one_of(*kinds: type[Section]) -> Any:
    """The type of a mapping whose `kind` says which of these sections it is.

    Keys of the other kinds are passed over: Hydra merges mappings, so that what a base or a default said of
    its kind still stands beside what a sibling or -S says of another.
    """
    keys = {get_args(kind.model_fields["kind"].annotation)[0]: kind.model_fields.keys() for kind in kinds}

    def without_others(values: Any) -> Any:
        kind = values.get("kind") if isinstance(values, dict) else None
        own = keys.get(kind) if isinstance(kind, str) else None
        if own is None:
            return values
        others = set().union(*keys.values()) - own
        return {key: value for key, value in values.items() if key not in others}

    return Annotated[
        Annotated[Union[kinds], Field(discriminator="kind")],  # noqa: UP007 - | takes no tuple
        BeforeValidator(without_others),
    ]


SectionType = TypeVar("SectionType", bound=Section)


def parse(section: type[SectionType], values: Any, where: str) -> SectionType:
    """Check `values` against a section's keys, types and ranges.

    Raises:
        ParamsError: one line for each value that is missing, unknown or out of range.
    """
    try:
        return section.model_validate(values)
    except ValidationError as error:
        lines = [f"  {_key(item, values) or 'all'}: {_why(item)}" for item in error.errors()]
        raise ParamsError(
            f"{where} cannot be used; mend it in conf/ or with -S:\n" + "\n".join(lines)
        ) from None


def _key(item: Any, values: Any) -> str:
    """Name the key as -S takes it: Pydantic's path, less the kind that `kind` or `policy` chose."""
    found = []
    for part in item["loc"]:
        known = range(len(values)) if isinstance(values, list) else values
        if isinstance(known, dict | range) and part in known:
            values = values[part]
            found.append(str(part))
    if item["type"] == "missing":
        found.append(str(item["loc"][-1]))
    return ".".join(found)


def _why(item: Any) -> str:
    given = item["input"]
    return item["msg"] + (f", not {given!r}" if isinstance(given, str | int | float) else "")
