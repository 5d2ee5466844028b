"""JSON that cannot be read: the line in both languages, and what helps."""

from __future__ import annotations

from pathlib import Path

import pytest

from heatrisk.errors import SourceError
from heatrisk.sources.json_text import read_json
from tests.messages import explains


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{\n"a": 1 "b": 2}', "実際: 2 行 8 文字目の誤り。ファイルを入手し直してください"),
        (b'{"a": [1, 2', "実際: 途中で切れています"),
        ('{"地点": 1}'.encode("cp932"), "UTF-8 でない文字があります。UTF-8 で保存し直してください"),
        (b'{"a": NaN}', "実際: NaN（JSON の数ではありません）"),
        (b"[" * 100_000, "実際: 入れ子が深すぎます"),
    ],
)
def test_what_is_wrong_is_told_in_japanese(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(SourceError) as caught:
        read_json(path)
    assert told in explains(caught.value, path)
