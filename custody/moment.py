"""Moments as entries hold them: nanoseconds since 1970 in UTC, written YYYY-MM-DDThh:mm:ss.nnnnnnnnnZ (R5)."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_WRITTEN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{9}Z")


def claimed(nanoseconds: int) -> str:
    """A time as entries claim it: always nine digits."""
    seconds, fraction = divmod(nanoseconds, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z"


def nanoseconds_of(written: str) -> int | None:
    """The reverse of `claimed`; None for any other text."""
    try:
        moment = datetime.fromisoformat(f"{written[:19]}+00:00") if _WRITTEN.fullmatch(written) else None
    except ValueError:  # the 31st of February
        return None
    return None if moment is None else int(moment.timestamp()) * 1_000_000_000 + int(written[20:29])
