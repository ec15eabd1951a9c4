"""What an error of the store comes to, in a line, with the remedy where there is one."""

import re
import urllib.request
from contextlib import suppress
from pathlib import Path

ASIDE = "(raised as a result of"  # what SQLAlchemy may write before what happened
CAUSED = re.compile(r"host='(.*?)', port=(\d+)\): Max retries .*Caused by \w+\((['\"])(.*)\3\)")  # of urllib3
SCHEMA = re.compile(r"found version (\w+), but expected")  # of MLflow


def why(error: Exception, uri: str) -> str:
    """What an error of the store at `uri` says, or that another version is at work where it means that."""
    import mlflow

    here = mlflow.__version__
    if uri.startswith("http") and "404" in str(error):  # it does not know what it was asked
        with suppress(OSError), urllib.request.urlopen(f"{uri.rstrip('/')}/version", timeout=5) as answer:
            there = answer.read(50).decode(errors="replace").strip()
            if there != here:
                return (
                    f"the server runs MLflow {there} and does not know what MLflow {here}, installed here, "
                    f'asks of it: pip install "mlflow=={here}" where it runs'
                )
    schema = SCHEMA.search(str(error))
    if schema and not list(Path(mlflow.__file__).parent.glob(f"store/db_migrations/versions/{schema[1]}_*")):
        # MLflow then takes it for an old one, and advises an upgrade that ends in a traceback.
        return (
            f"a newer MLflow than {here}, which is installed here, has written it: "
            'pip install --upgrade "mlflow<4"'
        )
    return first_line(error)


def first_line(error: Exception) -> str:
    """What an error says, without the password that an address may hold."""
    lines = str(error).strip().splitlines()
    told = next((line for line in lines if not line.startswith(ASIDE)), type(error).__name__)
    if caused := CAUSED.search(told):  # else three lines of objects and addresses
        told = f"{caused[1]}:{caused[2]} gives no answer ({caused[4].rpartition(': ')[2]})"
    return re.sub(r"//[^/@\s]*@", "//", told)
