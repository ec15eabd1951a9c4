"""What a notebook reported of its models, and what it claims of them."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from menagerie.errors import unknown
from menagerie.params.section import Count, Many, Name, Section


class Score(Section):
    """An accuracy as it is printed, so that its digits are known; `n` pictures are behind it."""

    accuracy: Annotated[str, Field(pattern=r"^(0\.[0-9]{2,}|1\.00+)$")]
    loss: float | None
    n: Count

    @property
    def value(self) -> float:
        return float(self.accuracy)

    @property
    def decimals(self) -> int:
        """How many digits the notebook printed after the point."""
        return len(self.accuracy.partition(".")[2])

    @property
    def right(self) -> int:
        """The number of pictures got right whose share is nearest to what is printed."""
        return round(self.value * self.n)

    @property
    def rights(self) -> tuple[int, int]:
        """The least and the greatest number of pictures whose share rounds to what is printed.

        `right` where there is none: Keras sums in float32, and the fifth digit can be off by one.
        """
        printed, unit = int(self.accuracy.replace(".", "")), 2 * 10**self.decimals
        least, greatest = -((1 - 2 * printed) * self.n // unit), (2 * printed + 1) * self.n // unit
        return min(least, self.right), max(greatest, self.right)


class Earlier(Score):
    """What was printed after an epoch that was not the last."""

    epoch: Count


class Reported(Section):
    epochs: Count
    val: Score | None
    test: Score | None
    note: str

    @property
    def split(self) -> Literal["val", "test"]:
        """The split that is compared: test where it was reported, else val."""
        return "test" if self.test else "val"

    @property
    def score(self) -> Score:
        """The numbers of `split`."""
        return self.test or self.val

    @model_validator(mode="after")
    def _of_some_split(self) -> Self:
        if not (self.val or self.test):
            raise _refused("has numbers of neither val nor test; a model without any is left out")
        return self


class Pair(Section):
    better: Name
    than: Name


class Claim(Section):
    """One claim in the notebook's words (`quote`), or else as it is `told`; the other one is empty.

    `split` is what it was made of, whatever the notebook calls that, `section` where, if known. `earlier` has
    numbers of models at the epoch at which those that they are compared with had ended.
    """

    quote: str
    told: str
    section: str
    split: Literal["val", "test"]
    pairs: Annotated[Many[Pair], Field(min_length=1)]
    earlier: dict[Name, Earlier]

    @model_validator(mode="after")
    def _quoted_or_told(self) -> Self:
        if bool(self.quote) == bool(self.told):
            raise _refused("is either quoted or told: one of `quote` and `told` is empty, the other is not")
        return self


class CheckedLabels(Section):
    """Of `checked` labels like those of a data set, `wrong` were found to be wrong, `by` somebody."""

    wrong: Count
    checked: Count
    by: str


class Notebook(Section):
    title: str
    dataset: Name
    published_on: Name
    note: str
    labels: CheckedLabels | None
    models: dict[Name, Reported]
    claims: Many[Claim]

    @model_validator(mode="after")
    def _claims_are_of_reported_numbers(self) -> Self:
        for claim in self.claims:
            for name in {name for pair in claim.pairs for name in (pair.better, pair.than)}:
                if name not in self.models:
                    raise _refused(unknown("model", name, self.models))
                if getattr(self.models[name], claim.split) is None:
                    raise _refused(f"{name} has no numbers of {claim.split}, which a claim is made of")
            for name in set(claim.earlier) - {pair.than for pair in claim.pairs}:
                raise _refused(f"{name} has an earlier epoch, and no pair of its claim is `than` it")
        return self


def _refused(why: str) -> PydanticCustomError:
    return PydanticCustomError("notebook", "{why}", {"why": why})
