"""Every evaluated model is a version of its data set's registered model."""

import json
from collections.abc import Sequence
from typing import Any

LONGEST = 5000  # characters of a description that MLflow keeps
ABOUT = "Every model that was tested on this data set; the alias `champion` is at the best of them by val."
USE = "```\nmenagerie predict PICTURE --uri models:/{}@champion\n```"
VERSION_URI = "models:/NAME/NUMBER"  # what stands in a card for the URI of the version that it describes


def register(client: Any, run_id: str, model_id: str, dataset: str, tags: dict[str, str], card: str) -> str:
    """Make a run's model a version, or renew what its version says; the card of the version.

    A model is known by its tags `model` and `model.sha256`; `card` describes it, with VERSION_URI where its
    URI is to stand. Of it the registry keeps LONGEST characters.
    """
    known = [one for one in versions(client, dataset) if _same(one.tags, tags)]
    if known:
        number = known[0].version
        for key, value in tags.items():
            client.set_model_version_tag(dataset, number, key, value)
    else:
        if not client.search_registered_models(f"name = '{dataset}'", max_results=1):
            client.create_registered_model(dataset, description=f"{ABOUT}\n\n{USE.format(dataset)}")
        made = client.create_model_version(
            dataset, f"models:/{model_id}", run_id, tags=tags, model_id=model_id, await_creation_for=None
        )
        number = made.version
        linked = json.dumps([{"name": dataset, "version": number}])
        client.set_logged_model_tags(model_id, {"mlflow.modelVersions": linked})  # its page links them
    card = card.replace(VERSION_URI, f"models:/{dataset}/{number}")
    client.update_model_version(dataset, number, card[:LONGEST])
    return card


def versions(client: Any, dataset: str) -> Sequence[Any]:
    """The newest first."""
    found: list[Any] = []
    token = None
    while True:
        page = client.search_model_versions(f"name = '{dataset}'", page_token=token)
        found += page
        token = page.token
        if not token:
            return sorted(found, key=lambda one: int(one.version), reverse=True)


def _same(tags: dict[str, str], wanted: dict[str, str]) -> bool:
    return all(tags.get(key) == wanted[key] for key in ("model", "model.sha256"))
