"""Pictures decoded ahead of the network: in processes beside it where that pays, in the order asked for."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from menagerie.errors import DataError
from menagerie.prepare.decoding import decode
from menagerie.prepare.opening import Reading, UnreadableError
from menagerie.prepare.workers import PICTURE_BYTES, POOL_BYTES
from menagerie.processes import EndedError, processes
from menagerie.serve.pictures import Picture, Reader

if TYPE_CHECKING:
    from menagerie.model_facts import Pixels

BATCH = 32  # pictures that go through the network at a time
AHEAD_BYTES = 128 * 2**20  # of pixels that wait for the network
PROCESSES = 2  # more would take the cores from the network


class Decoded(NamedTuple):
    """A batch: the pixels uint8 (n, height, width, 3) of the pictures that have no problem."""

    pixels: np.ndarray
    problems: list[str]  # of each picture asked for; empty where it has none


class Decoder:
    """Decodes batches."""

    def __init__(self, pixels: "Pixels") -> None:
        # As plain values: a process that decodes is spared the libraries that read what models say.
        reading = Reading(pixels.jpeg, pixels.truncated, pixels.max_pixels)
        self._form = pixels.image_size, pixels.resize, reading
        self._reader = Reader()

    @property
    def picture_bytes(self) -> int:
        height, width = self._form[0]
        return height * width * 3

    def close(self) -> None:
        self._reader.close()

    def __call__(self, pictures: Sequence[Picture]) -> Decoded:
        pixels, problems = [], []
        for picture in pictures:
            problem = picture.problem
            if not problem:
                try:
                    pixels.append(decode(self._reader(picture), *self._form)[0])
                except (UnreadableError, DataError) as error:
                    problem = str(error)
            problems.append(problem)
        return Decoded(np.array(pixels, np.uint8).reshape(-1, *self._form[0], 3), problems)


@contextmanager
def decoding(pictures: Sequence[Picture], decoder: Decoder) -> Iterator[Iterator[Decoded]]:
    """Give the batches of BATCH pictures in their order.

    Processes beside this one start at once, so that what the block does before it asks for the first batch
    costs no time; little is decoded here, batch by batch, as it is asked for.
    """
    batches = [pictures[start : start + BATCH] for start in range(0, len(pictures), BATCH)]
    cost = sum(PICTURE_BYTES + picture.size for picture in pictures)
    if (os.cpu_count() or 1) < PROCESSES or cost < POOL_BYTES:
        with closing(decoder):
            yield map(decoder, batches)
        return
    waiting = max(2 * PROCESSES, AHEAD_BYTES // (BATCH * decoder.picture_bytes))
    with processes(PROCESSES, decoder) as decode_beside:
        rest = deque(batches)
        sent = deque(decode_beside(rest.popleft()) for _ in range(min(waiting, len(rest))))
        yield _in_order(decode_beside, sent, rest)


def _in_order(
    decode_beside: Callable[[Sequence[Picture]], Future[Decoded]],
    sent: deque[Future[Decoded]],
    rest: deque[Sequence[Picture]],
) -> Iterator[Decoded]:
    try:
        while sent:
            done = sent.popleft().result()
            if rest:
                sent.append(decode_beside(rest.popleft()))
            yield done
    except EndedError as error:
        raise DataError(
            "a process that decodes pictures was ended from outside, as by a system out of memory; make "
            "memory free, or give fewer pictures at a time"
        ) from error
