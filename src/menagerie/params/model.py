"""The section `models`: networks, and the phases that they are trained in."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from menagerie.errors import unknown
from menagerie.params.section import Count, Fraction, Many, Name, Positive, Section, Share, one_of

# Names are checked here, without Keras, so that a wrong one stops the first stage and not the training.
AUGMENTATION_LAYERS = (
    "AugMix",
    "GaussianNoise",
    "RandAugment",
    "RandomBrightness",
    "RandomColorJitter",
    "RandomContrast",
    "RandomCrop",
    "RandomErasing",
    "RandomFlip",
    "RandomHue",
    "RandomRotation",
    "RandomSaturation",
    "RandomTranslation",
    "RandomZoom",
)
MIXING_LAYERS = ("CutMix", "MixUp")  # of pictures in a batch, and of their labels with them
HEAD_LAYERS = ("Activation", "BatchNormalization", "Dense", "Dropout", "LayerNormalization", "LeakyReLU")


class Layer(Section):
    """A layer of Keras by its class name, and its arguments."""

    layer: str
    settings: dict[str, Any]


def _of(kind: str, names: tuple[str, ...]) -> AfterValidator:
    def known(layer: Layer) -> Layer:
        if layer.layer not in names:
            message = unknown(kind, layer.layer, names)
            raise PydanticCustomError("unknown_layer", "has an {message}", {"message": message})
        return layer

    return AfterValidator(known)


Augmentation = Annotated[Layer, _of("augmentation layer", AUGMENTATION_LAYERS + MIXING_LAYERS)]
View = Literal["flip", "crops"]
HeadLayer = Annotated[Layer, _of("head layer", HEAD_LAYERS)]


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


Schedule = one_of(ExponentialSchedule, CosineSchedule)


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


class FreezeNone(Section):
    kind: Literal["none"]


class FreezeAll(Section):
    kind: Literal["all"]


class FreezeLast(Section):
    kind: Literal["last"]
    layers: Count


class FreezeAllButLast(Section):
    kind: Literal["all_but_last"]
    layers: Count


class FreezeUntil(Section):
    kind: Literal["until"]
    layer: str


Freeze = one_of(FreezeNone, FreezeAll, FreezeLast, FreezeAllButLast, FreezeUntil)


class PretrainedPhase(Phase):
    freeze: Freeze
    batch_norm: Literal["train", "inference"]
    augmented: bool


class Model(Section):
    """What every network has; its arch says which of the two kinds below it is."""

    arch: Name
    batch_size: Count
    augment: Many[Augmentation]
    tta: Many[View]
    members: Count
    label_smoothing: Fraction
    class_weights: Literal["balanced"] | None

    @model_validator(mode="after")
    def _mixing_comes_last(self) -> Self:
        names = [layer.layer for layer in self.augment]
        mixing = [name in MIXING_LAYERS for name in names]
        if mixing != sorted(mixing):
            late = names[mixing.index(True)]
            raise PydanticCustomError(
                "mixed_too_early",
                "has {late} in augment before layers of single pictures; put it last",
                {"late": late},
            )
        return self


class ScratchModel(Model):
    """A network of this project, from random weights."""

    knobs: dict[str, Any]
    phases: Annotated[dict[Name, Phase], Field(min_length=1)]


class PretrainedModel(Model):
    """A base of keras.applications, with a head of its own."""

    arch: Literal["pretrained"]
    base: str
    base_settings: dict[str, Any]
    weights: str
    output_layer: str | None
    image_size: Annotated[tuple[Count, Count], Field(strict=False)] | None
    preprocess: Literal["native", "unit"]
    pooling: Literal["flatten", "average", "max", "grid"]
    head: Many[HeadLayer]
    phases: Annotated[dict[Name, PretrainedPhase], Field(min_length=1)]


def _kind(values: Any) -> str:
    """Of a mapping that is read, or of a model that is written."""
    arch = values.get("arch") if isinstance(values, dict) else getattr(values, "arch", None)
    return "pretrained" if arch == "pretrained" else "scratch"


AnyModel = Annotated[
    Annotated[ScratchModel, Tag("scratch")] | Annotated[PretrainedModel, Tag("pretrained")],
    Discriminator(_kind),
]
