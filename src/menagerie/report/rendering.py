"""What both faces need to fill their templates."""

from collections.abc import Callable
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def environment(autoescape: bool, filters: dict[str, Callable[..., Any]]) -> Environment:
    """Templates of this folder, in which a name that nobody gave is an error.

    The filter `kind` says of which class a block is: templates have a macro for each.
    """
    environment = Environment(
        loader=PackageLoader("menagerie.report"),
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"kind": lambda block: type(block).__name__} | filters
    return environment
