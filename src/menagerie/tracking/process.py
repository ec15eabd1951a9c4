"""The process that a run belongs to: where it is gone and never said so, the run is closed."""

import socket
from typing import Any

import psutil

HOST, PID, STARTED = "process.host", "process.pid", "process.started"


def process_tags() -> dict[str, str]:
    """By which another process finds out whether this one still runs: a PID alone is given out again."""
    this = psutil.Process()
    return {HOST: socket.gethostname(), PID: str(this.pid), STARTED: str(this.create_time())}


def close_gone(client: Any, experiment: str) -> None:
    """End as KILLED each run that says RUNNING and whose process, of this machine, is gone."""
    for run in client.search_runs([experiment], "attributes.status = 'RUNNING'"):
        if gone(run.data.tags):
            client.set_terminated(run.info.run_id, "KILLED")


def gone(tags: dict[str, str]) -> bool:
    """Whether the process that has these tags is of this machine and runs no longer."""
    if tags.get(HOST) != socket.gethostname():
        return False  # a process of another machine cannot be looked at
    try:
        return str(psutil.Process(int(tags[PID])).create_time()) != tags[STARTED]
    except psutil.NoSuchProcess:
        return True
