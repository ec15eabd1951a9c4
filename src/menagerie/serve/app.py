"""The HTTP service: a model answers pictures that are sent to it."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import Future
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.requests import ClientDisconnect

from menagerie.archives.kinds import HEAD, kind_of
from menagerie.errors import unknown
from menagerie.prepare.modes import UnreadableError
from menagerie.serve.batching import Batches, Seen
from menagerie.serve.bodies import Picture, pictures_of
from menagerie.serve.explaining import as_address, explainable, explained
from menagerie.serve.hosts import KnownHosts
from menagerie.serve.limits import BusyError, Limits, Room
from menagerie.serve.page import page
from menagerie.serve.predictor import Predictor
from menagerie.serve.replies import Answers, Explanation, Failure, Health, answer, problems

TOP = 3
PICTURE = {"schema": {"type": "string", "format": "binary"}}
FORM = {
    "schema": {
        "type": "object",
        "properties": {"file": {"type": "array", "items": {"type": "string", "format": "binary"}}},
    }
}
ONE = {"requestBody": {"required": True, "content": {"image/*": PICTURE}}}
SEVERAL = {"requestBody": {"required": True, "content": {"multipart/form-data": FORM, "image/*": PICTURE}}}


def application(predictor: Predictor, limits: Limits, hosts: Iterable[str] = ()) -> FastAPI:
    """An ASGI application that answers with this model, the network warmed up.

    `hosts` are names, besides localhost, that it is reached by.
    """
    service = Service(predictor, limits)

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(service.batches.close)

    # No /docs: FastAPI's pages load their scripts from a network.
    app = FastAPI(
        title=f"{predictor.facts.model} of {predictor.facts.title}",
        version=version("menagerie"),
        docs_url=None,
        redoc_url=None,
        lifespan=running,
    )
    app.add_middleware(KnownHosts, names=hosts)
    app.add_exception_handler(BusyError, _busy)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.get("/", response_class=HTMLResponse, include_in_schema=False)(service.page)
    app.get("/health")(service.health)
    reading = (400, 408, 413, 415, 422, 503, 504)
    app.post("/predict", responses=problems(*reading), openapi_extra=SEVERAL)(service.predict)
    app.post("/explain", responses=problems(*reading, 501), openapi_extra=ONE)(service.explain)
    return app


class Service:
    """What the routes do."""

    def __init__(self, predictor: Predictor, limits: Limits) -> None:
        self.model, self.facts, self.limits = predictor.model, predictor.facts, limits
        self.batches = Batches(predictor, limits)
        self.batches.warm_up()
        self.explains = self.batches.run(
            explainable, predictor.model, predictor.facts.pixels.image_size
        ).result()
        self._room = Room(limits.held_bytes, "bytes of requests")
        self._html, self._headers = page(self.facts, limits, self.explains)

    async def page(self) -> HTMLResponse:
        return HTMLResponse(self._html, headers=self._headers)

    async def health(self) -> Health:
        """Which model answers, and what it knows."""
        return Health(
            status="ok",
            version=version("menagerie"),
            model=self.facts.model,
            dataset=self.facts.dataset,
            title=self.facts.title,
            classes=self.facts.classes,
            image_size=self.facts.pixels.image_size,
            explains=self.explains,
        )

    async def predict(self, request: Request, top: Annotated[int, Query(ge=1)] = TOP) -> Answers:
        """The classes of one picture (the body, or a form with one file) or of several (a form).

        A single picture that cannot be read is an error; of several, each has its own.
        """
        async with pictures_of(request, self.limits, self._room) as pictures:
            found = await self._seen(pictures)
        if len(found) == 1 and isinstance(found[0], UnreadableError):
            raise refused(pictures[0].data, found[0])
        replies = [
            Failure(picture=name, error=str(seen))
            if isinstance(seen, UnreadableError)
            else answer(name, seen.probabilities, self.facts, top)
            for (name, _), seen in zip(pictures, found, strict=True)
        ]
        return Answers(model=self.facts.model, dataset=self.facts.dataset, pictures=replies)

    async def explain(
        self, request: Request, name: Annotated[str | None, Query(alias="class")] = None
    ) -> Explanation:
        """Where in one picture the network finds the evidence for a class, by default the most probable."""
        if not self.explains:
            raise HTTPException(
                501, f"{self.facts.model} has no convolution: it looks at a picture as a whole"
            )
        if name is not None and name not in self.facts.classes:
            raise HTTPException(422, unknown("class", name, self.facts.classes))
        async with pictures_of(request, self.limits, self._room) as pictures:
            if len(pictures) > 1:
                raise HTTPException(413, "one picture at a time is explained")
            (seen,) = await self._seen(pictures)
        if isinstance(seen, UnreadableError):
            raise refused(pictures[0].data, seen)
        column = int(seen.probabilities.argmax()) if name is None else self.facts.classes.index(name)
        png = await self._in_time([self.batches.run(explained, self.model, seen.pixels, column)])
        return Explanation(
            name=self.facts.classes[column],
            probability=float(seen.probabilities[column]),
            image=as_address(png[0]),
        )

    async def _seen(self, pictures: list[Picture]) -> list[Seen | UnreadableError]:
        return await self._in_time(self.batches.ask([picture.data for picture in pictures]))

    async def _in_time(self, futures: list[Future[Any]]) -> list[Any]:
        """The results, or what cannot be read, in order."""
        try:
            async with asyncio.timeout(self.limits.seconds):
                found = await asyncio.gather(*map(asyncio.wrap_future, futures), return_exceptions=True)
        except TimeoutError:
            raise HTTPException(504, f"no answer within {self.limits.seconds:g} seconds") from None
        for result in found:
            if isinstance(result, BaseException) and not isinstance(result, UnreadableError):
                raise result
        return found


def refused(data: bytes, error: UnreadableError) -> HTTPException:
    """What a single picture gets that cannot be read."""
    return HTTPException(422 if not data or kind_of(data[:HEAD]) else 415, str(error))


async def _busy(_: Request, error: Exception) -> Response:
    return JSONResponse({"detail": str(error)}, 503, headers={"Retry-After": "1"})


async def _gone(_: Request, error: Exception) -> Response:
    return Response(status_code=400)  # nobody reads it


async def _invalid(_: Request, error: Exception) -> Response:
    first = error.errors()[0]
    return JSONResponse({"detail": f"{first['loc'][-1]}: {first['msg']}"}, 422)
