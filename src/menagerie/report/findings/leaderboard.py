"""The verdict, and the models side by side."""

from typing import Any

from menagerie.compare import published
from menagerie.params import Params
from menagerie.report.findings.blocks import (
    Block,
    Cell,
    Notice,
    Paragraph,
    Section,
    Table,
    model_names,
    numbers,
)
from menagerie.report.findings.differences import against_best
from menagerie.report.findings.values import count, counted, interval, number, percent, points, score, two
from menagerie.report.results import Results

SEEN = {"train": "was trained on them", "val": "was chosen with them in view"}


def lead(params: Params, results: Results) -> tuple[Block, ...]:
    best, models, data = results.best, len(results.board), results.data
    place = (
        f"is the best of {models} models by val accuracy ({percent(best['val_accuracy'])} %)."
        if models > 1
        else "is the one model here."
    )
    verdict = (
        f"**{best['model']}** {place} It gets {count(best['accuracy'] * best['n'])} of "
        f"{counted(best['n'], 'test picture')} right: **{percent(best['accuracy'])} %**, "
        f"95 % interval {interval(best['accuracy_low'], best['accuracy_high'])} %. {_told_apart(results)}"
    )
    train, val, tested = count(data["splits"]["train"]), count(data["splits"]["val"]), data["splits"]["test"]
    pictures = (
        f"{counted(data['pictures'], 'picture')} of {counted(len(data['classes']), 'class')}. Split policy "
        f"`{params.dataset.split.policy}`: {train} train, {val} val and {counted(tested, 'test picture')}."
    )
    return Paragraph(verdict.strip()), *_test_is_val(data), Paragraph(pictures, quiet=True)


def _test_is_val(data: dict[str, Any]) -> list[Notice]:
    splits, shared = data["splits"], data["test_pictures_also_in"]["val"]
    if not shared == splits["test"] == splits["val"]:
        return []
    told = "what chose the weights and the best model also tests them."
    return [Notice(f"**The test pictures are the val pictures:** {told}")]


def section(results: Results) -> Section:
    columns = model_names("model") + numbers(
        "test accuracy (%)",
        "n",
        "macro F1 (%)",
        "loss (nats)",
        "ECE (%)",
        "val accuracy (%)",
        "train accuracy (%)",
        "gap (points)",
        "epochs",
        "parameters",
        "trainable",
    )
    table = Table(
        name="Leaderboard",
        columns=columns,
        rows=tuple(_row(name, results.metrics[name]) for name in results.board["model"]),
        sortable=len(results.board) > 1,
        falling="test accuracy (%)",
        chosen=results.best["model"],
    )
    about = (
        f"Each row is one run. Each interval is of 95 %: {_intervals(results)}. What does not say train or "
        "val is of test. The gap is train less test accuracy, with Newcombe's interval. Bold: chosen by val "
        "accuracy."
    )
    blocks = (Paragraph(about), table, *_grouped(results), *_seen(results.data))
    return Section("leaderboard", "Leaderboard", blocks)


def _intervals(results: Results) -> str:
    if results.data["groups"]:
        return (
            "a bootstrap of whole groups of pictures, and for accuracy Wilson's of as many independent "
            "pictures as they are worth by it"
        )
    return "Wilson's for accuracy, a bootstrap of the pictures of each class for the others"


def _grouped(results: Results) -> list[Paragraph]:
    """What it means for the intervals that pictures belong together; nothing where they do not."""
    if not results.data["groups"]:
        return []
    known = {name: metrics["test"].get("accuracy_design_effect") for name, metrics in results.metrics.items()}
    told = ", ".join(
        f"{name} {two(known[name])}" for name in results.board["model"] if known[name] is not None
    )
    text = (
        f"The test pictures are of {counted(results.data['groups']['in_test'], 'group')}, and those of one "
        "group are no independent evidence: whole groups are drawn, here and for the differences below."
    )
    if told:
        text += (
            " The design effect, which is the variance of an accuracy divided by that of as many independent "
            f"pictures, is {told}."
        )
    return [Paragraph(text)]


def _row(name: str, metrics: dict[str, Any]) -> tuple[Cell, ...]:
    test = metrics["test"]
    return (
        Cell(name),
        score(test, "accuracy"),
        number(test["n"], count),
        score(test, "f1_macro"),
        score(test, "loss"),
        score(test, "ece"),
        score(metrics["val"], "accuracy"),
        score(metrics["train"], "accuracy"),
        number(metrics["gap"], points, metrics["gap_low"], metrics["gap_high"]),
        number(metrics["epochs"], count),
        number(metrics["params"], count),
        number(metrics["trainable_params"], count),
    )


def _seen(data: dict[str, Any]) -> list[Notice]:
    shared, test = data["test_pictures_also_in"], counted(data["splits"]["test"], "test picture")
    return [
        Notice(
            f"**Careful:** {count(shared[part])} of {test} {_also(shared[part], part)} too. "
            f"Whatever {how} scores too high here."
        )
        for part, how in SEEN.items()
        if shared[part]
    ]


def _also(shared: int, part: str) -> str:
    return f"is a {part} picture" if shared == 1 else f"are {part} pictures"


def _told_apart(results: Results) -> str:
    """How many of the others differ from the best, by the p of each; nothing where there are none."""
    p = against_best(results)["p_holm"]
    differing, others = int((p < published.LEVEL).sum()), len(p)
    if others == 0:
        return ""
    if others == 1:
        return f"The other model {'differs' if differing else 'does not differ'} from it by more than chance."
    if differing == others:
        return f"{'Both' if others == 2 else f'All {others}'} others differ from it by more than chance."
    return (
        f"{differing or 'None'} of the {others} others {'differ' if differing > 1 else 'differs'} from it by "
        "more than chance."
    )
