"""Sixteen cells side by side: one polynomial with several answers, for cells that share its coefficients.

What a body feels in a cell has several answers (WBGT in sun and in shade, ...), all smooth in the same few
variables. Cells lie in the order of their tables (`heatrisk.physics.order`), so that neighbours there share
all coefficients: one vector instruction serves sixteen cells (on older processors two do), whatever their
variables.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

LANES: Final = 16

#: Columns of a table, each an answer by the same variables: ``wbgt_moe`` of the sunny and of the shady side,
#: ``wbgt_iso``, ``tmrt`` and ``utci``. Sums have a row for each, then one for the cell's own ``wbgt_moe``,
#: and one for the highest of it.
COLUMNS: Final = 5
MOE_SUN, MOE_SHADE, ISO, TMRT, UTCI, MOE, PEAK = range(COLUMNS + 2)
SUMS: Final = COLUMNS + 2

#: Coefficients of a polynomial without the variable v, and with it; see `add_moment`.
TERMS: Final = 12
TERMS_WITH_V: Final = 24

_VECTOR, _INDEX = ir.VectorType(ir.FloatType(), LANES), ir.IntType(64)


class _Cells:
    """Sixteen cells, while code is generated for them."""

    def __init__(self, context: Any, builder: Any, kinds: Any, args: Any) -> None:
        self.builder = builder
        view: Any = make_array
        arrays: list[Any] = [
            view(kind)(context, builder, value) if isinstance(kind, types.Array) else None
            for kind, value in zip(kinds, args, strict=True)
        ]
        self.target: Any = arrays[0]
        self.at, table, row = args[1], arrays[2], args[3]
        self.coefficients = builder.gep(table.data, [builder.mul(row, _INDEX(COLUMNS))])
        self.u, self.v, self.g, self.s = (one and self.load(one.data, self.at) for one in arrays[4:])
        fused = ir.FunctionType(_VECTOR, (_VECTOR,) * 3)
        declared: Any = cgutils.get_or_insert_function
        self._fma = declared(builder.module, fused, f"llvm.fma.v{LANES}f32")

    def fma(self, a: Any, b: Any, c: Any) -> Any:
        """Return ``a b + c``, rounded once."""
        return self.builder.call(self._fma, [a, b, c])

    def load(self, data: Any, place: Any) -> Any:
        """Read sixteen numbers that follow one another."""
        return _aligned(self.builder.load(self._pointer(data, place)))

    def store(self, vector: Any, data: Any, place: Any) -> None:
        """Write sixteen numbers that follow one another."""
        _aligned(self.builder.store(vector, self._pointer(data, place)))

    def _pointer(self, data: Any, place: Any) -> Any:
        return self.builder.bitcast(self.builder.gep(data, [place]), _VECTOR.as_pointer())

    def spread(self, term: int, column: int) -> Any:
        """Put one coefficient into all lanes."""
        address = self.builder.gep(self.coefficients, [_INDEX(term * COLUMNS + column)])
        nothing, lane = ir.Constant(_VECTOR, ir.Undefined), ir.IntType(32)
        one = self.builder.insert_element(nothing, self.builder.load(address), lane(0))
        mask = ir.Constant(ir.VectorType(lane, LANES), [0] * LANES)
        return self.builder.shuffle_vector(one, nothing, mask)

    def answer(self, column: int) -> Any:
        """Evaluate the polynomial of a column."""
        terms, more = iter(range(TERMS)), iter(range(TERMS, TERMS_WITH_V))

        def powers(variable: Any, *coefficients: Any) -> Any:
            value = coefficients[-1]
            for coefficient in coefficients[-2::-1]:
                value = self.fma(value, variable, coefficient)
            return value

        def take(of: Any) -> Any:
            return self.spread(next(of), column)

        def linear(of: Any) -> Any:
            return powers(self.u, take(of), take(of))

        def sloped() -> Any:
            value = linear(terms)
            return value if self.v is None else powers(self.v, value, linear(more), take(more))

        def curved() -> Any:
            value = take(terms)
            return value if self.v is None else powers(self.v, value, take(more))

        return powers(
            self.s,
            powers(self.g, sloped(), sloped(), curved()),
            powers(self.g, sloped(), curved(), take(terms)),
            powers(self.g, curved(), take(terms), take(terms)),
        )

    def row(self, k: int) -> Any:
        """Where a row of the target begins."""
        return self.builder.mul(self.builder.extract_value(self.target.shape, 1), _INDEX(k))


def _of_cells(generate: Callable[[_Cells], None]) -> Callable[..., Any]:
    """Make an intrinsic of what is done to sixteen cells."""

    def typed(
        typingctx: Any, target: Any, at: Any, table: Any, row: Any, u: Any, v: Any, g: Any, s: Any
    ) -> Any:
        arrays = [kind for kind in (target, table, u, v, g, s) if not isinstance(kind, types.NoneType)]
        if any(kind.dtype != types.float32 or kind.layout != "C" for kind in arrays):
            return None  # numba says which call it cannot type

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            generate(_Cells(context, builder, signature.args, args))
            return context.get_dummy_value()

        return types.void(target, types.int64, table, types.int64, u, v, g, s), code

    return typed


def _add(cells: _Cells) -> None:
    """Generate `add_moment`."""
    builder = cells.builder
    answers = [cells.answer(column) for column in range(COLUMNS)]
    shade = answers[MOE_SHADE]
    moe = cells.fma(cells.s, builder.fsub(answers[MOE_SUN], shade), shade)
    places = [builder.add(cells.row(k), cells.at) for k in range(SUMS)]
    kept = [cells.load(cells.target.data, place) for place in places]
    sums = [builder.fadd(*pair) for pair in zip(kept, (*answers, moe), strict=False)]
    highest = builder.select(builder.fcmp_ordered(">", moe, kept[PEAK]), moe, kept[PEAK])
    for place, value in zip(places, (*sums, highest), strict=True):
        cells.store(value, cells.target.data, place)


def _write(cells: _Cells) -> None:
    """Generate `write_answers`."""
    for column in range(COLUMNS):
        cells.store(cells.answer(column), cells.target.data, cells.row(column))


add_moment: Any = intrinsic(_of_cells(_add))
"""``add_moment(sums, at, table, row, u, v, g, s)``, in a kernel, adds one moment to the sums of some cells.

The polynomial of every column is ::

    a + (b + c g) g + (d + (e + f g) g) s + (h + (i + j g) g) s²      a, b, d: k + l u,

with ``v``: ``k + l u + (m + n u + o v) v`` for a, b, d, and ``k + l v`` for c, e, h. The coefficients lie in
the order in which this line needs them, of a linear one the constant first; those of ``v`` after all others.
Multiplications and additions are fused, so the result is the same bits wherever a cell lies.

sums : array of float32, shape (SUMS, cells); the columns are added to, ``wbgt_moe`` is that of both sides
    weighted by ``s``, and the highest is kept; what is not a number is not the highest.
at : int, the first of sixteen cells.
table, row : array of float32, shape (rows, COLUMNS), and the row of the first coefficient.
u, g, s : array of float32, shape (cells,), variables.
v : array of float32 or None, variable of `TERMS_WITH_V` coefficients; None where there are `TERMS`.
"""

write_answers: Any = intrinsic(_of_cells(_write))
"""``write_answers(answers, at, table, row, u, v, g, s)`` writes the columns of sixteen cells.

``answers`` has the shape (COLUMNS, LANES); the other arguments are those of `add_moment`.
"""


def _aligned(instruction: Any) -> Any:
    """Let a load or store be of single numbers' alignment, as arrays have it."""
    instruction.align = 4
    return instruction
