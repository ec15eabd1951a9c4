"""MLflow's pages, opened where networks are trained: `mlflow ui --app-name menagerie`, as `make ui` does.

Without it they open on traces of language models, with an assistant beside them and a notice in front, and a
list of runs shows no metric. They keep in the browser what is shown, and read no tag and no environment
variable for it (3.17).
"""

import json
import os
from pathlib import Path
from typing import Any

# In the browser's local storage, which a later choice of the user's overwrites.
CHOSEN = {
    "mlflow.workflowType_v1": "machine_learning",
    "mlflow.assistant.fab.autoOpenedOnFirstLoad_v1": True,
    "mlflow.telemetry.info.alert.dismissed_v1": True,
    "mlflow.settings.telemetry.enabled_v1": False,
    "_mlflow_model_registry_promo_modal_dismissed_v1": True,
}
RUNS = 'MLflowLocalStorage-1.1-ExperimentPage-["{}"]-ReactComponentState'  # of the experiment with this id
COLUMNS = [f"metrics.`{part}/accuracy`" for part in ("val", "test", "train")]
COLUMNS += ["attributes.`Models`"]  # and not `Dataset`, so wide that the accuracies would not fit a screen
SCRIPT = (
    "<script>for (const [key, value] of Object.entries({})) "
    "if (localStorage.getItem(key) === null) localStorage.setItem(key, JSON.stringify(value))</script>"
)


def application() -> Any:
    """MLflow's own ASGI application, the first page of which makes these choices where none was made."""
    from mlflow.server import app as pages
    from mlflow.server.fastapi_app import app
    from starlette.responses import HTMLResponse
    from starlette.routing import Route

    html = (Path(pages.static_folder) / "index.html").read_text(encoding="utf-8")

    def first(_: Any) -> HTMLResponse:
        chosen = CHOSEN | {RUNS.format(number): {"selectedColumns": COLUMNS} for number in _experiments()}
        script = SCRIPT.replace("{}", json.dumps(chosen))
        return HTMLResponse(html.replace("<head>", "<head>" + script, 1))

    app.router.routes.insert(0, Route("/", first))
    return app


def _experiments() -> list[str]:
    """The ids of the experiments in the store that this server shows."""
    from mlflow import MlflowClient
    from mlflow.server import BACKEND_STORE_URI_ENV_VAR

    client = MlflowClient(os.environ[BACKEND_STORE_URI_ENV_VAR])
    return [experiment.experiment_id for experiment in client.search_experiments()]
