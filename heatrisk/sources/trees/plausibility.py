"""Whether what is named as trees can be trees, told from the buildings and the ground around them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from heatrisk.errors import InputError
from heatrisk.scene import Scene
from heatrisk.words import Note, Words

#: Sub-cells that are looked at: shares of a town need no more.
_CELLS = 2**22


def check_canopy(scene: Scene, path: Path) -> Note | None:
    """Refuse crowns that are the ground's elevation; return the doubt that crowns cover most buildings.

    Trees stand beside houses: a forest may cover most of a town, but not most of its roofs. And the height
    of trees does not follow the elevation metre for metre: where this explains most of the differences
    between crowns (the efficiency of a model after Nash & Sutcliffe 1970 [1]_, above a half), it is the same
    quantity. Either criterion holds at any height, so a terrain of 5 m is found like one of 50 m.

    Parameters
    ----------
    scene : Scene
        The town; crowns that do not reach above the receptor do not count.
    path : pathlib.Path
        What messages name.

    Raises
    ------
    InputError
        The crowns are the elevation of the ground.

    References
    ----------
    .. [1] J. E. Nash, J. V. Sutcliffe (1970), River flow forecasting through conceptual models part I,
       J. Hydrol. 10, 282-290.
    """
    if scene.crown_top is None:
        return None
    step = math.ceil(math.sqrt(scene.crown_top.size / _CELLS))
    top, ground, roof = (each[::step, ::step] for each in (scene.crown_top, scene.terrain, scene.roof))
    crown, built = top > scene.receptor_height, np.isfinite(roof)
    if not crown.any():
        return None
    low, high, area = float(top[crown].min()), float(top[crown].max()), float(crown.mean())
    known = crown & np.isfinite(ground)
    heights = top[known].astype(np.float64)
    over = float(crown[built].mean()) if built.any() else area
    # Few trees may follow the ground by chance; elevations go on where houses stand.
    like = np.square(heights - ground[known]).sum() < 0.5 * np.square(heights - heights.mean()).sum()
    if like and over > 0.5 * area:
        raise InputError(
            Words(
                "樹木の高さではなく標高のようです", "this looks like elevations, not like heights of trees"
            ),
            where=path,
            expected=Words("地面からの樹木の高さ(m)", "heights of trees above the ground [m]"),
            got=f"{low:.1f}..{high:.1f} m, {area:.0%}",
            remedy=Words(
                "[trees] には樹冠高のファイルを、標高は [terrain] に指定してください",
                "Name canopy heights in [trees]; elevations belong in [terrain].",
            ),
        )
    if over <= 0.5 or not built.any():
        return None
    return Note.of(
        "canopy_over_buildings",
        f"{low:.0f}～{high:.0f} m の樹木が範囲の {area:.0%}、建物の {over:.0%} を覆っています。"
        "[trees] のファイルが地面からの樹木の高さか確かめてください",
        f"trees of {low:.0f}–{high:.0f} m cover {area:.0%} of the area and {over:.0%} of its buildings; "
        "check that [trees] names heights of trees above the ground",
    )
