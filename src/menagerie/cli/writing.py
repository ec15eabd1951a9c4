"""The file of conf/ that says what was understood of a person's pictures."""

import re
from pathlib import Path
from typing import Any

import yaml

from menagerie.archives.choosing import in_order
from menagerie.archives.sorting import Sorted

LISTED = 100  # classes that the file names
LIST = "tag:yaml.org,2002:seq"


def conf_text(name: str, path: Path, title: str, found: Sorted, size: tuple[int, int]) -> str:
    """The file conf/dataset/NAME.yaml: what differs from folder.yaml."""
    classes = sorted({place.class_name for place in found.of.values()})
    splits = in_order({place.folder for place in found.of.values()})
    rest = "" if {"train", "val", "test"} <= {*splits} else ", what is missing out of train"
    given = f"{', '.join(splits)} as given{rest}" if splits else "none given"
    more = f" and {len(classes) - LISTED} more" if len(classes) > LISTED else ""
    head = [
        f"# {len(found.of)} pictures of {len(classes)} classes. dvc exp run -S dataset={name} -S model=...",
        f"# Splits: {given}; -S split=... deals them out in another way.",
        f"# Classes in the order of their labels: {yaml_text(classes[:LISTED]).rstrip()}{more}",
    ]
    facts = {"defaults": ["folder", "_self_"], "name": name, "title": title}
    facts |= {"source": {"path": str(path)}, "layout": found.layout.model_dump(), "image_size": list(size)}
    if getattr(found.layout, "group_column", None):
        facts["groups"] = {"kind": "table"}  # or one patient would stand in train and in test
    return "\n".join([*head, yaml_text(facts, flow=False)])


class _Quoting(yaml.SafeDumper):
    """Quotes all text that some reader of YAML may take for something else, such as 1e5 or 1_000."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    plain = re.fullmatch(r"[A-Za-z_][\w./-]*", text, re.ASCII) and yaml.safe_load(text) == text
    escaped = text.replace("${", "\\${")  # or it would be looked up by OmegaConf
    return dumper.represent_scalar("tag:yaml.org,2002:str", escaped, style=None if plain else '"')


_Quoting.add_representer(str, _text)
_Quoting.add_representer(list, lambda dumper, items: dumper.represent_sequence(LIST, items, flow_style=True))


def yaml_text(value: Any, flow: bool = True) -> str:
    return yaml.dump(
        value, Dumper=_Quoting, allow_unicode=True, sort_keys=False, width=10**6, default_flow_style=flow
    )
