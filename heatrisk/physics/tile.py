"""Transposition of a square of numbers in the registers of the processor: whole rows are read and written.

One number at a time, turning a raster takes several times as long as everything else that is done to it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

SIDE: Final = 8
"""Rows and columns of the square."""

AHEAD: Final = 4 * SIDE
"""Rows of a raster that `fetch_rows` asks for before they are read or written."""

_BYTE, _FLAG = ir.IntType(8), ir.IntType(32)


def _turn_square(
    typing: Any, source: Any, row: Any, column: Any, target: Any, turned_row: Any, turned_column: Any
) -> tuple[Any, Callable[..., Any]]:
    """Type and generate `turn_square`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        read, write = (_rows(context, builder, signature.args[k], *arguments[k : k + 3]) for k in (0, 3))
        size = context.get_abi_sizeof(context.get_value_type(source.dtype))
        rows = [builder.load(pointer, align=size) for pointer in read]
        for half in (4, 2, 1):
            rows = _exchange(builder, rows, half)
        for turned, pointer in zip(rows, write, strict=True):
            builder.store(turned, pointer, align=size)
        return context.get_dummy_value()

    return types.void(source, types.intp, types.intp, target, types.intp, types.intp), generate


def _fetch_rows(typing: Any, raster: Any, row: Any, column: Any) -> tuple[Any, Callable[..., Any]]:
    """Type and generate `fetch_rows`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        for pointer in _rows(context, builder, raster, *arguments):
            address = builder.bitcast(pointer, _BYTE.as_pointer())
            kind = ir.FunctionType(ir.VoidType(), [address.type, _FLAG, _FLAG, _FLAG])
            fetch = builder.module.declare_intrinsic("llvm.prefetch", [address.type], kind)
            builder.call(fetch, [address, _FLAG(0), _FLAG(3), _FLAG(1)])
        return context.get_dummy_value()

    return types.void(raster, types.intp, types.intp), generate


def _rows(context: Any, builder: Any, kind: Any, array: Any, row: Any, column: Any) -> list[Any]:
    """Point at the rows of the square as vectors."""
    raster = context.make_array(kind)(context, builder, array)
    shape, strides = (
        [builder.extract_value(part, k) for k in (0, 1)] for part in (raster.shape, raster.strides)
    )
    vector = ir.VectorType(context.get_value_type(kind.dtype), SIDE).as_pointer()
    pointers = []
    for i in range(SIDE):
        place = [builder.add(row, row.type(i)), column]
        number = cgutils.get_item_pointer2(context, builder, raster.data, shape, strides, kind.layout, place)  # type: ignore[no-untyped-call]
        pointers.append(builder.bitcast(number, vector))
    return pointers


def _exchange(builder: Any, rows: list[Any], half: int) -> list[Any]:
    """Exchange, in every square of two halves, the upper right part with the lower left."""
    places = np.arange(SIDE)
    left = places % (2 * half) < half
    upper, lower = np.where(left, places, places - half + SIDE), np.where(left, places + half, places + SIDE)
    out = list(rows)
    for i in places[left]:
        for k, pattern in ((i, upper), (i + half, lower)):
            mask = ir.Constant(ir.VectorType(ir.IntType(32), SIDE), [int(place) for place in pattern])
            out[k] = builder.shuffle_vector(rows[i], rows[i + half], mask)
    return out


turn_square: Any = intrinsic(_turn_square)
"""``turn_square(source, row, column, target, turned_row, turned_column)``, for kernels, writes
``target[turned_row + j, turned_column + i] = source[row + i, column + j]`` for i and j below `SIDE`.

Both are rasters of one type with numbers side by side in each row; nothing checks that the squares lie within
them."""

fetch_rows: Any = intrinsic(_fetch_rows)
"""``fetch_rows(raster, row, column)``, for kernels, asks memory early for the numbers at a column
of `SIDE` rows; what lies outside the raster is nothing to it."""
