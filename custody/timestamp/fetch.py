"""Asking an authority over the network (RFC 3161 section 3.4): a request is posted, a reply comes back."""

from __future__ import annotations

import time
from http.client import HTTPException, HTTPResponse
from urllib import request as web
from urllib.error import HTTPError, URLError

from custody.ledger.errors import CustodyError
from custody.timestamp.token import MAX_REPLY

PATIENCE = 30.0
"""Seconds in which a reply must be there."""
_ADVICE = "Check the address and the network, or carry the request by hand (`timestamp request`)."


def fetch(url: str, request: bytes, patience: float = PATIENCE) -> bytes:
    """The reply to a request, unexamined and at most one byte longer than a reply can be.

    CustodyError: no address of the web, nobody there, an HTTP error, too slow.
    """
    if not url.startswith(("http://", "https://")):
        raise CustodyError(f"{url!r} is no address of an authority", "Write http://... or https://...")
    headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
    deadline = time.monotonic() + patience
    try:
        asked = web.Request(url, request, headers)  # noqa: S310 - its scheme is examined above
        with _opener().open(asked, timeout=patience) as reply:
            return _body(reply, deadline)
    except HTTPError as error:
        raise CustodyError(f"the authority at {url} answers {error.code} {error.reason}", _ADVICE) from error
    except TimeoutError as error:
        raise CustodyError(f"the authority at {url} did not answer within {patience:g} seconds", _ADVICE) from error
    except (URLError, HTTPException, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise CustodyError(f"the authority at {url} cannot be asked: {reason}", _ADVICE) from error


def _opener() -> web.OpenerDirector:
    """HTTP and HTTPS alone, by the proxy that the environment names; it follows nobody elsewhere."""
    opener = web.OpenerDirector()
    for handler in (web.ProxyHandler, web.HTTPHandler, web.HTTPSHandler):
        opener.add_handler(handler())
    opener.add_handler(web.HTTPDefaultErrorHandler())
    opener.add_handler(web.HTTPErrorProcessor())
    return opener


def _body(reply: HTTPResponse, deadline: float) -> bytes:
    found = b""
    while len(found) <= MAX_REPLY and (chunk := reply.read1(MAX_REPLY + 1 - len(found))):
        found += chunk
        if time.monotonic() > deadline:
            raise TimeoutError
    return found
