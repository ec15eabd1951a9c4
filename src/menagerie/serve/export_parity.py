"""Whether an exported file answers as the network that it was made from, and what it costs."""

import time
from statistics import median
from typing import NamedTuple

import numpy as np

from menagerie.serve.export import Run
from menagerie.serve.export_pictures import Sample

EXACT = 1e-4  # the largest difference of a probability where nothing was quantized
BATCH = 32
TIMED = 50


class Answers(NamedTuple):
    """Of the pictures of a sample: probabilities (n, classes), and milliseconds for one picture alone."""

    probabilities: np.ndarray
    milliseconds: float


class Parity(NamedTuple):
    """Pairs are before and after."""

    sample: str
    n: int
    largest: float  # difference of a probability
    changed: int  # pictures with another answer
    accuracy: tuple[float, float] | None  # None where the pictures have no labels
    milliseconds: tuple[float, float]
    sizes: tuple[int, int]  # bytes


def answers(run: Run, pictures: np.ndarray) -> Answers:
    """Ask for all pictures uint8 (n, height, width, 3) in batches, and for single ones by the clock."""
    batches = [run(pictures[start : start + BATCH]) for start in range(0, len(pictures), BATCH)]
    run(pictures[:1])  # what is prepared for one picture alone is prepared by now
    seconds = []
    for place in range(TIMED):
        picture = pictures[place % len(pictures)][None]
        started = time.perf_counter()
        run(picture)
        seconds.append(time.perf_counter() - started)
    return Answers(np.concatenate(batches), 1000 * median(seconds))


def parity(sample: Sample, before: Answers, after: Answers, sizes: tuple[int, int]) -> Parity:
    was, now = before.probabilities.argmax(axis=1), after.probabilities.argmax(axis=1)
    labels = sample.labels
    return Parity(
        sample=sample.told,
        n=len(sample.pictures),
        largest=float(np.abs(before.probabilities - after.probabilities).max()),
        changed=int((was != now).sum()),
        accuracy=None if labels is None else (float((was == labels).mean()), float((now == labels).mean())),
        milliseconds=(before.milliseconds, after.milliseconds),
        sizes=sizes,
    )


def told(found: Parity) -> str:
    """The parity in a line."""
    accuracy = ""
    if found.accuracy is not None:
        accuracy = "accuracy {1:.2%} (before {0:.2%}); ".format(*found.accuracy)
    return (
        f"parity on {found.n:,} pictures ({found.sample}): largest difference of a probability "
        f"{found.largest:.1e}, {found.changed:,} other answers; {accuracy}"
        "{1:.2f} ms a picture (before {0:.2f}); ".format(*found.milliseconds)
        + "{1:,} bytes (before {0:,})".format(*found.sizes)
    )


def complaint(found: Parity, quantized: bool, allowed: float) -> str | None:
    """What is wrong, if anything.

    Where nothing was quantized, a probability may differ by EXACT: no answer then changes but where two
    classes tie. Where it was, accuracy may fall by `allowed`, a share; without labels so many answers may
    change, which bounds it.
    """
    if not np.isfinite(found.largest):
        return "a probability is no number"
    if not quantized:
        return f"a probability differs by more than {EXACT:g}" if found.largest > EXACT else None
    if found.accuracy is None:
        share = found.changed / found.n
        return f"{share:.2%} of the answers change, allowed are {allowed:.2%}" if share > allowed else None
    lost = found.accuracy[0] - found.accuracy[1]
    return (
        f"accuracy falls by {100 * lost:.2f} points, allowed are {100 * allowed:.2f}"
        if lost > allowed
        else None
    )
