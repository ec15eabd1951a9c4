"""An embedded store in a repository that was moved or copied: it tells of files by their old place."""

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.request import url2pathname

# Where MLflow's tables (3.17) have addresses of files; a store of an earlier version has some of them.
ADDRESSES = {
    "experiments": ("artifact_location",),
    "runs": ("artifact_uri",),
    "logged_models": ("artifact_location",),
    "model_versions": ("source", "storage_location"),
}
EXPERIMENT = "/mlartifacts/"  # then its name: the end of an address that this project gave


def moved_from(uri: str, root: Path) -> Path | None:
    """The repository that an embedded store in `root` was part of, where it is another."""
    file = _inside(uri, root)
    if file is None:
        return None
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
        if "experiments" not in tables:  # MLflow is to make them
            return None
        for name, address in database.execute("SELECT name, artifact_location FROM experiments"):
            old = str(address).removesuffix(f"{EXPERIMENT}{name}")
            if str(address).startswith("file:") and old not in (address, root.as_uri()):
                return Path(url2pathname(old.removeprefix("file://")))
    return None


def follow(uri: str, root: Path, old: Path) -> int:
    """Have the store tell of the files where they are now; how many addresses were changed."""
    file = _inside(uri, root)
    changed = 0
    if file is not None:
        with closing(sqlite3.connect(file)) as database, database:
            for table, columns in ADDRESSES.items():
                there = {row[1] for row in database.execute(f"PRAGMA table_info({table})")}
                for column in there.intersection(columns):
                    before = f"{old.as_uri()}/mlartifacts/"
                    done = database.execute(
                        f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
                        f"WHERE substr({column}, 1, ?) = ?",
                        (f"{root.as_uri()}/mlartifacts/", len(before) + 1, len(before), before),
                    )
                    changed += done.rowcount
    return changed


def _inside(uri: str, root: Path) -> Path | None:
    """The file of the store, if that lies in the repository."""
    file = Path(uri.removeprefix("sqlite:///"))
    return file if uri.startswith("sqlite:///") and file.is_relative_to(root) and file.is_file() else None
