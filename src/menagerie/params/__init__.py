"""The only reader of params.yaml: typed, frozen, every key known, nothing missing.

Defaults live in conf/, none here. What a key means is said once, in the conf file that sets it.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field

from menagerie.errors import ParamsError, unknown
from menagerie.params.dataset import Dataset
from menagerie.params.model import AnyModel, PretrainedModel, ScratchModel
from menagerie.params.notebook import Notebook
from menagerie.params.section import Count, Name, Section, Seed, parse


class Compute(Section):
    max_epochs: Count | None
    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"]
    deterministic: bool
    cache_gb: Annotated[float, Field(ge=0)]


class Evaluation(Section):
    robustness: bool


class Params(Section):
    study: Name | None
    seed: Seed
    replicates: Annotated[int, Field(ge=0)]
    watch: str
    watch_split: str
    watch_labels: str
    unwatched_None: str  # noqa: N815 - the name that OmegaConf looks for
    looks: tuple[str, ...] = Field(strict=False)
    compute: Compute
    evaluation: Evaluation
    dataset: Dataset
    models: Annotated[dict[Name, AnyModel], Field(min_length=1)]
    reported: Notebook | None

    def model(self, name: str) -> ScratchModel | PretrainedModel:
        """The settings of one model.

        Raises:
            ParamsError: params.yaml has no such model.
        """
        if name not in self.models:
            raise ParamsError(
                f"{unknown('model', name, self.models)}; choose with `dvc exp run -S model=...`"
            )
        return self.models[name]


def load_params(path: Path) -> Params:
    """Read and check params.yaml.

    Raises:
        ParamsError: the file is missing or is no YAML mapping, or a value is missing, unknown or
            out of range; the message has one line for each.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ParamsError(f"{path} is not in {Path.cwd()}; run from the root of the repository") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParamsError(f"{path} is not YAML: {error}; compose it again with `dvc exp run`") from None
    unset = list(_unset(values))
    if unset:
        fixes = " ".join(f"-S '{key}=...'" for key in unset)
        raise ParamsError(f"{path}: {', '.join(unset)} must be given: dvc exp run {fixes}")
    return parse(Params, values, str(path))


def _unset(value: Any, at: str = "") -> Any:
    """The keys that conf/ leaves to the user: Hydra writes its `???` into params.yaml as it stands."""
    if value == "???":
        yield at
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _unset(item, f"{at}.{key}" if at else str(key))
