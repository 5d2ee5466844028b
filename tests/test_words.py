"""Words carry both languages; a note is words with a code."""

from __future__ import annotations

from heatrisk.words import Note, Words


def test_words_are_asked_by_language() -> None:
    words = Words("暑い", "hot")
    assert words.to("ja") == "暑い"
    assert words.to("en") == "hot"
    assert words._asdict() == {"ja": "暑い", "en": "hot"}


def test_note_is_ready_for_json() -> None:
    note = Note.of("heat", "暑い", "hot")
    assert note == Note("heat", Words("暑い", "hot"))
    assert note.as_dict() == {"code": "heat", "ja": "暑い", "en": "hot"}
