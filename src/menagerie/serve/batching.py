"""Pictures of all requests: decoded by threads, shown to the network together."""

import io
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import simplejpeg
from PIL import Image

from menagerie.prepare.opening import KINDS
from menagerie.serve.limits import Limits, Room
from menagerie.serve.predictor import Predictor, pixels_of

PATIENCE = 0.01  # seconds that the network waits at the most for pictures that are being decoded
LARGE_PIXELS = 2**24  # of pictures with more than these, one at a time is decoded: they bound the memory


class Seen(NamedTuple):
    """A picture uint8 (height, width, 3), as the network saw it, and its probabilities float64 (classes,)."""

    pixels: np.ndarray
    probabilities: np.ndarray


class Batches:
    """One network for many that ask at once.

    A thread for each core decodes; one thread, the only one that touches the network, takes what is ready,
    up to `limits.batch` pictures, and runs the network on it. Larger batches are faster, so ready pictures
    wait a little: for those that are being decoded, and for as many as there were of late, since clients
    that got an answer come back with the next picture, and would else meet in two batches by turns.
    """

    def __init__(self, predictor: Predictor, limits: Limits) -> None:
        # What opens a picture sets these of Pillow's for its time. They belong to the process: with threads,
        # one would put back what another still needs. Sizes are judged by pixels.max_pixels; where truncated
        # pictures are accepted, one thread decodes.
        Image.MAX_IMAGE_PIXELS = None
        alone = predictor.facts.pixels.truncated == "accept"
        self._predictor, self._largest = predictor, limits.batch
        self._ready: deque[tuple[np.ndarray, Future[Seen]]] = deque()
        self._decoding, self._decoded = 0, threading.Condition()
        self._lately, self._took = 1, 0.0  # pictures there were, and seconds that the network needed
        self._decoders = ThreadPoolExecutor(1 if alone else os.cpu_count() or 1, "decode")
        self._large = None if alone else ThreadPoolExecutor(1, "decode-large")
        self._network = ThreadPoolExecutor(1, "network")
        self._pictures = Room(limits.waiting, "pictures")
        self._bytes = Room(limits.held_bytes, "bytes of pictures")

    def warm_up(self) -> None:
        """Run the network on batches of several sizes: the first ones are traced, and slow."""
        empty = np.zeros((self._largest, *self._predictor.facts.pixels.image_size, 3), np.uint8)
        for count in (1, 2, 3, self._largest):
            self._network.submit(self._predictor.probabilities, empty[:count]).result()

    def ask(self, files: Sequence[bytes]) -> list["Future[Seen]"]:
        """Begin with these pictures, all or none; each future gives what was seen, or an UnreadableError.

        Raises:
            BusyError: too much is waiting.
        """
        size = sum(map(len, files))
        self._pictures.take(len(files))
        try:
            self._bytes.take(size)
        except Exception:
            self._pictures.give(len(files))
            raise
        futures: list[Future[Seen]] = [Future() for _ in files]
        with self._decoded:
            self._decoding += len(files)
        for data, future in zip(files, futures, strict=True):
            self._decoders.submit(self._sort, data, future)
        return futures

    def run(self, work: Callable[..., Any], *arguments: Any) -> "Future[Any]":
        """Do something else with the network, in its thread.

        Raises:
            BusyError: too much is waiting.
        """
        self._pictures.take(1)
        future = self._network.submit(work, *arguments)
        future.add_done_callback(lambda _: self._pictures.give(1))
        return future

    def close(self) -> None:
        """Finish what was begun."""
        for pool in (self._decoders, self._large, self._network):
            if pool is not None:
                pool.shutdown()

    def _sort(self, data: bytes, future: "Future[Seen]") -> None:
        if self._large is not None and pixels_claimed(data) > LARGE_PIXELS:
            self._large.submit(self._decode, data, future)  # which may take seconds: nobody waits for it
        else:
            self._decode(data, future)
        with self._decoded:
            self._decoding -= 1
            self._decoded.notify()

    def _decode(self, data: bytes, future: "Future[Seen]") -> None:
        pixels = None
        try:
            if future.set_running_or_notify_cancel():  # else nobody waits for it any more
                pixels = pixels_of(data, self._predictor.facts.pixels)
        except Exception as error:
            future.set_exception(error)
        finally:
            self._bytes.give(len(data))
        if pixels is None:
            self._pictures.give(1)
            return
        self._ready.append((pixels, future))
        self._network.submit(self._answer)

    def _answer(self) -> None:
        """Answer what is ready, up to a batch; an earlier call may have left nothing."""
        if not self._ready:
            return
        with self._decoded:
            self._decoded.wait_for(
                lambda: not self._decoding or len(self._ready) >= self._largest, timeout=PATIENCE
            )
            self._decoded.wait_for(lambda: len(self._ready) >= self._lately, timeout=self._took / 2)
        batch = [self._ready.popleft() for _ in range(min(len(self._ready), self._largest))]
        pictures, futures = zip(*batch, strict=True)
        began = time.perf_counter()
        try:
            rows = self._predictor.probabilities(np.stack(pictures))
        except Exception as error:
            for future in futures:
                future.set_exception(error)
        else:
            for pixels, future, row in zip(pictures, futures, rows, strict=True):
                future.set_result(Seen(pixels, row))
        finally:
            self._pictures.give(len(batch))
            self._took = time.perf_counter() - began
            self._lately = min(self._largest, len(batch) + len(self._ready))


def pixels_claimed(data: bytes) -> int:
    """How many pixels a picture says that it has; 0 of what does not say."""
    try:
        height, width, *_ = simplejpeg.decode_jpeg_header(data)
    except ValueError:
        try:
            with Image.open(io.BytesIO(data), formats=KINDS) as picture:
                width, height = picture.size
        except Exception:  # on broken bytes a decoder may raise anything; the reason is told by pixels_of
            return 0
    return width * height
