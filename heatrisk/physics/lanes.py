"""Eight numbers side by side: one polynomial with eight answers, for the price of one.

What a body feels in a cell has several answers (two WBGT, sun and shade, ...), all smooth in the same few
variables. Their coefficients lie beside one another in memory, so that one vector instruction serves all
eight, whatever the cell: cells need not be alike, as they would have to be for one answer of eight cells.
"""

from __future__ import annotations

from typing import Any, Final

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

LANES: Final = 8

#: Coefficients of a polynomial, each of eight numbers, without and with the variable v; see `add_polynomial`.
TERMS: Final = 12
TERMS_WITH_V: Final = 24

#: Lane to which another number is added, and the lane that is carried on instead of being added up.
EXTRA: Final = 6
CARRIED: Final = 7

_VECTOR, _INDEX = ir.VectorType(ir.FloatType(), LANES), ir.IntType(32)


def _add_polynomial(
    typingctx: Any, sums: Any, cell: Any, table: Any, row: Any,
    u: Any, v: Any, g: Any, s: Any, extra: Any, carried: Any,
) -> Any:  # fmt: skip
    """Evaluate a polynomial and add it to the sums of a cell; for kernels.

    ::

        a + (b + c g) g + (d + (e + f g) g) s + (h + (i + j g) g) s²      a, b, d: k + l u,

    with ``v``: ``k + l u + (m + n u + o v) v`` for a, b, d, and ``k + l v`` for c, e, h.

    The coefficients lie in the order in which this line needs them: of a linear one, the constant first.
    Multiplications and additions are fused, so the result is the same bits wherever a cell lies.

    Parameters
    ----------
    sums : array of float32, shape (cells, LANES)
        All lanes but `CARRIED` are added to, that one is replaced.
    cell : int
        Row of the sums.
    table : array of float32, shape (rows, LANES)
        Coefficients.
    row : int
        Of the first coefficient.
    u, g, s : float32
        Variables.
    v : float32 or None
        Variable of `TERMS_WITH_V` coefficients; None where there are `TERMS`.
    extra, carried : float32
        Added to the lanes `EXTRA` and `CARRIED`; None is nothing.

    Returns
    -------
    float32
        The polynomial's lane 0.
    """
    signature = types.float32(sums, cell, table, row, u, v, g, s, extra, carried)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        fused = ir.FunctionType(_VECTOR, (_VECTOR,) * 3)
        declared: Any = cgutils.get_or_insert_function
        fma = declared(builder.module, fused, f"llvm.fma.v{LANES}f32")
        first = _vector_at(context, builder, signature.args[2], args[2], args[3])
        terms = iter(range(TERMS_WITH_V))
        x, leaf, warmth, share, *additions = (
            None if kind is types.none else _spread(builder, number)
            for kind, number in zip(signature.args[4:], args[4:], strict=True)
        )

        def term() -> Any:
            return _aligned(builder.load(builder.gep(first, [_INDEX(next(terms))])))

        def polynomial(variable: Any, *coefficients: Any) -> Any:
            value = coefficients[-1]
            for coefficient in coefficients[-2::-1]:
                value = builder.call(fma, [value, variable, coefficient])
            return value

        def linear() -> Any:
            return polynomial(x, term(), term())

        def sloped() -> Any:
            return linear() if leaf is None else polynomial(leaf, linear(), linear(), term())

        def curved() -> Any:
            return term() if leaf is None else polynomial(leaf, term(), term())

        value = polynomial(
            share,
            polynomial(warmth, sloped(), sloped(), curved()),
            polynomial(warmth, sloped(), curved(), term()),
            polynomial(warmth, curved(), term(), term()),
        )
        kept = _vector_at(context, builder, signature.args[0], args[0], args[1])
        added = value
        for lane, number in zip((EXTRA, CARRIED), additions, strict=True):
            if number is not None:
                unit = ir.Constant(_VECTOR, [float(k == lane) for k in range(LANES)])
                added = builder.call(fma, [number, unit, added])
        total = builder.fadd(_aligned(builder.load(kept)), added)
        either = [k + LANES * (k == CARRIED) for k in range(LANES)]
        mask = ir.Constant(ir.VectorType(_INDEX, LANES), either)
        _aligned(builder.store(builder.shuffle_vector(total, added, mask), kept))
        return builder.extract_element(value, _INDEX(0))

    return signature, generate


add_polynomial: Any = intrinsic(_add_polynomial)


def _vector_at(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    """Point to the eight numbers of a row."""
    view: Any = make_array
    data = view(kind)(context, builder, array).data
    first = builder.gep(data, [builder.mul(index, ir.Constant(index.type, LANES))])
    return builder.bitcast(first, _VECTOR.as_pointer())


def _aligned(instruction: Any) -> Any:
    """Let a load or store be of single numbers' alignment, as arrays have it."""
    instruction.align = 4
    return instruction


def _spread(builder: Any, number: Any) -> Any:
    """Put one number into all lanes."""
    nothing = ir.Constant(_VECTOR, ir.Undefined)
    one = builder.insert_element(nothing, number, _INDEX(0))
    return builder.shuffle_vector(one, nothing, ir.Constant(ir.VectorType(_INDEX, LANES), [0] * LANES))
