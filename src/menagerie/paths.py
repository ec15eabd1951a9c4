"""Where things lie. Relative to the working folder: DVC runs every stage at the root of its copy."""

import os
from pathlib import Path

PARAMS = Path("params.yaml")
PINNED = Path("requirements.lock")
PIPELINE = Path("dvc.yaml")
LOCK = Path("dvc.lock")
RESULTS = Path("docs", "results.md")  # of all notebooks, as is the page
RESULTS_PAGE = Path("reports", "notebooks.html")


def main_repository() -> Path:
    """The repository that the user works in.

    A queued or temporary experiment runs in a copy; DVC_ROOT, which DVC sets for each stage, names
    the repository that the copy was made from.
    """
    return Path(os.environ.get("DVC_ROOT") or Path.cwd()).resolve()


def work() -> Path:
    """What is kept between runs and is no output: caches, checkpoints, locks."""
    return main_repository() / ".work"


def look(dataset: str) -> Path:
    return Path("data", dataset, "look.json")


def raw(dataset: str) -> Path:
    return Path("data", dataset, "raw")


def source(dataset: str) -> Path:
    return Path("data", dataset, "source.json")


def images(dataset: str) -> Path:
    return Path("data", dataset, "images.npy")


def manifest(dataset: str) -> Path:
    return Path("data", dataset, "manifest.csv")


def split(dataset: str) -> Path:
    return Path("data", dataset, "split.csv")


def data_report(dataset: str) -> Path:
    return Path("data", dataset, "report.json")


def data_plots(dataset: str) -> Path:
    return Path("plots", dataset, "data")


def model(dataset: str, name: str) -> Path:
    """The folder that train@<name> writes: model.keras and history.csv."""
    return Path("models", dataset, name)


def metrics(dataset: str, name: str) -> Path:
    """The folder that evaluate@<name> writes."""
    return Path("metrics", dataset, "models", name)


def replicates(dataset: str, name: str) -> Path:
    """What replicate@<name> writes."""
    return Path("metrics", dataset, "replicates", f"{name}.csv")


def run_record(dataset: str, name: str) -> Path:
    """Cost and hardware of the last training: no output, since it differs from run to run.

    In a folder that git ignores whole: of others `dvc exp apply` takes away what git does not know.
    """
    return Path(".work", "runs", dataset, f"{name}.json")


def model_plots(dataset: str, name: str) -> Path:
    return Path("plots", dataset, "models", name)


def summary(dataset: str) -> Path:
    return Path("metrics", dataset, "summary.json")


def comparison_plots(dataset: str) -> Path:
    return Path("plots", dataset, "comparison")


def audit(dataset: str) -> Path:
    """What `menagerie audit` writes, where it is told no other folder; no output."""
    return Path("audit", dataset)


def exports(dataset: str) -> Path:
    """What `menagerie export` and `menagerie bundle` write, where they are told nothing else; no output."""
    return Path("exports", dataset)


def report(dataset: str) -> Path:
    return Path("reports", f"{dataset}.md")


def runs_report(dataset: str) -> Path:
    """What `menagerie report --runs` writes; no output."""
    return Path("reports", f"{dataset}_runs.csv")


def given(study: str) -> Path:
    """What the last whole run of a notebook's study gave; no output, but what docs/results.md is made of."""
    return RESULTS.with_suffix("") / f"{study}.json"


def tried(study: str) -> Path:
    """The same of a try with few epochs."""
    return work() / "notebooks" / f"{study}.json"


def put_away() -> list[str]:
    """The data sets whose outputs DVC took out of the workspace when another one was run; its cache has them.

    It leaves their folders without a file.
    """
    folders = sorted(path for path in Path("data").glob("*") if path.is_dir())
    return [folder.name for folder in folders if not any(path.is_file() for path in folder.rglob("*"))]
