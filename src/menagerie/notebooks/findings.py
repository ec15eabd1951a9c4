"""What came of all notebooks: the findings of docs/results.md and of the page over all studies."""

from collections import Counter
from collections.abc import Mapping, Sequence

from menagerie.compare.published import REPRODUCED
from menagerie.notebooks.given import NO_NUMBER, Given, Reached
from menagerie.notebooks.meant import Meant
from menagerie.notebooks.planning import copies, originals
from menagerie.params import Params
from menagerie.params.notebook import Notebook, Reported
from menagerie.report.claims_told import claims_told
from menagerie.report.findings.blocks import (
    Block,
    Cell,
    Code,
    Findings,
    Items,
    Notice,
    Paragraph,
    Section,
    Table,
    model_names,
    names,
    numbers,
    prose,
)
from menagerie.report.findings.notebook import ONE_RUN, SEVERAL_RUNS, judged
from menagerie.report.findings.values import as_printed, count, counted, number, percent

NEVER = "nobody ran it yet"
OURS = "not run here"  # of a claim
TRY = "a try"

Studies = Mapping[str, Params]


def findings(
    studies: Studies, given: Mapping[str, Given], meant: Sequence[Meant], epochs: int | None
) -> Findings:
    """What the notebooks reported beside what is `given` of their studies; `epochs` of a mere try."""
    lead: list[Block] = [Notice(_try(epochs))] if epochs else []
    if epochs:
        given = {name: _without_verdicts(one) for name, one in given.items()}
    lead.append(Paragraph(_counted(studies, given)))
    sections = [_study(name, params, studies, given.get(name)) for name, params in studies.items()]
    sections += [_meant(studies, meant), _repeat(list(studies))]
    return Findings("The notebooks, reported and reproduced", tuple(lead), tuple(sections))


def _try(epochs: int) -> str:
    return (
        f"**A try:** phases ended after {counted(epochs, 'epoch')}. These numbers say that the studies run "
        "here, and nothing of the notebooks."
    )


def _without_verdicts(given: Given) -> Given:
    models = {name: one.model_copy(update={"verdict": TRY}) for name, one in given.models.items()}
    return given.model_copy(update={"models": models, "pairs": ()})


def _counted(studies: Studies, given: Mapping[str, Given]) -> str:
    """How many of the published models were run, and what came of their numbers."""
    ran = {name: list(given[name].models.values()) for name in studies if name in given}
    own = [name for name, params in studies.items() if not copies(params)]
    reached = [one for name in own for one in ran.get(name, [])]
    verdicts = ", ".join(f"{number} {kind}" for kind, number in Counter(map(_kind, reached)).items())
    models = sum(len(studies[name].models) for name in own)
    told = f"Of {models} models of {len(own)} notebooks {len(reached)} ran on the pictures that these used"
    told += f": {verdicts}." if reached else "."
    for name in ran:
        if name not in own and ran[name]:
            told += f" {counted(len(ran[name]), 'model')} ran on a copy, {name}, which holds no verdict."
    return f"{told} Of the others it is said why not. Accuracies are in %, with 95 % intervals."


def _kind(reached: Reached) -> str:
    kinds = {REPRODUCED: REPRODUCED, NO_NUMBER: "without a reported number", TRY: "for a try"}
    other = "not reproduced" if reached.verdict.startswith("no:") else "not comparable"
    return kinds.get(reached.verdict, other)


# a study


def _study(name: str, params: Params, studies: Studies, given: Given | None) -> Section:
    notebook = params.reported
    models, why = (given.models, given.left_out) if given else ({}, {})
    several = any(one.runs > 1 for one in models.values())
    columns = model_names("model") + numbers("reported") + names("of") + numbers("reproduced")
    columns += numbers("mean of the runs", "runs") if several else ()
    columns += names("verdict")
    rows = tuple(
        _row(model, notebook.models.get(model), models.get(model), several) for model in params.models
    )
    blocks: list[Block] = [
        Paragraph(f"{notebook.title}: `dvc exp run -S study={name}`.{_in_place_of(params, studies)}"),
        Table(f"{name}: reported and reproduced accuracy (%)", columns, rows),
        *_reasons(
            {model: why.get(model, NEVER) for model in params.models if model not in models},
            len(params.models),
        ),
        *_claims(name, notebook, given),
        Paragraph(notebook.note, quiet=True),
    ]
    return Section(name, f"{params.dataset.title}: {name}", tuple(blocks))


def _in_place_of(params: Params, studies: Studies) -> str:
    others = originals(params, studies) if copies(params) else []
    return f" It stands in for {', '.join(others)} where these cannot be run." if others else ""


def _row(name: str, reported: Reported | None, reached: Reached | None, several: bool) -> tuple[Cell, ...]:
    printed = Cell("no number")
    of = Cell("")
    if reported:
        printed = Cell(as_printed(reported.score.accuracy), key=reported.score.value)
        of = Cell(f"{reported.split}, {count(reported.score.n)}")
    if reached is None:
        nothing = number(None, percent)
        runs = (nothing, nothing) if several else ()
        return (Cell(name), printed, of, nothing, *runs, judged("not run"))
    mean = number(reached.mean, percent, reached.mean_low, reached.mean_high)
    runs = (mean, number(reached.runs, count)) if several else ()
    ours = number(reached.accuracy, percent, reached.low, reached.high)
    return (Cell(name), printed, of, ours, *runs, judged(reached.verdict))


def _reasons(why: Mapping[str, str], of: int) -> list[Block]:
    """Models that were not run, together where the reason is the same; `of` models are there."""
    together: dict[str, list[str]] = {}
    for name, reason in why.items():
        together.setdefault(reason, []).append(f"`{name}`")
    texts = [
        f"{'None was run' if len(those) == of > 1 else 'Not run: ' + ', '.join(those)}. "
        f"{reason[:1].upper()}{reason[1:]}."
        for reason, those in together.items()
    ]
    return [Items(tuple(texts))] if texts else []


def _claims(name: str, notebook: Notebook, given: Given | None) -> list[Block]:
    if not notebook.claims:
        return []
    ours = {(one.claim, one.better, one.than): one.ours for one in given.pairs} if given else {}
    rows = []
    for place, (words, margins, shown) in enumerate(claims_told(notebook)):
        pairs = notebook.claims[place].pairs
        found = Counter(ours.get((place, pair.better, pair.than), OURS) for pair in pairs)
        told = "; ".join(text if len(found) == 1 else f"{text}: {number}" for text, number in found.items())
        rows.append((Cell(words), Cell(margins.replace("`", "")), Cell(shown), Cell(told)))
    columns = prose("claim", "published", "can these numbers show it?", "ours")
    return [Table(f"{name}: claims", columns, tuple(rows))]


# beside the studies


def _meant(studies: Studies, meant: Sequence[Meant]) -> Section:
    published = {model for params in studies.values() for model in params.models}
    columns = model_names("as published", "as it was meant") + prose("what that changes")
    rows = tuple(
        (Cell(one.published), Cell(one.name), Cell(one.change)) for one in meant if one.published in published
    )
    about = (
        "Models are run as they were published. Where a notebook's code and its words differ, a sibling in "
        "`conf/model` is as it was meant; its file has the command."
    )
    return Section("meant", "As they were meant", (Paragraph(about), Table("Siblings", columns, rows)))


def _repeat(studies: list[str]) -> Section:
    about = (
        "This runs what a machine can run of them, and writes this again; `menagerie notebooks STUDY` "
        f"runs one alone: {', '.join(studies)}. What was run before is not run again."
    )
    blocks = (Code("menagerie notebooks"), Paragraph(about), Paragraph(ONE_RUN), Paragraph(SEVERAL_RUNS))
    return Section("repeat", "How to repeat this, and how a number is judged", blocks)
