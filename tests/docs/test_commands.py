"""The commands of DVC that the README shows: each composes settings that are right."""

import re
import shlex
from itertools import pairwise

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from helpers import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8").replace("\\\n", " ")
SHOWN = sorted({found.strip() for found in re.findall(r"dvc exp run [^`\n#]*-S [^`\n#]*", README)})
# What a person has: the data set of the example, a file, a model to be named.
OWN = ("scenes", "/home/", "<name>")


def overrides_of(command):
    words = shlex.split(command)
    return [word for flag, word in pairwise(words) if flag == "-S"]


def first_of(override):
    """An override; of a sweep, its first."""
    if not override.is_sweep_override():
        return override.input_line
    return f"{override.get_key_element()}={next(override.sweep_string_iterator())}"


@pytest.mark.parametrize("command", [one for one in SHOWN if not any(name in one for name in OWN)])
def test_a_command_of_the_readme_composes_right_settings(params, command):
    overrides = OverridesParser.create().parse_overrides(overrides_of(command))
    assert params(*map(first_of, overrides)).models


def test_there_are_such_commands():
    assert len(SHOWN) > 10
