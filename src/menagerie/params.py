"""The only reader of params.yaml: typed, frozen, every key known, nothing missing.

Defaults live in conf/, none here. What a key means is said once, in the conf file that sets it.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)
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


# dataset


class EmbeddedSource(Section):
    """Pictures that come with a dependency of this project."""

    kind: Literal["embedded"]


class ArchiveSource(Section):
    """One archive at an address, checked by the hashes of the pictures in it."""

    kind: Literal["archive"]
    url: str
    file: str
    content_sha256: Sha256


class ZenodoSource(Section):
    """The archives of a Zenodo record, as its JSON lists them."""

    kind: Literal["zenodo"]
    record: Count


class KaggleSource(Section):
    """A version of a Kaggle data set, as one zip; public ones need no account."""

    kind: Literal["kaggle"]
    dataset: Annotated[str, Field(pattern=r"^[\w-]+/[\w-]+$")]  # owner/name
    version: Count


class CifarBinarySource(Section):
    """CIFAR-10's official binary archive: records of one label byte and 3,072 of pixels."""

    kind: Literal["cifar_binary"]
    url: str
    file: str
    sha256: Sha256


class FolderSource(Section):
    """A person's own folder of pictures."""

    kind: Literal["folder"]
    path: str

    @field_validator("path")
    @classmethod
    def _absolute(cls, path: str) -> str:
        # An experiment in a copy would look for a relative one elsewhere, and DVC knows no ~. What is
        # not given yet, ???, is for load_params to tell.
        if path != "???" and not Path(path).is_absolute():
            raise PydanticCustomError(
                "absolute_path", "should be an absolute path, such as /home/me/pictures"
            )
        return path


Source = Annotated[
    EmbeddedSource | ArchiveSource | ZenodoSource | KaggleSource | CifarBinarySource | FolderSource,
    Field(discriminator="kind"),
]


class Layout(Section):
    folders: str
    class_names: dict[str, str] | None


class KerasSplit(Section):
    policy: Literal["keras"]
    seed: Seed
    validation_split: Share
    train_folder: str
    test_folder: str | None


class FoldersSplit(Section):
    policy: Literal["folders"]
    train: Annotated[Many[str], Field(min_length=1)]
    val: Many[str]
    val_last: Annotated[int, Field(ge=0)]
    test: Annotated[Many[str], Field(min_length=1)]


class GivenSplit(Section):
    policy: Literal["given"]
    seed: Seed
    val: Share
    test: Share


class StratifiedSplit(Section):
    policy: Literal["stratified"]
    seed: Seed
    val: Share
    test: Share


class KFoldSplit(Section):
    policy: Literal["kfold"]
    seed: Seed
    folds: Annotated[int, Field(ge=2)]
    fold: Annotated[int, Field(ge=0)]
    val: Share


class GroupSplit(Section):
    policy: Literal["group"]
    seed: Seed
    val: Share
    test: Share


Split = Annotated[
    KerasSplit | FoldersSplit | GivenSplit | StratifiedSplit | KFoldSplit | GroupSplit,
    Field(discriminator="policy"),
]


class Dataset(Section):
    name: Name
    title: str
    homepage: str
    licence: str
    citation: str
    source: Source
    layout: Layout
    image_size: Annotated[tuple[Count, Count], Field(strict=False)]  # height, width
    resize: Literal["stretch", "crop", "pad"]
    max_unreadable: Fraction
    groups: Literal["signers"] | None
    split: Split
    duplicates: Literal["report", "drop", "keep_together"]


# models


class Layer(Section):
    """A layer of Keras by its class name, and its arguments."""

    layer: str
    settings: dict[str, Any]


class EarlyStopping(Section):
    monitor: Literal["val_loss", "val_accuracy"]
    patience: Count
    restore_best: bool


class ReduceOnPlateau(Section):
    monitor: Literal["val_loss", "val_accuracy"]
    patience: Count
    factor: Share
    min_delta: Annotated[float, Field(ge=0)]
    min_learning_rate: Annotated[float, Field(ge=0)]


class ExponentialSchedule(Section):
    """The rate times `rate` every `steps` steps, smoothly."""

    kind: Literal["exponential"]
    steps: Count
    rate: Annotated[float, Field(gt=0, le=1)]


class CosineSchedule(Section):
    """A straight line up from 0 to the rate, then half a cosine down to 0 at the phase's last epoch."""

    kind: Literal["cosine"]
    warmup_epochs: Annotated[float, Field(ge=0)]


Schedule = Annotated[ExponentialSchedule | CosineSchedule, Field(discriminator="kind")]


class Phase(Section):
    optimizer: Literal["adam", "adamax", "adamw", "rmsprop", "sgd"]
    learning_rate: Positive
    optimizer_settings: dict[str, Any]
    schedule: Schedule | None
    epochs: Count
    early_stopping: EarlyStopping | None
    reduce_on_plateau: ReduceOnPlateau | None

    @model_validator(mode="after")
    def _one_hand_on_the_rate(self) -> Self:
        if self.schedule and self.reduce_on_plateau:
            raise PydanticCustomError(
                "two_schedules", "has a schedule and reduce_on_plateau; set one of them to null"
            )
        return self


class Last(Section):
    last: Count


class AllButLast(Section):
    all_but_last: Count


class Until(Section):
    until: str


class PretrainedPhase(Phase):
    freeze: Literal["none", "all"] | Last | AllButLast | Until
    batch_norm: Literal["train", "inference"]


class Model(Section):
    """What every network has; its arch says which of the two kinds below it is."""

    arch: Name
    batch_size: Count
    augment: Many[Layer]
    label_smoothing: Fraction
    class_weights: Literal["balanced"] | None


class ScratchModel(Model):
    """A network of this project, from random weights."""

    knobs: dict[str, Any]
    phases: Annotated[dict[Name, Phase], Field(min_length=1)]


class PretrainedModel(Model):
    """A base of keras.applications, with a head of its own."""

    arch: Literal["pretrained"]
    base: str
    weights: str
    output_layer: str | None
    image_size: Annotated[tuple[Count, Count], Field(strict=False)] | None
    preprocess: Literal["native", "unit"]
    pooling: Literal["flatten", "average", "max"]
    head: Many[Layer]
    phases: Annotated[dict[Name, PretrainedPhase], Field(min_length=1)]


def _kind(values: Any) -> str:
    return "pretrained" if isinstance(values, dict) and values.get("arch") == "pretrained" else "scratch"


AnyModel = Annotated[
    Annotated[ScratchModel, Tag("scratch")] | Annotated[PretrainedModel, Tag("pretrained")],
    Discriminator(_kind),
]


# reported


class Reported(Section):
    split: Literal["val", "test"]
    accuracy: Annotated[float, Field(ge=0, le=1)]
    loss: float | None
    n: Count
    epochs: Count
    note: str


class Claim(Section):
    better: Name
    than: Name
    text: str


class Notebook(Section):
    title: str
    dataset: Name
    published_on: Name
    note: str
    models: dict[Name, Reported]
    claims: Many[Claim]

    @model_validator(mode="after")
    def _claims_are_of_reported_models(self) -> Self:
        for claim in self.claims:
            for name in {claim.better, claim.than} - set(self.models):
                why = unknown("model", name, self.models)
                raise PydanticCustomError("unknown_key", "{why}", {"why": why})
        return self


# the whole


class Compute(Section):
    max_epochs: Count | None
    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"]
    cache_gb: Annotated[float, Field(ge=0)]


class Evaluation(Section):
    robustness: bool


class Params(Section):
    study: Name | None
    seed: Seed
    watch: str
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


def _unset(value: Any, at: str = "") -> Any:
    """The keys that conf/ leaves to the user: Hydra writes its `???` into params.yaml as it stands."""
    if value == "???":
        yield at
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _unset(item, f"{at}.{key}" if at else str(key))
