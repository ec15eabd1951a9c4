"""What other processes do in tests. It is imported by name there, which no module of tests can be."""

import os
import signal
from multiprocessing.connection import Connection


def work(told):
    """As it is told."""
    if told == "fail":
        raise ValueError("no such thing")
    if told == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if told == "die while telling":
        Connection._send = _half
    return os.getpid(), "x" * 100_000


def _half(connection, data, write=os.write):
    write(connection.fileno(), bytes(data)[: len(data) // 2])
    os.kill(os.getpid(), signal.SIGKILL)
