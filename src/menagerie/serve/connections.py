"""How the service is run: by uvicorn, with an end to what comes before a request's body."""

from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from menagerie.serve.limits import Limits

HEAD_BYTES = 2**16  # of a request's first line and headers


def configuration(app: FastAPI, limits: Limits) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=_bounded(limits.seconds),
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        ws="none",
        limit_concurrency=limits.connections,
        timeout_graceful_shutdown=int(limits.seconds) + 1,
    )


def _bounded(seconds: float) -> type[HttpToolsProtocol]:
    """uvicorn's protocol, which bounds neither the length of a head nor the time until one is whole.

    A client that sends none would hold its connection for ever, and one that never ends it fills the memory.
    """

    class Bounded(HttpToolsProtocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._begin_head()

        def _begin_head(self) -> None:
            self._head_bytes: int | None = 0  # None when it is whole
            self._late = self.loop.call_later(seconds, self.transport.close)

        def _end_head(self) -> None:
            self._head_bytes = None
            self._late.cancel()

        def connection_lost(self, exc: Exception | None) -> None:
            self._late.cancel()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            if self._head_bytes is not None:
                self._head_bytes += len(data)
            super().data_received(data)
            if self._head_bytes is not None and self._head_bytes > HEAD_BYTES:
                self._end_head()
                self.send_400_response(f"The head of a request may have {HEAD_BYTES} bytes.")

        def on_message_begin(self) -> None:
            super().on_message_begin()
            if self._head_bytes is None:  # a further request of the connection
                self._begin_head()

        def on_headers_complete(self) -> None:
            self._end_head()
            super().on_headers_complete()

    return Bounded
