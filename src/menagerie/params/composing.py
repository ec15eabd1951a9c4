"""Settings as conf/ composes them, for commands that need others than those of params.yaml."""

from pathlib import Path
from typing import Any

from menagerie.errors import ParamsError


def conf() -> Path:
    """The folder conf/ of the repository.

    Raises:
        ParamsError: the working folder is not its root.
    """
    folder = Path("conf").resolve()
    if not any(folder.glob("dataset/*.yaml")):
        raise ParamsError(f"conf/dataset is not in {Path.cwd()}; run from the root of the repository")
    return folder


def composed(*overrides: str) -> dict[str, Any]:
    """What `dvc exp run -S OVERRIDE ...` would write to params.yaml.

    Raises:
        ParamsError: conf/ has no such choice, or a file of it is wrong.
    """
    import yaml
    from hydra import compose, initialize_config_dir
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    told = f" with {', '.join(overrides)}" if overrides else ""
    try:
        with initialize_config_dir(str(conf()), version_base=None):
            return OmegaConf.to_container(compose("config", list(overrides)), resolve=True)
    except (HydraException, OmegaConfBaseException, yaml.YAMLError) as error:
        raise ParamsError(f"conf/ cannot be composed{told}: {error}; mend it there") from error
