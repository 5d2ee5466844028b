"""Bodies of requests: no more is read than may be sent, and no longer than a patient server waits."""

from __future__ import annotations

import asyncio

from fastapi import Request
from starlette.exceptions import HTTPException

from heatrisk.api.problems import TooLargeError
from heatrisk.words import Words

#: How long a body may take to arrive [s].
PATIENCE = 10.0


async def limited(request: Request, most: int) -> bytes:
    """Return the body of a request.

    Parameters
    ----------
    request : Request
        The request.
    most : int
        Largest body that is read [bytes].

    Raises
    ------
    TooLargeError
        It is larger.
    HTTPException
        It did not arrive in time.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(PATIENCE):
            async for part in request.stream():
                body += part
                if len(body) > most:
                    raise TooLargeError(
                        Words("送信されたデータが大きすぎます", "the body is too large"),
                        expected=Words(f"{most} バイト以下", f"≤ {most} bytes"),
                    )
    except TimeoutError:
        raise HTTPException(408) from None
    return bytes(body)
