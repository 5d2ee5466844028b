"""The body of an answer, unpacked piece by piece, so that no bomb is ever held in memory."""

from __future__ import annotations

import zlib
from collections.abc import AsyncGenerator
from contextlib import aclosing

import httpx

from heatrisk.sources.web.trouble import on_the_way, trouble

_PIECE = 2**20
_GZIP = 16 + zlib.MAX_WBITS


async def unpacked(response: httpx.Response, timeout: float) -> AsyncGenerator[bytes, None]:
    """Return the bytes of a body in pieces of at most a mebibyte.

    Parameters
    ----------
    response : httpx.Response
        An answer whose body has not been read.
    timeout : float
        Longest silence [s], for the message.

    Raises
    ------
    FetchError
        It was cut, is damaged, or packed otherwise than with gzip.
    """
    coding = response.headers.get("content-encoding", "").strip().lower()
    if coding not in ("", "identity", "gzip", "x-gzip"):
        raise trouble("coding", coding[:40])
    unpack = zlib.decompressobj(_GZIP)
    async with aclosing(response.aiter_raw()) as pieces:  # type: ignore[type-var]  # it is a generator
        while True:
            with on_the_way(timeout):
                piece = await anext(pieces, None)
            if piece is None:
                break
            if not coding or coding == "identity":
                yield piece
                continue
            try:
                while piece:
                    if unpack.eof:
                        unpack = zlib.decompressobj(_GZIP)
                    yield unpack.decompress(piece, _PIECE)
                    piece = unpack.unused_data if unpack.eof else unpack.unconsumed_tail
            except zlib.error as error:
                raise trouble("cut") from error
    if coding.endswith("gzip"):
        yield unpack.flush()
        if not unpack.eof:
            raise trouble("cut")
