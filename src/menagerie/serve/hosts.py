"""Whom a service answers: a page of another site may not ask through the name of its own host."""

import ipaddress
from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class KnownHosts:
    """Refuse requests to a host of a name that is not known, and those that pages of other sites send.

    Against DNS rebinding: a site may let its name lead to this machine, and its pages would then count as
    pages of this service. An address in numbers cannot be such a name, so any is admitted.
    """

    def __init__(self, app: ASGIApp, names: Iterable[str]) -> None:
        self.app, self.names = app, {"localhost", *(name.lower() for name in names)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (why := self._why_not(scope["method"], Headers(scope=scope))):
            await JSONResponse({"detail": why}, 400)(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _why_not(self, method: str, headers: Headers) -> str | None:
        name = host_of(headers.get("host", ""))
        if name not in self.names and not is_address(name):
            return f"this service does not know itself as {name!r}; to admit it: --allow-host {name}"
        if method != "GET" and headers.get("sec-fetch-site") == "cross-site":
            return "this service answers no pages of other sites"
        return None


def host_of(header: str) -> str:
    """`localhost` of `localhost:8000`, `::1` of `[::1]:8000`."""
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0].lower()


def is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
