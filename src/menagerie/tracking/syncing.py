"""The store brought up to date: where files are, and what it has missed."""

from dataclasses import dataclass
from pathlib import Path

from menagerie import paths
from menagerie.errors import MenagerieError
from menagerie.tracking import moving, outbox, store
from menagerie.tracking.sending import send_waiting


@dataclass(frozen=True)
class Synced:
    """`moved_from` is where the repository was, `sent` names runs, `waiting` says what waits on and why."""

    moved_from: Path | None
    sent: list[str]
    waiting: list[str]


def sync() -> Synced:
    """Have the store follow a repository that was moved, and send what waits in the outbox.

    Raises:
        MenagerieError: the store does not take it; what was not sent waits on.
    """
    root = paths.main_repository()
    uri = store.tracking_uri(root)
    try:
        if old := moving.moved_from(uri, root):
            moving.follow(uri, root, old)
        sent = send_waiting(store.client())
    except Exception as error:  # MLflow's, its database's or its connection's
        name, count = outbox.name_of(uri), len(outbox.entries())
        raise MenagerieError(
            f"the tracking store ({name}) does not take what waits: {store.why(error)}; "
            f"of {count} {'run' if count == 1 else 'runs'} something waits in .work/outbox: start the "
            "server, or name the right one with MLFLOW_TRACKING_URI, and run `menagerie sync` again"
        ) from error
    return Synced(old, sent, [_why(entry) for entry in outbox.entries()])


def _why(entry: outbox.Entry) -> str:
    reason = f"it is for {entry.store}" if entry.free else "its process goes on"
    return f"{entry.folder.name}: {reason}"
