"""How a run went, in one line and one exit code."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from heatrisk.words import Note, Words


class Light(StrEnum):
    """The colour of a verdict."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"
    OFF_SEASON = "off-season"


#: Process exit code of each verdict; 2 is a usage error.
EXIT_CODES = {Light.GREEN: 0, Light.AMBER: 10, Light.RED: 20, Light.OFF_SEASON: 30}

_NAMES = {
    Light.GREEN: Words("正常", "green"),
    Light.AMBER: Words("要確認", "amber"),
    Light.RED: Words("異常", "red"),
    Light.OFF_SEASON: Words("期間外", "off-season"),
}


def headed(light: Light, words: Words) -> Words:
    """Return a line that begins with the name of its colour."""
    name = _NAMES[light]
    return Words(f"【{name.ja}】{words.ja}", f"[{name.en}] {words.en}")


@dataclass(frozen=True)
class Verdict:
    """The result of a run for those who must rely on it.

    Parameters
    ----------
    light : Light
        Green: all as it should be. Amber: published, but something was stale, missing or doubtful.
        Red: nothing was published, the last good run stays. Off-season: there is no forecast to use.
    summary : Words
        What was done, or why not.
    notes : tuple of Note
        The reasons for amber.
    """

    light: Light
    summary: Words
    notes: tuple[Note, ...] = ()

    @property
    def exit_code(self) -> int:
        """Exit code for the calling process."""
        return EXIT_CODES[self.light]

    @property
    def line(self) -> Words:
        """The whole verdict on one line."""
        count = len(self.notes)
        reasons = self.notes[0].words if self.notes else None
        more = Words(
            f" ほか {count - 1} 件" if count > 1 else "", f" and {count - 1} more" if count > 1 else ""
        )
        return headed(
            self.light,
            Words(
                self.summary.ja + (f"（{reasons.ja}{more.ja}）" if reasons else ""),
                self.summary.en + (f" ({reasons.en}{more.en})" if reasons else ""),
            ),
        )

    def with_note(self, note: Note) -> Verdict:
        """Return the verdict with one more reason, which turns green into amber."""
        light = Light.AMBER if self.light is Light.GREEN else self.light
        return replace(self, light=light, notes=(*self.notes, note))

    def as_dict(self) -> dict[str, Any]:
        """Return the verdict as JSON-ready values."""
        return {
            "level": self.light.value,
            "exit_code": self.exit_code,
            **self.line._asdict(),
            "notes": [note.as_dict() for note in self.notes],
        }
