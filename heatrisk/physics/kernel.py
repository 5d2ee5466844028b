"""Numba options, set once for every kernel of the package.

``fastmath`` stays off: NaN is the no-data value, and fast maths may assume it away.
Compiled code is cached on disk, so only the first call after an installation compiles. Numba's cache looks
at the file of a kernel alone; ours at all files of this package, and at those beside a kernel that lies
elsewhere, because kernels call each other across files and a cached one must not outlive a change in what it
calls.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

import numba
import numba.extending

F = TypeVar("F", bound=Callable[..., Any])


@cache
def _sources(folder: Path) -> str:
    """Return the digest of the sources in a folder."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(folder.glob("*.py")))).hexdigest()


#: Digest of the sources of this package: what a cached result of its kernels depends on besides its inputs.
SOURCES: Final = _sources(Path(__file__).parent)


def kernel(function: F) -> F:
    """Compile a single-threaded kernel (cached, IEEE arithmetic, releases the GIL)."""
    compiled: F = _cached(numba.njit(fastmath=False, nogil=True, error_model="numpy")(function))
    return compiled


def parallel_kernel(function: F) -> F:
    """Compile a kernel whose ``numba.prange`` loops run on all threads."""
    compile_ = numba.njit(fastmath=False, nogil=True, parallel=True, error_model="numpy")
    compiled: F = _cached(compile_(function))
    return compiled


def formula(function: F) -> F:
    """Let kernels call a plain NumPy function, compiled, while Python callers broadcast with it as it is."""
    return numba.extending.register_jitable(error_model="numpy")(function)


def _cached(dispatcher: Any) -> Any:
    """Switch on the disk cache, stamped with all sources that count; do without on a read-only one."""
    with contextlib.suppress(RuntimeError, AttributeError):
        dispatcher.enable_caching()
        beside = _sources(Path(dispatcher.py_func.__code__.co_filename).parent)
        kept = dispatcher._cache._cache_file
        kept._source_stamp = SOURCES + beside
        # The version is read first: what other sources left, with types that are gone, is never unpacked.
        kept._version = f"{kept._version} {kept._source_stamp}"
    return dispatcher


def _lent(typing: Any, array: Any) -> tuple[Any, Callable[..., Any]]:
    """Type and generate `lent`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        view = context.make_array(signature.args[0])(context, builder, arguments[0])
        view.meminfo, view.parent = view.meminfo.type(None), view.parent.type(None)
        return view._getvalue()

    return array(array), generate


lent: Any = numba.extending.intrinsic(_lent)
"""``lent(array)``, in a kernel, views an array that the caller holds without counting references: one of its
arguments, or a field or element of one.

A slice counts itself in and out of its array, and threads that slice the same one wait for each other at the
counter. Slices of the view count nowhere, and none may outlive the call."""
