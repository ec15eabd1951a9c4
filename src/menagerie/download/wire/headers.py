"""What the headers of an answer say."""

import base64
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from httpx import Headers


def is_framed(headers: Headers) -> bool:
    """Whether a cut body can be told from a whole one."""
    return "transfer-encoding" in headers or "content-length" in headers


def body_length(headers: Headers) -> int | None:
    """The bytes of the body; None when it comes in chunks or just ends."""
    if "transfer-encoding" in headers or "content-length" not in headers:
        return None
    return int(headers["content-length"])


def content_range(headers: Headers) -> tuple[int, int, int] | None:
    """First byte, last byte and size of the whole file; None when that is not said or makes no sense."""
    said = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", headers.get("content-range", ""))
    if not said:
        return None
    first, last, total = map(int, said.groups())
    agrees = body_length(headers) in (None, last - first + 1)
    return (first, last, total) if agrees and first <= last < total else None


def unsatisfied_range(headers: Headers) -> int | None:
    """The size of the whole file that a 416 names."""
    said = re.fullmatch(r"bytes \*/(\d+)", headers.get("content-range", ""))
    return int(said[1]) if said else None


def strong_etag(headers: Headers) -> str | None:
    """The validator of these very bytes; a weak one, W/"..", allows other bytes of the same meaning."""
    etag = headers.get("etag", "")
    return etag if etag.startswith('"') else None


def announced_md5(headers: Headers) -> str | None:
    """The MD5 of the whole file, hexadecimal: Google's storage, and so Kaggle, sends it in x-goog-hash."""
    said = re.search(r"\bmd5=([A-Za-z0-9+/]{22}==)", headers.get("x-goog-hash", ""))
    return base64.b64decode(said[1]).hex() if said else None


def retry_after(headers: Headers) -> float | None:
    """The seconds to wait; a date is taken by the server's own clock where it tells the time."""
    value = headers.get("retry-after", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        now = parsedate_to_datetime(headers["date"]) if "date" in headers else datetime.now(UTC)
        return max(0.0, (parsedate_to_datetime(value) - now).total_seconds())
    except (TypeError, ValueError):
        return None
