"""One address over HTTP, from a server that may cut, stall and lie.

What servers do about Range differs from what they announce: some ignore it, some call the whole
body a partial answer. Nothing is appended unless the answer itself shows that it goes on from the
bytes kept (RFC 9110, sections 13.1.5, 14.4 and 15.3.7), and every byte kept is hashed.
"""

import logging
import shutil

import httpx
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential_jitter,
)

from menagerie.download.wire.headers import (
    announced_md5,
    body_length,
    content_range,
    is_framed,
    retry_after,
    strong_etag,
    unsatisfied_range,
)
from menagerie.download.wire.part import Notes, Part, disk_errors
from menagerie.download.wire.remote import Remote, mismatch
from menagerie.download.wire.session import MissingError, RetryError, Session
from menagerie.errors import DownloadError

log = logging.getLogger(__name__)

TRIES = 7  # in a row that gain nothing; the waits between them add up to about a minute
LONGEST_WAIT = 300  # seconds, the most that a server may ask for
QUIET_WAIT = 5  # seconds; the user is told of a longer one
REFUSALS = {
    401: ", it asks for a login",
    403: ", it refuses access",
    404: ", no such file: it has moved or is gone",
    410: ", the file was removed",
}

growing_wait = wait_exponential_jitter(max=60)  # 1, 2, 4 .. seconds and up to one more


class Wire:
    """The requests that fill one part file from one address."""

    def __init__(self, url: str, fix: str, remote: Remote, part: Part, session: Session) -> None:
        self.url, self.fix, self.remote, self.part, self.session = url, fix, remote, part, session
        self.notes = part.notes(url)
        part.total = self.notes.total if remote.size is None else remote.size
        self.begun = False  # a body was begun in this run
        self.clean = False  # ... and came in one piece
        self.lied = False  # the server is asked for no more ranges
        self.gained = False  # the last request kept new bytes
        self.restarts = 0

    def fill(self) -> None:
        """Fill the part file and verify it; a mismatch that older bytes may explain gets one new start."""
        with disk_errors(self.part.path, lambda: self.part.total):
            self.part.forget()
            if self._may_resume():
                self.part.load(self.notes)
            for last in (False, True):
                proven = self.remote.pinned and self.part.size and not self._wrong()
                if not proven:
                    self._request_until_complete()
                wrong = self._wrong()
                if wrong is None:
                    return
                clean = self.clean
                self.part.discard()
                if clean or last:
                    raise DownloadError(f"{self.url}: {wrong}; {self.fix}")

    def _wrong(self) -> str | None:
        return mismatch(self.remote, self.part.digests, self.notes.md5)

    def _may_resume(self) -> bool:
        """Whether something will tell bytes of another version from those kept."""
        told_apart = self.remote.pinned or self.notes.md5 or self.notes.etag or self.notes.modified
        same_run = self.begun and self.part.total is not None
        return not self.lied and bool(told_apart or same_run)

    # tries

    def _request_until_complete(self) -> None:
        retrying = Retrying(
            retry=retry_if_exception_type(RetryError),
            stop=stop_after_attempt(TRIES),
            after=self._count,
            wait=_seconds_to_wait,
            before_sleep=self._tell,
            sleep=self.session.sleep,
            reraise=True,
        )
        try:
            retrying(self._request)
        except RetryError as error:
            raise DownloadError(
                f"{self.url}: {error}; {TRIES} tries in a row gained nothing; "
                f"{self.part.size} bytes are kept; {self.fix}"
            ) from error

    def _count(self, state: RetryCallState) -> None:
        if self.gained:
            state.attempt_number = 1

    def _tell(self, state: RetryCallState) -> None:
        if state.upcoming_sleep > QUIET_WAIT:
            why = state.outcome.exception()
            log.warning("%s: %s; next try in %.0f s", self.remote.file, why, state.upcoming_sleep)

    def _request(self) -> None:
        self.session.check()
        self.gained = False
        start = self.part.size if self._may_resume() else 0
        headers = {"Range": f"bytes={start}-"} if start else {}
        if start and self.notes.etag:
            headers["If-Range"] = self.notes.etag
        try:
            with self.session.client.stream("GET", self.url, headers=headers) as response:
                self._take(response, start)
        except (httpx.UnsupportedProtocol, httpx.TooManyRedirects, httpx.InvalidURL) as error:
            raise DownloadError(f"{self.url}: {error}; {self.fix}") from error
        except httpx.RequestError as error:
            if self.gained and self.part.size == self.part.total:
                return  # all is there; only the end of the answer was cut off
            raise RetryError(f"{type(error).__name__}: {error}") from error

    # answers

    def _take(self, response: httpx.Response, start: int) -> None:
        if response.status_code == 200:
            self._begin(response.headers)
            self._receive(response, 0)
        elif response.status_code == 206:
            self._go_on(response.headers, start)
            self._receive(response, start)
        elif response.status_code == 416 and start:
            self._past_end(response.headers, start)
        else:
            self._refuse(response)

    def _begin(self, headers: httpx.Headers) -> None:
        """The whole file comes: drop what was kept."""
        total = body_length(headers)
        self._check_total(total)
        if self.part.size:
            self.restarts += 1
        if self.restarts == TRIES:
            raise DownloadError(
                f"{self.url}: cut {TRIES} times by a server that cannot go on from there; {self.fix}"
            )
        said = (strong_etag(headers), headers.get("last-modified"), announced_md5(headers))
        self.notes = Notes(self.url, total, *said)
        self.part.begin(self.notes)
        self.part.total = self.remote.size if total is None else total
        self.begun, self.clean = True, is_framed(headers)
        if not (self.clean or self.part.total is not None or self.remote.pinned or self.notes.md5):
            raise DownloadError(
                f"{self.url}: nothing tells a whole file from a cut one; give its size or a hash; {self.fix}"
            )

    def _check_total(self, total: int | None) -> None:
        expected = self.remote.size
        differs = f"the server sends {total} bytes, expected {expected}"
        if None not in (total, expected) and total > expected:
            raise DownloadError(f"{self.url}: {differs}; {self.fix}")
        if None not in (total, expected) and total < expected:
            raise RetryError(differs)
        work, needed = self.part.path.parent, total or expected or 0
        free = shutil.disk_usage(work).free + self.part.size
        if needed > free:
            raise DownloadError(
                f"{self.remote.file} needs {needed} bytes in {work}, {free} are free; make room there"
            )

    def _go_on(self, headers: httpx.Headers, start: int) -> None:
        """Take a partial answer only if it proves to go on from the bytes kept."""
        first, _, total = content_range(headers) or (None, None, None)
        fits = first == start > 0 and self.part.total in (None, total)
        if not (fits and self._same_version(headers)):
            self.lied = True
            raise RetryError("the server sends another part than the one asked for", 0 if start else None)
        self.part.total, self.clean = total, False

    def _same_version(self, headers: httpx.Headers) -> bool:
        """Whether the surest thing that both answers said of their file is the same."""
        pairs = (
            (self.notes.md5, announced_md5(headers)),
            (self.notes.etag, strong_etag(headers)),
            (self.notes.modified, headers.get("last-modified")),
        )
        for noted, said in pairs:
            if noted and said:
                return noted == said
        return self.remote.pinned or not any(noted for noted, _ in pairs)

    def _past_end(self, headers: httpx.Headers, start: int) -> None:
        """Nothing comes after the bytes kept: they are the whole file, or they are of another one."""
        total = unsatisfied_range(headers) or self.part.total
        if total != start or not self._same_version(headers):
            self.lied = True
            raise RetryError(f"the server has nothing after byte {start}", 0)
        self.part.total, self.clean = total, False

    def _refuse(self, response: httpx.Response) -> None:
        status = response.status_code
        if status in (408, 425, 429) or status >= 500:
            seconds = retry_after(response.headers)
            if seconds is not None and seconds > LONGEST_WAIT:
                raise DownloadError(
                    f"{self.url}: HTTP {status}, the server asks to wait {seconds:.0f} s; "
                    f"more than {LONGEST_WAIT} are not waited: run again after that, what was fetched is kept"
                )
            raise RetryError(f"HTTP {status}", seconds)
        why = REFUSALS.get(status, "")
        kind = MissingError if status in (404, 410) else DownloadError
        raise kind(f"{self.url}: HTTP {status}{why}; {self.fix}")

    def _receive(self, response: httpx.Response, start: int) -> None:
        too_long = False
        with self.part.appending() as append:
            for block in response.iter_raw():
                self.session.check()
                too_long = self.part.total is not None and self.part.size + len(block) > self.part.total
                if too_long:
                    break
                append(block)
                self.gained = True
        if too_long:
            self._overflow(start)
        if self.part.total is None:
            self.part.total = self.part.size
        if self.part.size < self.part.total:
            raise RetryError(f"the connection ended at byte {self.part.size} of {self.part.total}")

    def _overflow(self, start: int) -> None:
        self.gained, self.lied = False, True
        total = self.part.total
        self.part.discard()
        if start:
            raise RetryError("the server sends more than the part asked for", 0)
        raise DownloadError(f"{self.url}: longer than the {total} bytes expected; {self.fix}")


def _seconds_to_wait(state: RetryCallState) -> float:
    asked = state.outcome.exception().seconds
    return growing_wait(state) if asked is None else asked
