"""MLflow's pages, opened where networks are trained: `mlflow ui --app-name menagerie`, as `make ui` does.

Without it they open on traces of language models, with an assistant beside them and a notice in front. They
keep in the browser what is shown, and read no tag and no environment variable for it (3.17).
"""

import json
from pathlib import Path
from typing import Any

# In the browser's local storage, which a later choice of the user's overwrites.
CHOSEN = {
    "mlflow.workflowType_v1": "machine_learning",
    "mlflow.assistant.fab.autoOpenedOnFirstLoad_v1": True,
    "mlflow.telemetry.info.alert.dismissed_v1": True,
    "mlflow.settings.telemetry.enabled_v1": False,
}
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
    html = html.replace("<head>", "<head>" + SCRIPT.replace("{}", json.dumps(CHOSEN)), 1)
    app.router.routes.insert(0, Route("/", lambda _: HTMLResponse(html)))
    return app
