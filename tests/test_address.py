"""Addresses: times and variables filled in, secrets hidden, names safe."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatrisk.city.location import Url, masked
from heatrisk.city.sections import FileSection
from heatrisk.errors import InputError
from heatrisk.sources.web.address import address, expanded
from tests.messages import explains

EVENING = datetime(2026, 7, 31, 16, 5, tzinfo=UTC)  # 01:05 of the next day in Japan


@pytest.mark.parametrize(
    ("url", "filled"),
    [
        ("https://x/alert_{%Y%m%d}_05.csv", "https://x/alert_20260801_05.csv"),
        ("https://x/{%Y}/{%m-%d_%H%M}/{%j}/{%y}", "https://x/2026/08-01_0105/213/26"),
        ("https://x/{z}/{x}/{y}.png?k=${Y}", "https://x/{z}/{x}/{y}.png?k=${Y}"),
        ("https://x/100%25/a", "https://x/100%25/a"),
        ("https://x/${%Y}", "https://x/${%Y}"),
    ],
)
def test_times_are_those_of_japan(url: str, filled: str) -> None:
    assert expanded(url, EVENING) == filled


@pytest.mark.parametrize("code", ["{%Q}", "{%Y%}", "{%-d}", "{%s}", "{%Y%%m}"])
def test_unknown_codes_are_refused(code: str) -> None:
    with pytest.raises(InputError) as caught:
        expanded(f"https://x/{code}?key=abc", EVENING)
    said = explains(caught.value, f"https://x/{code}?key=***")
    assert code in said
    assert "abc" not in said


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:pw@x/a", "https://***@x/a"),
        ("https://x/a?api_key=1&b=2", "https://x/a?api_key=***&b=2"),
        ("https://x/a?ACCESS-TOKEN=1;Secret=2;passwd=3&appid=4#sig=5",
         "https://x/a?ACCESS-TOKEN=***;Secret=***;passwd=***&appid=***#sig=***"),
        ("https://x/a?api%5Fkey=1", "https://x/a?api%5Fkey=***"),
        ("https://x/a?keyword=park&lat=35.6", "https://x/a?keyword=park&lat=35.6"),
        ("https://x/a?mail=me@y.jp", "https://x/a?mail=me@y.jp"),
    ],
)  # fmt: skip
def test_secrets_are_masked(url: str, shown: str) -> None:
    assert masked(url) == shown
    section = FileSection.model_validate({"path": [url]})
    assert section.paths == (Url(url),), "the city file keeps it for use"
    assert section.model_dump()["paths"] == (shown,), "what is written down does not show it"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://x/dl/yohou_44132.csv?v=2", "yohou_44132.csv"),
        ("https://x/%E5%9C%B0%E5%9B%B3.ZIP", "地図.ZIP"),
        ("https://x/a%2F..%2F..%2Fetc%2Fpasswd", "a_.._.._etc_passwd"),
        ("https://x/..", "download"),
        ("https://x/.htaccess", "htaccess"),
        ("https://x/a b\u3000c:d*.csv", "a_b_c_d_.csv"),
        ("https://x", "download"),
        ("https://x/v1/forecast?latitude=35", "forecast"),
        ("https://x/?f=a/b.csv", "download"),
        ("https://x/%00%ff.csv", "_.csv"),
        ("https://x/" + "あ" * 300 + ".geojson", "あ" * 60 + ".geojson"),
    ],
)
def test_names_are_safe_and_keep_their_ending(url: str, name: str) -> None:
    assert address(url, EVENING).name == name


def test_variables_are_filled_in_at_the_moment_of_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITY_KEY", " abc\n")
    found = address("https://x/${CITY_KEY}/a.csv?k=${CITY_KEY}", EVENING)
    assert found.url == "https://x/abc/a.csv?k=abc"
    assert found.shown == "https://x/${CITY_KEY}/a.csv?k=${CITY_KEY}"
    assert "abc" not in repr(found)
    monkeypatch.setenv("CITY_KEY", "other")
    assert address("https://x/${CITY_KEY}/a.csv?k=${CITY_KEY}", EVENING).key != found.key


@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv("CITY_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("CITY_KEY", value)
    with pytest.raises(InputError) as caught:
        address("https://me:pw@x/a?k=${CITY_KEY}", EVENING)
    said = explains(caught.value, "https://***@x/a?k=${CITY_KEY}")
    assert "環境変数 CITY_KEY" in said
    assert "variable CITY_KEY is not set" in said


@pytest.mark.parametrize(
    "url",
    ["https://", "https://[::bad/a", "https://x:99999/a", "http://x/\0", "ftp://x/a", "https://x/${", "file:///etc/passwd",
     "https://xn--\u2603-/a", "https://x/" + "a" * 70_000],
)  # fmt: skip
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InputError) as caught:
        address(url, EVENING)
    explains(caught.value, url)


@given(st.text(max_size=80), st.sampled_from(["https://x/", "http://", "https://x/?", ""]))
def test_any_text_is_an_address_or_an_error(text: str, start: str) -> None:
    try:
        found = address(start + text, EVENING)
    except InputError:
        return
    assert found.name not in ("", ".", "..")
    assert PurePosixPath(found.name).name == found.name == found.name.replace("\0", "")
    assert len(found.name.encode()) <= 255
