"""Work that other processes do, one of which may be killed at any moment."""

import multiprocessing
import signal
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any


class EndedError(Exception):
    """A process that worked was ended from outside, as by a system out of memory."""


@contextmanager
def processes(count: int, work: Callable[[Any], Any]) -> Iterator[Callable[[Any], Future[Any]]]:
    """Start processes that each hold a copy of `work`; give what has one of them do it with an argument.

    A future gives what `work` returned or raised, or an EndedError. Leaving the block waits for what was
    begun, drops what was not, and ends the processes; they end as well when this process is killed.

    Not concurrent.futures.ProcessPoolExecutor (Python 3.14 and before): its workers share a pipe, and where
    one is killed while it writes a result the pool waits for the rest of it without end. Here each process
    has a pipe of its own, which breaks with it, and a thread that waits at its other end.
    """
    # Spawned on every system: a fork would copy the locks of threads that it does not copy.
    context = multiprocessing.get_context("spawn")
    idle: SimpleQueue[Connection] = SimpleQueue()

    def do(argument: Any) -> Any:
        connection = idle.get()
        try:
            connection.send(argument)
            returned, result = connection.recv()
        except (EOFError, OSError) as error:
            raise EndedError from error
        finally:
            idle.put(connection)  # a broken one too: whoever takes it next is told the same
        if not returned:
            raise result
        return result

    with ExitStack() as ending:
        for _ in range(count):
            here, there = context.Pipe()
            process = context.Process(target=_work, args=(work, there), daemon=True)
            process.start()
            there.close()  # the process alone holds that end
            ending.callback(process.join)
            ending.enter_context(closing(here))
            idle.put(here)
        pool = ThreadPoolExecutor(count)
        ending.callback(pool.shutdown, cancel_futures=True)
        yield lambda argument: pool.submit(do, argument)


def _work(work: Callable[[Any], Any], connection: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends its processes
    while True:
        try:
            argument = connection.recv()
        except EOFError:
            return
        try:
            answer = True, work(argument)
        except Exception as error:
            error.add_note(f"in another process:\n{traceback.format_exc()}")
            answer = False, error
        try:
            connection.send(answer)
        except BrokenPipeError:
            return
