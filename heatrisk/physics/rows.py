"""The inner loops of the sweep: all lines of one sun pass one row.

A loop does all that there is to do to a line in a row, so that every number is read and written once: the
shade falls and is raised by the columns behind and at the corner, the bands of crown shade likewise, and the
receptors that see the sun are counted. Eight lines go side by side in the registers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

from heatrisk.physics.kernel import kernel
from heatrisk.physics.line import FAR, Heights


class Falls(NamedTuple):
    """How far the shade of one sun falls on its way over a row [m]."""

    row: np.float32  # from row to row
    half: np.float32  # from the edge of a cell to its middle
    edge: np.float32  # from the edge of the column behind to here
    corner: np.float32  # from the edge of the corner cell to here
    entering: np.float32  # rise of the upper edge of crowns, from the edge between the rows into the corner,
    leaving: np.float32  # and fall of the lower one, out of it


class Receptors(NamedTuple):
    """What is asked of a row and where the answers go."""

    height: np.float32  # above the ground [m]
    inside: np.int32  # 1 inside the window, 0 elsewhere: nothing is counted there
    lit: Any  # (lines,) int32, added to: receptors in the sun of buildings and ground
    veiled: Any  # the same, those of the lit whose ray passes a crown; no matter in a town without trees


def _bits(typing: Any, number: Any) -> Any:
    """Type and generate `bits`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(32))

    return types.int32(number), generate


bits: Any = intrinsic(_bits)
"""``bits(height)``, in a kernel, are those of a float32: the last one marks a column."""


@kernel
def _raised(height: Any, edge: Any) -> Any:
    return edge if edge > height else height


@kernel
def _left(top: Any, falls: Falls) -> Any:
    """Shade of the cell behind: ground acts from centre to centre, a column from its edge."""
    return top - (falls.edge if bits(top) & 1 else falls.row)


@kernel
def _passed(top: Any, falls: Falls) -> Any:
    """Shade of the corner cell, of which only a column counts."""
    return top - falls.corner if bits(top) & 1 else -FAR


@kernel
def _lit(shade: Any, level: Any, top: Any, inside: Any) -> Any:
    """Count a receptor that the shade of ground and columns does not reach."""
    return inside & np.int32(shade <= level) & ~bits(top)


@kernel
def _joined(upper: Any, lower: Any, fall: Any, ground: Any, top: Any, base: Any) -> tuple[Any, Any]:
    """Let the band of crown shade fall and join a crown to it.

    A band that has sunk into the ground or a roof ends, so the sun between two rows of trees stays. So does
    one below a crown that it does not touch: carried with it, it would shade beyond its own reach.
    """
    over = upper - fall
    under = lower - fall if over > ground and (over >= base or not base < FAR) else FAR
    return (top if top > over else over), (base if base < under else under)


@kernel
def pass_row(shade: Any, behind: Any, here: Any, falls: Falls, receptors: Receptors) -> None:
    """Let lines pass a row without a corner cell.

    Parameters
    ----------
    shade : array of float32, shape (lines,)
        Highest shade, changed in place. [m]
    behind, here : array of float32, shape (lines,)
        Tops of the row before and of this one, see `heatrisk.physics.line.Heights`. [m]
    falls : Falls
        Of this row.
    receptors : Receptors
        Of this row.
    """
    for i in range(shade.size):
        height = _raised(shade[i] - falls.row, _left(behind[i], falls))
        shade[i] = height
        receptors.lit[i] += _lit(height, here[i] + receptors.height, here[i], receptors.inside)


@kernel
def pass_corner(
    shade: Any, behind: Any, corner: Any, here: Any, falls: Falls, receptors: Receptors
) -> None:  # fmt: skip
    """Let lines pass a row by a corner cell; arguments as of `pass_row`."""
    for i in range(shade.size):
        height = _raised(shade[i] - falls.row, _left(behind[i], falls))
        height = _raised(height, _passed(corner[i], falls))
        shade[i] = height
        receptors.lit[i] += _lit(height, here[i] + receptors.height, here[i], receptors.inside)


class Band(NamedTuple):
    """The edges of the shade behind crowns [m], by line; both far off where there is none."""

    upper: Any
    lower: Any


@kernel
def is_veiled(level: Any, upper: Any, lower: Any, top: Any, base: Any, half: Any) -> Any:
    """Tell whether the ray of a receptor passes a crown, another tree's or the one above it."""
    other = (lower - half <= level) & (level <= upper - half)
    above = (base - half <= level) & (level <= top)
    return other | above


@kernel
def _carried(band: Band, i: int, behind: Heights, falls: Falls) -> tuple[Any, Any]:
    """Carry the band of a line over the row behind, with its crowns, to its far edge."""
    top, base = behind.crown_top[i], behind.crown_base[i] - falls.row
    return _joined(band.upper[i], band.lower[i], falls.row, behind.top[i], top, base)


@kernel
def pass_row_of_trees(
    shade: Any, band: Band, behind: Heights, here: Heights, falls: Falls, receptors: Receptors
) -> None:  # fmt: skip
    """Let lines pass a row without a corner cell; arguments as of `pass_row`, with crowns."""
    for i in range(shade.size):
        height = _raised(shade[i] - falls.row, _left(behind.top[i], falls))
        upper, lower = _carried(band, i, behind, falls)
        level = here.top[i] + receptors.height
        lit = _lit(height, level, here.top[i], receptors.inside)
        veiled = is_veiled(level, upper, lower, here.crown_top[i], here.crown_base[i], falls.half)
        shade[i], band.upper[i], band.lower[i] = height, upper, lower
        receptors.lit[i] += lit
        receptors.veiled[i] += lit & np.int32(veiled)


@kernel
def pass_corner_of_trees(
    shade: Any, band: Band, behind: Heights, corner: Heights, here: Heights, falls: Falls,
    receptors: Receptors,
) -> None:  # fmt: skip
    """Let lines pass a row by a corner cell; arguments as of `pass_row_of_trees`."""
    nil = np.float32(0.0)
    for i in range(shade.size):
        height = _raised(shade[i] - falls.row, _left(behind.top[i], falls))
        height = _raised(height, _passed(corner.top[i], falls))
        upper, lower = _carried(band, i, behind, falls)
        top, base = corner.crown_top[i] + falls.entering, corner.crown_base[i] + falls.leaving
        upper, lower = _joined(upper, lower, nil, here.top[i], top, base)
        level = here.top[i] + receptors.height
        lit = _lit(height, level, here.top[i], receptors.inside)
        veiled = is_veiled(level, upper, lower, here.crown_top[i], here.crown_base[i], falls.half)
        shade[i], band.upper[i], band.lower[i] = height, upper, lower
        receptors.lit[i] += lit
        receptors.veiled[i] += lit & np.int32(veiled)
