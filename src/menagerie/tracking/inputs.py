"""Which data went into a run, as MLflow's data sets: names, digests and where from; no picture is copied."""

import json
from pathlib import Path
from typing import Any

from menagerie.params.dataset import Dataset

CONTEXT = "mlflow.data.context"  # the tag that says what a data set was for


def inputs(dataset: Dataset, split_sha256: str, counts: dict[str, int]) -> list[dict[str, str]]:
    """A data set for each part, `counts` pictures by `train`, `val` or `test`, which is its `context`.

    The digest tells the split and the part: runs with equal digests used the same pictures for the same.
    """
    kind, source = _source(dataset)
    return [
        {
            "name": dataset.name,
            "digest": f"{split_sha256[:16]}-{part}",
            "source_type": kind,
            "source": json.dumps(source),
            "profile": json.dumps({"title": dataset.title, "split": part, "pictures": count}),
            "context": part,
        }
        for part, count in counts.items()
    ]


def log_inputs(client: Any, run_id: str, described: list[dict[str, str]]) -> None:
    """Log what `inputs` describes."""
    from mlflow.entities import Dataset as Entity
    from mlflow.entities import DatasetInput, InputTag

    entities = [
        DatasetInput(
            Entity(**{key: value for key, value in one.items() if key != "context"}),
            [InputTag(CONTEXT, one["context"])],
        )
        for one in described
    ]
    client.log_inputs(run_id, entities)


def _source(dataset: Dataset) -> tuple[str, dict[str, str]]:
    """As mlflow.data.get_source reads them: an address, or a person's own folder."""
    if dataset.homepage:
        return "http", {"url": dataset.homepage}
    return "local", {"uri": Path(getattr(dataset.source, "path", ".")).resolve().as_uri()}
