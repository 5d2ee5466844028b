"""Message catalogue and files of the page: every language says everything, nothing leads elsewhere."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import get_args

import pytest

from heatrisk.api import pages
from heatrisk.api.shelters import Equipment
from heatrisk.layers import LAYERS, NO_DATA, legend
from heatrisk.reports import Condition
from heatrisk.risk import RISK_SCALES

DASHBOARD = Path(pages.__file__).parents[1] / "dashboard"
LANGUAGES = ("ja", "ja-easy", "en", "zh", "ko")
#: Said by the service in its own two languages; the catalogues of the others say them under these names.
TOLD = re.compile(r"(level|advice|legend|about_layer|term|no_data|note|reference)_\w+|indoors")
SCRIPTS = {
    path.name: path.read_text("utf-8") for path in sorted(DASHBOARD.glob("*.js")) if path.name != "staff.js"
}


def catalogue(language: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((DASHBOARD / "words" / f"{language}.json").read_text("utf-8"))
    return found


def blanks(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def test_the_list_of_languages_is_the_list_of_catalogues() -> None:
    listed = json.loads((DASHBOARD / "words" / "languages.json").read_text("utf-8"))
    assert tuple(listed) == LANGUAGES
    assert {path.stem for path in (DASHBOARD / "words").glob("*.json")} == {*LANGUAGES, "languages"}
    assert all(catalogue(code)["language_name"] == name for code, name in listed.items())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_everything_with_the_same_blanks(language: str) -> None:
    ours, said = catalogue("ja"), catalogue(language)
    assert not ours.keys() - said.keys()
    assert not [key for key in said.keys() - ours.keys() if not TOLD.fullmatch(key)]
    assert not [key for key, text in ours.items() if blanks(text) != blanks(said[key])]
    assert [key for key, text in said.items() if not text and key != "sentence_gap"] == []


def test_the_form_of_facilities_says_everything_in_every_language() -> None:
    folder = DASHBOARD / "words" / "staff"
    said = {path.stem: json.loads(path.read_text("utf-8")) for path in folder.iterdir()}
    assert said.keys() == set(LANGUAGES)
    page, script = (DASHBOARD.joinpath(name).read_text("utf-8") for name in ("staff.html", "staff.js"))
    named = {*re.findall(r'data-words="(\w+)"', page), *re.findall(r'(?:say|told)\("(\w+)"', script)}
    reported = {*get_args(Condition), *get_args(Equipment)}
    refused = {"failed", "token-needed", "token-of-another", "shelter-not-found", "too-often"}
    for texts in said.values():
        assert texts.keys() == named | reported | refused
        assert all(texts.values())
        assert {key: blanks(text) for key, text in texts.items()} == {
            key: blanks(text) for key, text in said["ja"].items()
        }


def test_plain_japanese_gives_the_same_readings_on_both_pages() -> None:
    gloss = r"[一-鿿]+[ぁ-ん]*（[ぁ-ん ]+）"
    page = catalogue("ja-easy")
    form = json.loads((DASHBOARD / "words" / "staff" / "ja-easy.json").read_text("utf-8"))
    of_page, of_form = (
        {word for text in texts.values() for word in re.findall("[一-鿿]+", re.sub(gloss, "", text))}
        for texts in (page, form)
    )
    assert of_form - of_page == set(), "words to which the page gives a reading"
    assert not [text for text in page.values() if re.search(r"\}分（ふん）", text)], "30ぷん, 90ぷん"


@pytest.mark.parametrize("language", ["ja-easy", "zh", "ko"])
def test_what_the_service_says_has_words_in_the_other_languages(language: str) -> None:
    needed = {"indoors", "reference_anchored", "reference_unanchored"}
    for name in ("daily", "sport"):
        needed |= {f"level_{level.code}" for level in RISK_SCALES[name].levels}
    needed |= {f"advice_daily_{level.code}" for level in RISK_SCALES["daily"].levels}
    for name, layer in LAYERS.items():
        needed |= {f"layer_{name}", f"about_layer_{name}"}
        needed |= {f"legend_{name}_{index}" for index, _ in enumerate(legend(layer)["entries"])}
    needed |= {f"no_data_{code}" for code, rgba, _, _ in NO_DATA if rgba[3]}
    said = catalogue(language)
    assert needed - said.keys() == set()
    # And nothing else: what no row needs is nobody's text.
    spoken = {key for key in said.keys() - catalogue("ja").keys() if not key.startswith("term_")}
    assert spoken - needed == set()


def test_every_text_is_used_and_every_used_text_exists() -> None:
    known = catalogue("ja")
    sources = "".join(SCRIPTS.values()) + (DASHBOARD / "index.html").read_text("utf-8")
    named = set(re.findall(r'words\("(\w+)"', sources))
    named |= set(re.findall(r'data-(?:words|label|hint)="(\w+)"', sources))
    assert named <= known.keys()
    quoted = set(re.findall(r'["`](\w+)["`]', sources))
    families = (*re.findall(r"`(\w+_)\$\{", sources), "age_", "seen_")
    codes = {"designated", "cool_share", "other", "unknown"}
    unused = [key for key in known if key not in named | quoted | codes and not key.startswith(families)]
    assert unused == []


def test_the_page_never_calls_a_place_safe() -> None:
    # 「ほぼ安全」 is the official name of the lowest class for sport, and stands with 参考値 alone.
    words = {"ja": "安全", "ja-easy": "安全|あんぜん", "en": "safe", "zh": "安全", "ko": "안전"}
    for language, safe in words.items():
        said = {key: text for key, text in catalogue(language).items() if "almost_safe" not in key}
        said.pop("legend_risk_sport_0", None)
        assert [key for key, text in said.items() if re.search(safe, text, re.IGNORECASE)] == [], language


def test_each_language_keeps_to_its_own_script() -> None:
    assert not [text for text in catalogue("en").values() if re.search("[぀-ヿ一-鿿가-힣]", text)]
    assert not [text for text in catalogue("zh").values() if re.search("[぀-ヿ가-힣]", text)]
    assert not [text for text in catalogue("ko").values() if re.search("[぀-ヿ一-鿿]", text)]
    # Kanji that a beginner may not read have their reading behind them; the short ones are taught first.
    first = set("一二三四五六七八九十百千円日月火水木金土人子女男山川田大小中上下左右本出入見行分時年前後外")
    for key, text in catalogue("ja-easy").items():
        unread = re.findall(r"[一-鿿]+(?![一-鿿ぁ-ん]*（)", text)
        hard = [word for word in unread if not set(word) <= first]
        assert hard == [] or key == "language_name", (key, hard)


def test_scripts_are_small_and_name_no_other_host() -> None:
    for path in DASHBOARD.rglob("*.*"):
        text = path.read_text("utf-8")
        if path.suffix != ".json":
            assert len(text.splitlines()) <= 400, path.name
        found = re.findall(r"https?://[\w.]+\.\w+[^\s\"')]*", text)
        told = ("http://www.w3.org/", "https://github.com/protomaps/PMTiles/")
        assert not [url for url in found if not url.startswith(told)], path.name


def test_all_modules_of_the_first_words_are_asked_for_at_once() -> None:
    page = (DASHBOARD / "index.html").read_text("utf-8")
    ahead = set(re.findall(r'(?:rel="modulepreload" href|script src)="static/([\w.]+)"', page))
    needed, found = {"app.js", "server.js"}, set()
    while needed - found:
        name = min(needed - found)
        found.add(name)
        needed |= set(re.findall(r'from "\./([\w.]+)"', SCRIPTS[name]))
    assert ahead == found


def test_the_page_and_its_map_library_stay_below_400_kilobytes() -> None:
    sent = {name: body for name, body in pages.site().items() if "staff" not in name and "docs" not in name}
    others = {f"static/words/{language}.json" for language in LANGUAGES[1:]}
    total = sum(len(gzip.compress(body, 9)) for name, body in sent.items() if name not in others)
    assert 250_000 < total < 400_000


def test_the_worker_keeps_for_good_only_what_never_changes() -> None:
    pattern = re.search(r"const FIXED = /(.+)/; //", (DASHBOARD / "sw.js").read_text("utf-8"))
    assert pattern is not None
    fixed = re.compile(pattern[1])
    data = "/heat/data/20250804T1930Z-01234567-20250805T051000Z/"
    assert all(fixed.search(data + name) for name in ("run.json", "shelters/20250805T0600Z.json"))
    assert fixed.search("/tiles/20250804T1930Z-01234567/risk/20250805T0600Z/15/1/2.png")
    assert not [name for name in (data + "alerts.json", "/latest.json", "/alerts") if fixed.search(name)]


def test_the_files_of_the_page_stand_together() -> None:
    site = pages.site()
    assert {
        "index.html",
        "sw.js",
        "static/app.js",
        "static/words/ja.json",
        "static/maplibre-gl.js",
    } <= site.keys()
    head, files = site["sw.js"].decode().splitlines()[:2]
    assert re.fullmatch(r'const VERSION = "[0-9a-f]{16}";', head)
    kept = json.loads(files.removeprefix("const FILES = ").removesuffix(";"))
    assert "./" in kept and all(name == "./" or name in site for name in kept)
    assert not [name for name in kept if "staff" in name]
