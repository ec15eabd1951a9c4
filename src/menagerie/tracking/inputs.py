"""Which data went into a run, as MLflow's data sets: names, digests and where from; no picture is copied."""

import json
from pathlib import Path
from typing import Any

from menagerie.params.dataset import Dataset


def log_inputs(client: Any, run_id: str, dataset: Dataset, split_sha256: str, counts: dict[str, int]) -> None:
    """Log a data set for each part, `counts` pictures by `train`, `val` or `test`, which is its context.

    The digest tells the split and the part: runs with equal digests used the same pictures for the same.
    """
    from mlflow.entities import Dataset as Entity
    from mlflow.entities import DatasetInput, InputTag

    kind, source = _source(dataset)
    inputs = [
        DatasetInput(
            Entity(
                name=dataset.name,
                digest=f"{split_sha256[:16]}-{part}",
                source_type=kind,
                source=json.dumps(source),
                profile=json.dumps({"title": dataset.title, "split": part, "pictures": count}),
            ),
            [InputTag("mlflow.data.context", part)],
        )
        for part, count in counts.items()
    ]
    client.log_inputs(run_id, inputs)


def _source(dataset: Dataset) -> tuple[str, dict[str, str]]:
    """As mlflow.data.get_source reads them: an address, or a person's own folder."""
    if dataset.homepage:
        return "http", {"url": dataset.homepage}
    return "local", {"uri": Path(getattr(dataset.source, "path", ".")).resolve().as_uri()}
