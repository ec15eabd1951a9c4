"""What a preset leaves open, `base: auto` or `narrow`: the base that suits the pictures, and why."""

from typing import NamedTuple

from menagerie.models.parts.weights import at_hand
from menagerie.params.model import PretrainedModel, ScratchModel

AUTO, NARROWEST = "auto", "narrow"
PRESETS = {
    "best": AUTO,
    "good": AUTO,
    "fast": NARROWEST,
}  # what conf/model says is their base; the better first
BASE = "MobileNetV2"
CUT = "block_16_expand_relu"  # the last layer but the one that mixes all channels: on val the best single one
NARROW, WIDE = 0.35, 1.0  # alpha: 2 and 9 MB of weights
FEW_CLASSES, FEW_PICTURES = 20, 20_000
# Pixels of the longer side. None is a side that has weights of its own: one file serves all.
SIDES = (112, 176, 224)


class Choice(NamedTuple):
    alpha: float
    image_size: tuple[int, int]


def choice(picture: tuple[int, int], classes: int, count: int) -> Choice:
    """The width of the base and the size (height, width) that it sees pictures in.

    `picture` is the size that the data set has, `count` the number of training pictures. A narrow base tells
    few classes apart, and more pictures than FEW_PICTURES are worth a wide one. Pictures are enlarged to the
    next side, or reduced to the last.
    """
    longer = max(picture)
    side = next((one for one in SIDES if one >= longer), SIDES[-1])
    height, width = (max(32, round(one * side / longer)) for one in picture)
    narrow = classes <= FEW_CLASSES and count <= FEW_PICTURES
    return Choice(NARROW if narrow else WIDE, (height, width))


def chosen(
    spec: ScratchModel | PretrainedModel, picture: tuple[int, int], classes: int, count: int
) -> tuple[ScratchModel | PretrainedModel, str | None]:
    """The settings with nothing left open, and what was chosen and why; None where nothing was open.

    `picture`, `classes` and `count` as in `choice`; with `base: narrow` the base is narrow whatever they are.
    """
    if not isinstance(spec, PretrainedModel) or spec.base not in (AUTO, NARROWEST):
        return spec, None
    alpha, (height, width) = choice(picture, classes, count)
    few = f"{FEW_CLASSES} classes and {FEW_PICTURES:,} training pictures"
    why = f"at most {few}" if alpha == NARROW else f"more than {few.replace('and', 'or')}"
    why += f": {classes} and {count:,}"
    if spec.base == NARROWEST:
        alpha, why = NARROW, "always"
    settings = {"base": BASE, "base_settings": {"alpha": alpha}, "output_layer": CUT}
    told = (
        f"{BASE} of alpha {alpha:g} ({why}) sees pictures of {picture[0]}x{picture[1]} in {height}x{width} "
        f"(the next side of {', '.join(map(str, SIDES))})"
    )
    return spec.model_copy(update={**settings, "image_size": (height, width)}), told


def runnable(picture: tuple[int, int], classes: int, count: int) -> list[str]:
    """The presets whose weights are at hand, without a network; the better first."""
    return [name for name, base in PRESETS.items() if _at_hand(base, picture, classes, count)]


def _at_hand(base: str, picture: tuple[int, int], classes: int, count: int) -> bool:
    alpha, size = choice(picture, classes, count)
    return at_hand(BASE, {"alpha": NARROW if base == NARROWEST else alpha}, size)
