"""`menagerie serve`: a model that answers over HTTP, and a page to drop pictures on."""

import ipaddress
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from menagerie.cli.trained import model_file, model_options

if TYPE_CHECKING:
    import socket

AT_LEAST_ONE = click.IntRange(min=1)


@click.command()
@model_options
@click.option("--host", default="127.0.0.1", show_default=True, help="0.0.0.0 answers other machines, too.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0: any free one."
)
@click.option("--allow-host", multiple=True, metavar="NAME", help="A name this machine is reached by.")
@click.option("--batch", type=AT_LEAST_ONE, default=32, show_default=True, help="Pictures at once.")
@click.option("--max-megabytes", type=AT_LEAST_ONE, default=32, show_default=True, help="Of a request.")
@click.option(
    "--max-pictures", type=click.IntRange(1, 256), default=64, show_default=True, help="Of a request."
)
@click.option("--timeout", type=click.FloatRange(min=0.1), default=30, show_default=True, help="Seconds.")
def serve(
    model: str | None,
    file: Path | None,
    champion: bool,
    uri: str | None,
    host: str,
    port: int,
    allow_host: tuple[str, ...],
    **limits: float,
) -> None:
    """Answer pictures over HTTP: a page at /, POST /predict for programs, until Ctrl-C."""
    path = model_file(model, champion, file, uri)
    with _listening(host, port) as listener:
        _run(path, listener, [host, *allow_host], limits)


def _listening(host: str, port: int) -> "socket.socket":
    import socket

    from menagerie.errors import MenagerieError

    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        raise MenagerieError(
            f"cannot listen on {host}, port {port}: {error.strerror or error}; --port 0 finds a free one"
        ) from error
    # asyncio sets this only of sockets made with the number of the protocol. Without it, the second part of
    # an answer waits 40 ms for the client to acknowledge the first.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _run(path: Path, listener: "socket.socket", hosts: list[str], limits: dict[str, float]) -> None:
    from menagerie.backend import loading

    with loading():
        import keras  # noqa: F401

    import uvicorn

    from menagerie.serve.app import application
    from menagerie.serve.connections import configuration
    from menagerie.serve.limits import Limits
    from menagerie.serve.predictor import Predictor

    chosen = Limits(
        body_bytes=int(limits["max_megabytes"]) * 2**20,
        held_bytes=max(8 * int(limits["max_megabytes"]) * 2**20, Limits.held_bytes),
        pictures=int(limits["max_pictures"]),
        seconds=limits["timeout"],
        batch=int(limits["batch"]),
    )
    predictor = Predictor(path)
    app = application(predictor, chosen, hosts)
    host, port = listener.getsockname()[:2]
    if not _is_loopback(host):
        click.echo(
            f"warning: every machine that reaches {host}:{port} can ask, and no password is asked for",
            err=True,
        )
    named = f"[{host}]" if ":" in host else host
    facts = predictor.facts
    told = f"{facts.model} of {facts.dataset}, {len(facts.classes)} classes"
    click.echo(f"{told}: http://{named}:{port} (Ctrl-C ends it)")
    with suppress(KeyboardInterrupt):  # which is raised once more when all that was begun is answered
        uvicorn.Server(configuration(app, chosen)).run(sockets=[listener])


def _is_loopback(host: str) -> bool:
    return ipaddress.ip_address(host).is_loopback
