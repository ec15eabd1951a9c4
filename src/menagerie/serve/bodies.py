"""The pictures in the body of a request, within limits."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from fastapi import HTTPException, Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.formparsers import MultiPartException
from starlette.types import Message

from menagerie.serve.limits import Limits, Room

END = 2**10  # bytes, within which a form has its last boundary
FIELDS = 16  # of a form that are no files; they are passed over


class Picture(NamedTuple):
    name: str | None  # as the one who sent it calls it
    data: bytes


@asynccontextmanager
async def pictures_of(request: Request, limits: Limits, room: Room) -> AsyncIterator[list[Picture]]:
    """The pictures of a request: the files of a form (multipart/form-data), or else its body as one picture.

    In the block, the body's bytes are taken of `room`.

    Raises:
        HTTPException: 400 for a form that is cut short, 408 for a body that comes too slowly, 413 for one
            with too much in it, 422 for none.
        BusyError: there is no room.
    """
    too_large = HTTPException(413, f"a request may have {limits.body_bytes:,} bytes: send fewer pictures")
    if int(request.headers.get("content-length", 0)) > limits.body_bytes:
        raise too_large
    taken, end = 0, b""
    _, options = parse_options_header(request.headers.get("content-type"))
    closing = b"--%b--" % options[b"boundary"] if b"boundary" in options else b""

    async def counted() -> Message:
        nonlocal taken, end
        message = await request.receive()
        body = message.get("body", b"")
        size, end = len(body), (end + body)[-END:]
        if taken + size > limits.body_bytes:
            raise too_large
        room.take(size)
        taken += size
        if message["type"] == "http.request" and not message.get("more_body") and closing not in end:
            raise MultiPartException("the form ends before its last boundary: pictures are missing")
        return message

    try:
        try:
            async with asyncio.timeout(limits.seconds):
                found = await _read(Request(request.scope, counted), limits.pictures)
        except TimeoutError:
            raise HTTPException(408, f"the request did not come within {limits.seconds:g} seconds") from None
        yield found
    finally:
        room.give(taken)


async def _read(request: Request, most: int) -> list[Picture]:
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        return [Picture(None, await request.body())]
    try:
        async with request.form(max_files=most, max_fields=FIELDS) as form:
            files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
            found = [Picture(file.filename, await file.read()) for file in files]
    except FormParserError as error:  # which older versions of Starlette let through
        raise HTTPException(400, f"the form is damaged: {error}") from error
    except StarletteHTTPException as error:
        if str(error.detail).startswith("Too many files"):
            raise HTTPException(413, f"a request may have {most} pictures: send them in parts") from error
        raise
    if not found:
        raise HTTPException(422, "the form has no file: send each picture as one, such as -F file=@a.jpg")
    return found
