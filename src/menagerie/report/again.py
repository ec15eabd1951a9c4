"""The command that repeats a run."""

from menagerie.params import Params


def again(params: Params, models: list[str]) -> str:
    """The command that runs these models from these settings."""
    study = f"-S study={params.study} " if params.study else ""
    chosen = f"model={models[0]}" if len(models) == 1 else f"'model=[{','.join(models)}]'"
    seeds = f"-S seed={params.seed} -S replicates={params.replicates}"  # a study may set both
    corrupted = " -S evaluation.robustness=true" if params.evaluation.robustness else ""
    return f"dvc exp run {study}-S dataset={params.dataset.name} -S {chosen} {seeds}{corrupted}"
