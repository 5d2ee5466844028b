"""Columns of municipal tables of facilities, whatever their headers are called.

Headers are matched after narrowing and with all blanks and line breaks removed, because real lists break
lines inside header cells.

References
----------
.. [1] デジタル庁, 自治体標準オープンデータセット.
.. [2] 気候変動適応法 第21条 (指定暑熱避難施設).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import zip_longest

from heatrisk.errors import SourceIncompleteError
from heatrisk.sources.table import Table, given, key, quoted
from heatrisk.words import Words

#: Headers of each field, as patterns of the whole narrowed header; of several columns the first that is
#: filled counts, except for hours, whose columns are joined.
_FIELDS = {
    "special": r".*特記事項.*",
    "id": r"(施設)?id|no\.?|番号|整理番号|施設番号|指定番号",
    "name": r"名称|(指定暑熱避難|避難|対象)?施設の?名称?|クーリングシェルター(の?名称?)?|name",
    "shop": r"店舗等?名称?",
    "town": r"市?区?市?町村名?|地方公共団体名|自治体名|city(_name)?",
    "address": r"住所|(施設)?所在地?(_連結表記)?|所在地\(住所\)|address",
    "part": r"所在地_(都道府県|市区町村|町字|番地以下)",
    "lat": r"(施設)?緯度(\(.*\))?|lat(itude)?",
    "lon": r"(施設)?経度(\(.*\))?|lon(gitude)?|lng",
    "days": r"(利用|開放|開館)可能曜日|(利用|開放|開館)?曜日",
    "start": r"(利用|開放|開館)?開始(時間|時刻)|開館時刻",
    "end": r"(利用|開放|開館)?終了(時間|時刻)|閉館時刻",
    "closed": r"休館日?|定休日|休業日|休所日",
    "place": r"対象の?場所|(開設|開放|設置)(場所|箇所|スペース)|場所",
    "opens_on": r"開放の?(条件|基準)|opens_on",
    "hours": r"(開放|利用|開館|開設|営業|開所|受入)(可能)?(日時|日等|日|時間|期間)(?!.*url).*"
    r"|指定暑熱避難施設を開放することができる.*",
    "capacity": r".*(受け?入れ?|収容).*(人数|名数|人員).*|capacity|定員",
    "designated": r"(クーリングシェルター|指定暑熱避難施設)の?指定.*|指定日|指定の有無",
    "cool_share": r".*(クールシェア|涼み処).*",
    "kind": r"種別|区分|指定区分|施設の種類|type",
    "url": r"url|(ホームページ|ウェブサイト|hp)(url)?|リンク",
    "note": r"備考|概要|利用上の注意(事項)?|note",
    "time": r"(観測|確認|更新|報告)?(日時|時刻)|time",
    "congestion": r"混雑(度|状況|具合)?|空き状況|congestion",
    "people": r"(現在の?|利用)?(人数|利用者数)|people",
    "thing": r"設備(の?名称?)?|機器名?|equipment",
    "state": r"状態|稼働状況|使用可否|(設備の?)?状況|state|status",
}
_FIELD_PATTERNS = {name: re.compile(pattern) for name, pattern in _FIELDS.items()}

#: Headers, and names in a column of equipment, of each thing that a shelter may have.
_EQUIPMENT = {
    "water": re.compile(r".*(給水|飲料|ウォーターサーバー?|冷水).*|water"),
    "toilet": re.compile(r".*(トイレ|便所).*|toilet"),
    "wheelchair": re.compile(r".*(車椅子|車いす|バリアフリー).*|wheelchair"),
    "nursing_room": re.compile(r".*(授乳|ベビー).*|nursing_room"),
    "wifi": re.compile(r".*wi-?fi.*"),
    "aed": re.compile(r".*aed.*"),
}

#: Columns of the statutory form: opening and closing time of each day of the week and of holidays.
_DAILY = re.compile(r"(?:.*[_(])?([月火水木金土日祝])(?:曜日|曜|日)?[_の)]*(開始|終了)(?:時間|時刻)?")

_STATUTORY = re.compile(r"指定暑熱避難施設(の名称|を開放|の開放)")

#: Days or a part of the year that a header of hours names: 開放時間(平日), 開放時間_土日祝.
_QUALIFIED = re.compile(r".+?[(_]((?:[平月火水木金土日祝休毎曜・,~〜]|\d{1,2}月|[春夏秋冬][季期])+)\)?")

_UNSURE = re.compile(r"不明|未定|未確認|検討|調整|準備|予定|申請|相談|故障|休止|停止|点検|条件|[?△▲]")
_REVOKED = "解除|取り?消し?|廃止|撤去"
_NO = re.compile(
    rf"(?:[×✕✗否不未非]|無(?!料)|な[いし]|ナシ|ありません|(?:設置|該当|指定|登録|対応)(?:なし|無し?)|対象外).*|x|ng|no|false|0|.*(?:{_REVOKED}).*"
)
_DENIED = re.compile(rf"なし|ナシ|無し|無$|ない|ません|不可|[×✕✗]|対象外|{_REVOKED}")
_DATE = r"(?:\d{4}|(?:令和|r)(?:\d{1,2}|元))[-/.年]\d{1,2}(?:[-/.月]\d{1,2})?[月日]?"
_YES = re.compile(
    r"(?:[〇○◯●◎✓✔☑レ]|有り?|あり|(?:利用|使用)?可能?|はい|yes|y|true|済み?|完備"
    r"|(?:指定|登録|設置|対応|該当|対象)(?:済み?|あり|有り?)?|[1-9]\d{0,3}(?:台|[かカヶケ箇]所|室|基|個)?"
    rf"|{_DATE}(?:指定|登録)?)(?:\([^()]*\))?"
)
_DITTO = ("〃", "同上", "々", '"')

#: Rows within which a header is looked for, and columns.
_HEADER_ROWS, _WIDEST = 10, 1000


@dataclass(frozen=True)
class Columns:
    """Which column holds what.

    Parameters
    ----------
    fields, equipment : dict
        Columns of each field, and of each piece of equipment.
    daily : dict
        Column of each day of the week and edge (開始, 終了) in the statutory form.
    statutory : bool
        It is a list in the statutory form.
    rows : int
        Rows of the table up to and with the header.
    headers : tuple of str
        The header of each column; of two rows, the lower one in brackets behind the upper one.
    qualified : dict
        Days or part of the year that the header of a column of hours names.
    """

    fields: dict[str, list[int]]
    equipment: dict[str, list[int]]
    daily: dict[tuple[str, str], int]
    statutory: bool
    rows: int
    headers: tuple[str, ...]
    qualified: dict[int, str]

    def row(self, cells: tuple[str, ...], above: str = "") -> dict[str, str]:
        """Return a row's cells by field; marks for "nothing" are empty.

        Parameters
        ----------
        cells : tuple of str
            The row.
        above : str
            Name in the row above, which a ditto mark repeats.
        """
        width = len(cells)
        row = {
            name: next((text for i in columns if i < width and (text := given(cells[i]))), "")
            for name, columns in self.fields.items()
        }
        row["name"] = " ".join((row.get("name") or row.get("shop", "")).split())
        if row["name"] in _DITTO:
            row["name"] = above
        if not row.get("address"):
            row["address"] = "".join(given(cells[i]) for i in self.fields.get("part", ()) if i < width)
        return row

    def texts(self, cells: tuple[str, ...], field: str) -> list[str]:
        """Return what the columns of a field hold, each text once; marks for "nothing" are left out."""
        found = self.fields.get(field, ())
        texts = (" ".join(given(cells[i]).split()) for i in found if i < len(cells))
        return list(dict.fromkeys(filter(None, texts)))

    def marked(self, cells: tuple[str, ...], field: str) -> bool | None:
        """Return whether a column of a field says yes; None where that is not sure, False without any."""
        said = [marked(cells[i]) for i in self.fields.get(field, ()) if i < len(cells)]
        return True if True in said else None if None in said else False

    def named(self) -> dict[str, str]:
        """Return the header of each field, for people."""
        return {
            field: " / ".join(quoted((self.headers[i],)) for i in found if self.headers[i])
            for field, found in self.fields.items()
        }


def columns(table: Table, *, by_id: bool = False) -> Columns | None:
    """Return the columns of the row, among the first ten, that names the most of them, or None.

    The row must name a column of names or, with ``by_id``, of identifiers. A row below it, or above, may
    split its hours. A column without header beside one of hours belongs to it, as in a merged cell.
    """
    names = {"name", "shop", "id"} if by_id else {"name", "shop"}
    best: Columns | None = None
    head = [cells[:_WIDEST] for _, cells in table.rows[: _HEADER_ROWS + 1]]
    for index, cells in enumerate(head[:_HEADER_ROWS]):
        below = head[index + 1] if index + 1 < len(head) else ()
        for headers, rows in ((cells, index + 1), (_split(cells, below), index + 2)):
            found = _columns(headers, rows)
            if names & found.fields.keys() and (best is None or _filled(found) > _filled(best)):
                best = found
    if best is None or len(best.fields) + len(best.equipment) + len(best.daily) < 2:
        return None
    return _spread(best, min(_WIDEST, max(len(cells) for _, cells in table.rows)))


def first_list(
    tables: list[Table], where: str, expected: str, *, by_id: bool = False
) -> tuple[Table, Columns]:
    """Return the first table that has a header with names and something else that is known.

    Parameters
    ----------
    tables : list of Table
        The sheets of a file.
    where, expected : str
        The file, and the header it should have, for messages.
    by_id : bool
        Identifiers will do instead of names.

    Raises
    ------
    SourceIncompleteError
        There is none.
    """
    for table in tables:
        found = columns(table, by_id=by_id)
        if found is not None:
            return table, found
    number, cells = tables[0].rows[0]
    raise SourceIncompleteError(
        Words("施設一覧の見出しが見つかりません", "no header row of a list of facilities was found"),
        where=f"{where}:{number}",
        expected=expected,
        got=quoted(cells),
        remedy=Words(
            "見出しの行に 名称、住所、緯度、経度 などの列を用意してください",
            "The header row needs columns like 名称 (name), 住所 (address), 緯度, 経度 (coordinates).",
        ),
    )


def _filled(found: Columns) -> int:
    return sum(map(len, [*found.fields.values(), *found.equipment.values()])) + len(found.daily)


def _split(upper: tuple[str, ...], lower: tuple[str, ...]) -> tuple[str, ...]:
    """Return the headers of two rows, the upper of which has one over several columns of hours; else none."""
    headers, group = [], ""
    for above, below in zip_longest(upper, lower, fillvalue=""):
        known = _known(below)
        if above or known:
            group = above if _field(key(above)) == "hours" else ""
        if above and below and not group and _known(above) and not known:
            return ()
        headers.append(f"{group}({below})" if group and below and not known else below or above)
    return tuple(headers)


def _known(header: str) -> bool:
    return bool(_field(key(header)) or equipment_code(header) or _DAILY.fullmatch(key(header)[:200]))


def _spread(found: Columns, width: int) -> Columns:
    headers = found.headers + ("",) * (width - len(found.headers))
    hours = list(found.fields.get("hours", ()))
    for column in range(1, width):
        if column - 1 in hours and not headers[column]:
            hours.append(column)
    fields = {**found.fields, "hours": sorted(hours)} if hours else found.fields
    return replace(found, fields=fields, headers=headers)


def _field(header: str) -> str | None:
    """Return the field of a header as :func:`key` writes it, perhaps told in two languages: 名称/name."""
    for parts in ([header], header.split("/", 3)):
        fields = {_one_field(part) for part in parts}
        if len(fields) == 1 and None not in fields:
            return fields.pop()
    return None


def _one_field(header: str) -> str | None:
    if not header:
        return None
    header = header[:200]
    return next((name for name, pattern in _FIELD_PATTERNS.items() if pattern.fullmatch(header)), None)


def _columns(cells: tuple[str, ...], rows: int) -> Columns:
    fields: dict[str, list[int]] = {}
    equipment: dict[str, list[int]] = {}
    daily: dict[tuple[str, str], int] = {}
    qualified: dict[int, str] = {}
    for column, cell in enumerate(cells):
        header = key(cell)[:200]
        field = _field(header)
        if day := _DAILY.fullmatch(header):
            daily[(day[1], day[2])] = column
        elif field is not None:
            fields.setdefault(field, []).append(column)
            if field == "hours" and (days := _QUALIFIED.fullmatch(header)):
                qualified[column] = days[1]
        elif (thing := equipment_code(cell)) is not None:
            equipment.setdefault(thing, []).append(column)
    statutory = any(_STATUTORY.match(key(cell)) for cell in cells)
    return Columns(fields, equipment, daily, statutory, rows, cells, qualified)


def equipment_code(text: str) -> str | None:
    """Return the piece of equipment that a text names, or None."""
    named = key(text)[:200]
    return next((code for code, pattern in _EQUIPMENT.items() if pattern.fullmatch(named)), None)


def marked(text: str) -> bool | None:
    """Return whether a cell says yes, in one of the few words for it; None where that is not sure.

    Blanks, marks for "nothing" and words for no are no, with whatever stands behind them.
    """
    said = key(text)
    if _UNSURE.search(said):
        return None
    if not given(text) or _NO.fullmatch(said):
        return False
    return True if _YES.fullmatch(said) else None


def doubtful(text: str) -> bool:
    """Return whether a text that names something denies it, or leaves a doubt about it: 給水器(故障中)."""
    said = key(text)
    return bool(_UNSURE.search(said) or _DENIED.search(said))
