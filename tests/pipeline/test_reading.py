"""dvc.yaml's `params:` against what each stage reads of params.yaml while it runs."""

import sys
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from helpers import ROOT, colours, composed
from menagerie.params import Compute, Params
from menagerie.params.section import Section
from menagerie.report.again import DERIVED

keras = pytest.importorskip("keras")
pytestmark = pytest.mark.tensorflow

SRC = ROOT / "src"
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
# It bounds what is kept on disk: a limit that changes retrains nothing. The others stand in the card of a
# model in MLflow, and in no output.
EXEMPT = {"compute.cache_gb"} | {f"dataset.{key}" for key in ("citation", "homepage", "licence")}
# They check params.yaml, and write all of it down; the result of no stage depends on them.
UNSEEN = {"params", "tracking"}


class Reads:
    """Notes the keys of params.yaml that are read, by those whose files lie in src/ and are not UNSEEN."""

    def __init__(self):
        self.names, self.keys, self.alive = {}, set(), []

    def note(self, section, attribute, value):
        if id(section) not in self.names and not isinstance(section, Params):
            return  # knobs of an architecture: of a mapping that was read already
        if attribute in type(section).model_fields:
            name = f"{self.names.get(id(section), '')}.{attribute}".lstrip(".")
            self._name(name, value)
        elif attribute == "model_dump":
            name, value = self.names.get(id(section), ""), None
        else:
            return
        reader = Path(sys._getframe(2).f_code.co_filename)
        ours = reader.is_relative_to(SRC) and not set(reader.relative_to(SRC).parts) & UNSEEN
        if ours and not isinstance(value, Section):
            whole = set(Params.model_fields) - DERIVED - {"compute"}  # of model_dump of all
            self.keys |= {name} if name else whole | {f"compute.{key}" for key in Compute.model_fields}

    def _name(self, name, value):
        if isinstance(value, Section):
            self.names[id(value)] = name
            self.alive.append(value)  # or another object may get its id
        elif isinstance(value, dict):
            for key, item in value.items():
                self._name(f"{name}.{key}", item)


@pytest.fixture
def reads(monkeypatch):
    found = Reads()
    plain = Section.__getattribute__

    def noted(section, attribute):
        value = plain(section, attribute)
        if not attribute.startswith("_") and attribute != "model_fields":
            found.note(section, attribute, value)
        return value

    monkeypatch.setattr(Section, "__getattribute__", noted)
    return found


def covers(declared, key):
    return key == declared or key.startswith(f"{declared}.")


@pytest.fixture(scope="module")
def workplace(tmp_path_factory, pictures):
    """A folder with params.yaml alone; the stages fill it in their order."""
    folder = tmp_path_factory.mktemp("workplace")
    settings = composed(
        *colours(pictures, "cnn"), "compute.max_epochs=1", "evaluation.robustness=true", "replicates=1"
    )
    (folder / "params.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    (folder / "conf").symlink_to(ROOT / "conf")
    return folder


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_reads_the_params_that_dvc_yaml_names_and_no_others(workplace, reads, monkeypatch, stage):
    monkeypatch.chdir(workplace)
    module = import_module(f"stages.{stage}")
    several = STAGES[stage].get("foreach") == "${models}"
    module.main(*["cnn"] * several)
    definition = STAGES[stage].get("do", STAGES[stage])
    declared = {key.replace("${key}", "cnn") for key in definition["params"]}
    assert {key for key in reads.keys - EXEMPT if not any(covers(one, key) for one in declared)} == set()
    assert {one for one in declared if not any(covers(one, key) for key in reads.keys)} == set()
