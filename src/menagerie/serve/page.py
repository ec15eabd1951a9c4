"""The page of the service: one answer that loads nothing else."""

import base64
import hashlib

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from menagerie.model_facts import ModelFacts
from menagerie.serve.limits import Limits


def page(facts: ModelFacts, limits: Limits, explains: bool) -> tuple[str, dict[str, str]]:
    """HTML, and the headers to send it with: nothing runs and nothing is loaded but what stands in it."""
    environment = Environment(
        loader=PackageLoader("menagerie.serve"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    loader = environment.loader
    style, script = (loader.get_source(environment, name)[0] for name in ("page.css", "page.js"))
    html = environment.get_template("page.html.jinja").render(
        facts=facts, limits=limits, explains=explains, style=Markup(style), script=Markup(script)
    )
    policy = {
        "default-src": "'none'",
        "connect-src": "'self'",
        "img-src": "blob: data:",
        "style-src": _hash(style),
        "script-src": _hash(script),
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return html, {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
