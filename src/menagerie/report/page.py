"""The report for people: one HTML page that holds all it shows and asks nothing of any network."""

import base64
import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

from menagerie.compare import leaderboard, published
from menagerie.errors import DataError
from menagerie.evaluate.measures import most_confused
from menagerie.params import Params

CONFUSED = 10  # pairs of classes in a table
DASH = "\N{EN DASH}"  # where there is no value

SECTIONS = {  # those with nothing to tell are left out
    "leaderboard": "Leaderboard",
    "tests": "Is the difference more than chance?",
    "reported": "Reported and reproduced",
    "claims": "What the notebook claims",
    "cost": "Cost and accuracy",
    "robustness": "Robustness",
    "replicates": "Other seeds",
    "data": "Data",
    "models": "Models",
    "repeat": "How to repeat this",
}
DRAWN = 8192  # colours that lines and letters have at most; photographs have more
COSTS = ["fit_seconds", "pictures_per_second", "milliseconds_per_picture"]  # of a run record


@dataclass(frozen=True)
class Results:
    """What the stages wrote of one data set.

    `metrics`, `runs`, `tables` and `model_figures` are by model; `runs` may lack some. `tables` holds, by
    their names, the tables that evaluate wrote (per_class, areas, confusion, robustness), figures are PNG by
    name. `replicates` is as replicates.table gives it, None where nobody asked for it.
    """

    source: dict[str, Any]
    data: dict[str, Any]
    metrics: dict[str, dict[str, Any]]
    runs: dict[str, dict[str, Any]]
    tables: dict[str, dict[str, pd.DataFrame]]
    pairs: pd.DataFrame
    data_figures: dict[str, bytes]
    comparison_figures: dict[str, bytes]
    model_figures: dict[str, dict[str, bytes]]
    replicates: pd.DataFrame | None


@dataclass(frozen=True)
class _Figure:
    """A figure as the page embeds it; width and height in the pixels of a page, 96 an inch."""

    uri: str
    width: int
    height: int


def page(params: Params, results: Results) -> str:
    """Write the page: HTML with its style, script and figures inside.

    Raises:
        DataError: a figure is no PNG, or not a whole one.
    """
    board = leaderboard.leaderboard(results.metrics)
    best, compared = leaderboard.selected(board), _figures(results.comparison_figures)
    robust = {name: results.tables[name]["robustness"] for name in board["model"]}
    tests = _tests(results.pairs, best["model"], list(board["model"]))
    shown = {
        "board": board.to_dict("records"),
        "tests": tests.to_dict("records"),
        "pairs": results.pairs.to_dict("records"),
        **_notebook(params, results),
        "cost": compared.get("cost"),
        "robustness": leaderboard.robustness(robust).to_dict("records"),
        "replicates": [] if results.replicates is None else results.replicates.to_dict("records"),
        "models": [_model(name, params, results) for name in board["model"]],
    }
    template = _environment().get_template("report.html.jinja")
    return template.render(
        shown,
        params=params,
        results=results,
        best=best,
        compared=compared,
        data_figures=_figures(results.data_figures),
        contents={name: title for name, title in SECTIONS.items() if name not in shown or shown[name]},
        told_apart=_told_apart(tests["p_holm"]),
        machines=_machines(results.runs),
        level=published.LEVEL,
        reproduced=published.REPRODUCED,
        again=published.again(params, list(params.models)),
    )


def costs(metrics: dict[str, dict[str, Any]], runs: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """What each model costs and gives, as plots.comparison.cost_against_accuracy takes it."""
    board = leaderboard.leaderboard(metrics)
    measured = [[runs.get(name, {}).get(key) for key in COSTS] for name in board["model"]]
    return board.assign(**pd.DataFrame(measured, columns=COSTS, dtype=float))


def _tests(pairs: pd.DataFrame, best: str, order: list[str]) -> pd.DataFrame:
    """The rows of `pairs` that are of the best model, seen from it, in the order of the leaderboard."""
    both = leaderboard.both_ways(pairs)
    return both[both["model_a"] == best].set_index("model_b").reindex(order).drop(best).reset_index()


def _told_apart(p: pd.Series) -> str:
    """How many of the others differ from the best, by the p of each; nothing where there are none."""
    differing, others = int((p < published.LEVEL).sum()), len(p)
    if others == 0:
        return ""
    if others == 1:
        return f"The other model {'differs' if differing else 'does not differ'} from it by more than chance."
    if differing == others:
        return f"All {others} others differ from it by more than chance."
    return (
        f"{differing or 'None'} of the {others} others {'differ' if differing > 1 else 'differs'} from it by "
        "more than chance."
    )


def _notebook(params: Params, results: Results) -> dict[str, Any]:
    """What was reported and claimed of these models, and what came out; empty where nothing was."""
    if not published.reported_accuracies(params):
        return {"reported": [], "claims": []}
    reported = published.against_reported(results.metrics, params.reported)
    claims = published.claims(params.reported, results.metrics, results.pairs)
    return {"reported": reported.to_dict("records"), "claims": claims.to_dict("records")}


def _model(name: str, params: Params, results: Results) -> dict[str, Any]:
    metrics, tables = results.metrics[name], results.tables[name]
    areas = tables["areas"][tables["areas"]["kind"] == "class"].drop(columns=["kind", "pictures"])
    settings = params.model(name).model_dump(mode="json")
    return {
        "name": name,
        "metrics": metrics,
        "run": results.runs.get(name, {}),
        "classes": tables["per_class"].merge(areas, on="class", how="left").to_dict("records"),
        "confused": most_confused(tables["confusion"], CONFUSED).to_dict("records"),
        "figures": _figures(results.model_figures[name]),
        "settings": yaml.safe_dump({name: settings}, sort_keys=False, allow_unicode=True),
        "again": published.again(params, [name]),
    }


def _machines(runs: dict[str, dict[str, Any]]) -> list[str]:
    """What the models were trained on, each once."""
    told = [
        f"{run['devices']} with Keras {run['keras']} on {run['backend']} {run['backend_version']}"
        for run in runs.values()
    ]
    return list(dict.fromkeys(told))


def _figures(found: dict[str, bytes]) -> dict[str, _Figure]:
    figures = {}
    for name, png in found.items():
        try:
            image = Image.open(io.BytesIO(png))
            kind, small = _compressed(image.convert("RGB"))
        except (OSError, SyntaxError) as error:  # as Pillow tells of what is no PNG, and of a broken one
            raise DataError(f"the figure {name}.png cannot be read: {error}; run `dvc repro`") from error
        inch = image.info.get("dpi", (96, 96))[0]
        width, height = (round(96 * side / inch) for side in image.size)
        uri = f"data:image/{kind};base64,{base64.b64encode(small).decode()}"
        figures[name] = _Figure(uri, width, height)
    return figures


def _compressed(image: Image.Image) -> tuple[str, bytes]:
    """A third of the size: a drawing looks the same in 256 colours, photographs would not."""
    file = io.BytesIO()
    if image.getcolors(DRAWN):
        image.quantize(256, Image.Quantize.MAXCOVERAGE).save(file, "PNG")
        return "png", file.getvalue()
    image.save(file, "WEBP", quality=85, method=2)
    return "webp", file.getvalue()


# how values are written


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("menagerie.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= FORMS | {
        "write": lambda value, form: FORMS[form](value),
        "sort_key": lambda value: repr(float(value)) if pd.notna(value) else "",
        "place": _place,
    }
    environment.tests["known"] = pd.notna
    return environment


def _written(form: str, factor: float = 1) -> Callable[[float | None], str]:
    """A filter that writes a number this way, and a dash where there is none."""
    return lambda value: form.format(factor * value) if pd.notna(value) else DASH


def _three(value: float | None) -> str:
    """Three digits, or as many as stand before the point."""
    digits = 0 if pd.isna(value) or value == 0 else max(0, 2 - math.floor(math.log10(abs(value))))
    return _written(f"{{:,.{digits}f}}")(value)


def _duration(seconds: float | None) -> str:
    if pd.isna(seconds) or seconds < 59.95:
        return _written("{:.1f} s")(seconds)
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def _p_value(p: float) -> str:
    return "< 0.0001" if p < 1e-4 else _written("{:z.4f}")(p)


def _place(value: float, low: float, high: float) -> str:
    """Where a value lies between two ends, in % of a drawing's width with a margin."""
    return f"{4 + 92 * (value - low) / (high - low):.2f}"


FORMS = {
    "percent": _written("{:z.2f}", 100),
    "points": _written("{:+z.2f}", 100),
    "decimal": _written("{:z.4f}"),
    "two": _written("{:z.2f}"),
    "count": _written("{:z,.0f}"),
    "signed": _written("{:+z,.0f}"),
    "megabytes": _written("{:,.2f}", 1e-6),
    "three": _three,
    "duration": _duration,
    "p_value": _p_value,
}
