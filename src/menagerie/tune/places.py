"""Settings of a model by their place, `head.1.settings.rate`: found by a pattern, and replaced."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from fnmatch import fnmatchcase
from typing import Any


def values_at(settings: Mapping[str, Any], pattern: str) -> dict[str, Any]:
    """The values whose place the pattern matches, * being one phase, layer or key."""
    wanted = pattern.split(".")
    return {
        place: value
        for place, value in _flat(settings)
        if len(parts := place.split(".")) == len(wanted) and all(map(fnmatchcase, parts, wanted))
    }


def replaced(settings: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """A copy with other values at some places, all of which are there."""
    copy = deepcopy(dict(settings))
    for place, value in values.items():
        *way, last = place.split(".")
        at: Any = copy
        for part in way:
            at = at[_key(at, part)]
        at[_key(at, last)] = value
    return copy


def difference(settings: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    """What differs, as a file of conf/ on top of the base says it: mappings merge, lists are told whole."""
    found: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, dict) and isinstance(base[key], dict):
            if inner := difference(value, base[key]):
                found[key] = inner
        elif value != base[key]:
            found[key] = value
    return found


def _flat(value: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _flat(item, f"{at}{key}.")
    if not isinstance(value, dict | list):
        yield at.removesuffix("."), value


def _key(at: Any, part: str) -> Any:
    return int(part) if isinstance(at, list) else part
