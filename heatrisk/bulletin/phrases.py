"""The sentences of bulletins, in Japanese, plain Japanese (やさしい日本語) and English, as rows with slots.

Written by hand and reviewed as a whole: nothing is translated while the program runs. No sentence says that a
place or an hour is safe. An alert is called by its official name; ``{…}`` are filled with names and numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Literal, NamedTuple

from heatrisk.alerts import Level
from heatrisk.words import JST

Tongue = Literal["ja", "ja-easy", "en"]
TONGUES: tuple[Tongue, ...] = ("ja", "ja-easy", "en")


class Told(NamedTuple):
    """One statement in the three languages of a bulletin.

    Parameters
    ----------
    ja, easy, en : str
        Japanese, plain Japanese with words kept apart, English.
    """

    ja: str
    easy: str
    en: str

    def to(self, tongue: Tongue) -> str:
        """Return the statement in one language."""
        return self[TONGUES.index(tongue)]

    def then(self, other: Told) -> Told:
        """Return the statement with another one after it."""
        return Told(self.ja + other.ja, f"{self.easy} {other.easy}", f"{self.en} {other.en}")


MARKS: Mapping[str, Told] = {
    "drill": Told("【訓練】", "【くんれん です】", "[DRILL]"),
    "test": Told("【試験】", "【テスト です】", "[TEST]"),
}
SAMPLE = Told("【架空の町】", "【みほんの まち】", "[SAMPLE TOWN]")

MORNING = Told("{city}、{day}の暑さ。", "{city}、{day}の あつさ。", "{city}: heat on {day}.")

ALERTS: Mapping[Level, Told] = {
    "alert": Told(
        "【熱中症警戒情報】{area}に{day}の熱中症警戒アラートが発表されています（{issued}発表）。",
        "『ねっちゅうしょう けいかい アラート』が 出ています。{area}、{day}（{issued}）。",
        "Heat-stroke alert for {area} on {day} (issued {issued}).",
    ),
    "special": Told(
        "【熱中症特別警戒情報】{area}に{day}の熱中症特別警戒アラートが発表されています（{issued}発表）。",
        "『ねっちゅうしょう とくべつ けいかい アラート』が 出ています。{area}、{day}（{issued}）。",
        "SPECIAL heat-stroke alert for {area} on {day} (issued {issued}).",
    ),
}
BRIEF_ALERTS: Mapping[Level, Told] = {
    "alert": Told(
        "【熱中症警戒アラート】{area} {day}（{issued}発表）。",
        "『ねっちゅうしょう けいかい アラート』{area} {day}（{issued}）。",
        "Heat-stroke alert, {area}, {day} ({issued}).",
    ),
    "special": Told(
        "【熱中症特別警戒アラート】{area} {day}（{issued}発表）。",
        "『ねっちゅうしょう とくべつ けいかい アラート』{area} {day}（{issued}）。",
        "SPECIAL heat-stroke alert, {area}, {day} ({issued}).",
    ),
}
#: Beside a sentence that names the day already.
TODAYS_ALERTS: Mapping[Level, Told] = {
    "alert": Told(
        "{area}に熱中症警戒アラートが発表されています（{issued}発表）。",
        "『ねっちゅうしょう けいかい アラート』が 出ています（{area}、{issued}）。",
        "Heat-stroke alert for {area} ({issued}).",
    ),
    "special": Told(
        "{area}に熱中症特別警戒アラートが発表されています（{issued}発表）。",
        "『ねっちゅうしょう とくべつ けいかい アラート』が 出ています（{area}、{issued}）。",
        "SPECIAL heat-stroke alert for {area} ({issued}).",
    ),
}
NO_ALERT = Told(
    "熱中症警戒情報の発表はありません（{area}、{issued}発表）が、暑さには注意が必要です。",
    "『ねっちゅうしょう けいかい アラート』は 出ていません（{area}、{issued}）。"
    "でも、あつさに 気を つけて ください。",
    "No heat-stroke alert for {area} ({issued}); beware of the heat all the same.",
)
BRIEF_NO_ALERT = Told(
    "警戒情報の発表なし（{area}、{issued}）。",
    "けいかい アラートは 出ていません（{area}、{issued}）。",
    "No heat-stroke alert for {area} ({issued}).",
)
UNKNOWN_ALERT = Told(
    "熱中症警戒情報の発表状況は確認できていません。",
    "『けいかい アラート』が 出ているか、まだ わかりません。",
    "Whether there is a heat-stroke alert is not known.",
)

ADVICE: Mapping[Level, Told] = {
    "alert": Told(
        "外出はなるべく避け、涼しい室内で過ごしてください。室内でも冷房を使い、こまめに水分・塩分をとり、"
        "高齢の方や子どもに声をかけてください。",
        "外に 出ないで、すずしい へやに いて ください。へやでも エアコンを つかって ください。"
        "水を なんども のんで ください。お年よりや 子どもに 声を かけて ください。",
        "Avoid going out and stay in cool rooms. Use air conditioning indoors too, drink water and take salt,"
        " and look after older people and children.",
    ),
    "special": Told(
        "命に関わる暑さです。全員が涼しい場所で過ごし、室内でも必ず冷房を使ってください。"
        "運動や行事は中止・延期を検討し、周りの方にも声をかけてください。",
        "いのちが あぶない あつさです。みんな すずしい ところに いて ください。"
        "へやでも かならず エアコンを つかって ください。まわりの 人に 声を かけて ください。",
        "This heat endangers lives. Everybody should stay in a cool place, with air conditioning indoors too."
        " Consider cancelling exercise and events, and look after the people around you.",
    ),
}
BRIEF_ADVICE: Mapping[Level, Told] = {
    "alert": Told(
        "涼しい室内へ。冷房と水分を。",
        "すずしい へやに いて ください。水を のんで ください。",
        "Stay cool, use AC, drink.",
    ),
    "special": Told(
        "全員、涼しい場所へ。冷房を必ず。",
        "みんな すずしい ところに いて ください。",
        "Stay cool, use AC!",
    ),
}
INDOORS = Told(
    "室内でも冷房を使い、水分をとってください。",
    "へやでも エアコンを つかって、水を のんで ください。",
    "Use air conditioning indoors too, and drink water.",
)

FORECAST = Told(
    "{agency}の暑さ指数予測の最高は{stations}です。",
    "あつさの 数字（{agency}）は いちばん 高くて {stations}です。",
    "Highest WBGT forecast ({agency}): {stations}.",
)
BRIEF_FORECAST = Told(
    "公式予測の最高 {stations}。", "いちばん 高い 数字 {stations}。", "Official max {stations}."
)

WORST = Told(
    "最も暑いのは{hour}時ごろで、屋外の{share}が31以上（危険）、とくに{places}。",
    "{hour}時ごろが いちばん あついです。外の {share}が 31いじょう（きけん）です。とくに {places}。",
    "Hottest around {hour}:00: {share} of outdoor ground at 31 or more (danger), above all {places}.",
)
WORST_HOUR = Told(
    "最も暑いのは{hour}時ごろで、屋外の{share}が31以上（危険）。",
    "{hour}時ごろが いちばん あついです。外の {share}が 31いじょう（きけん）です。",
    "Hottest around {hour}:00: {share} of outdoor ground at 31 or more (danger).",
)
HOT_PLACES = Told(
    "最も暑いのは{hour}時ごろ（{level}）、とくに{places}。",
    "{hour}時ごろが いちばん あついです（{level}）。とくに {places}。",
    "Hottest around {hour}:00 ({level}), above all {places}.",
)
HOT_HOUR = Told(
    "最も暑いのは{hour}時ごろ（{level}）。",
    "{hour}時ごろが いちばん あついです（{level}）。",
    "Hottest around {hour}:00 ({level}).",
)
MILDEST = Told(
    "比較的暑さが弱いのは{hours}時ごろ。",
    "あつさが すこし 弱いのは {hours}時ごろです。",
    "Least hot around {hours}.",
)
ALL_DAY = Told(
    "日中はどの時間も31以上（危険）の見込みです。",
    "昼は ずっと きけんな あつさです。",
    "Dangerous throughout the day.",
)
#: The neighbourhood of a place.
AROUND = Told("{}周辺", "{}の ちかく", "around {}")
SHELTERS = Told(
    "涼める場所：{shelters}。", "すずしい ところ：{shelters}。", "Places to cool down: {shelters}."
)
NO_FIELD = Told(
    "場所ごとの予測はいま示せません。",
    "ばしょごとの あつさは いま わかりません。",
    "There is no forecast by place at present.",
)

NO_FIELD_SINCE = Told(
    "場所ごとの予測はいま示せません（最後の計算は{made}）。",
    "ばしょごとの あつさは いま わかりません（さいごの けいさんは {made}）。",
    "There is no forecast by place at present (the last one is of {made}).",
)
AGED = Told(
    "場所ごとの予測は{made}時点の計算です。",
    "ばしょごとの あつさは {made}の けいさんです。",
    "Forecast by place as of {made}.",
)
COMPUTED = Told("計算：{made}", "けいさん：{made}", "Computed {made} JST.")

SOURCE = Told(
    "時刻・場所ごとの値は参考値です。出典：{publication}（{forecast}発表の予測を加工して作成）",
    "ばしょごとの 数字は「参考値」です。出典：{publication}（{forecast}）",
    "Values by place and hour are reference values. Source: {publication}, forecast of {forecast}, edited.",
)
BRIEF_SOURCE = Told(
    "参考値。出典：{agency}（{forecast}）加工",
    "参考値。出典：{agency}（{forecast}）",
    "Ref. values: {agency} ({forecast})",
)
FORECAST_SOURCE = Told(
    "出典：{publication}（{forecast}発表）",
    "出典：{publication}（{forecast}）",
    "Source: {publication}, forecast of {forecast}.",
)
BRIEF_FORECAST_SOURCE = Told(
    "出典：{agency}（{forecast}）", "出典：{agency}（{forecast}）", "Source: {agency} ({forecast})"
)
ALERT_SOURCE = Told(
    "出典：環境省 熱中症予防情報サイト", "出典：環境省", "Source: Ministry of the Environment of Japan"
)
BRIEF_ALERT_SOURCE = Told("出典：環境省", "出典：環境省", "Source: MOE Japan")
SAMPLE_SOURCE = Told(
    "架空の値です（参考値）", "ほんとうの 数字では ありません（参考値）", "Invented reference values."
)

#: Whose forecasts these are, in full and in brief; another publication is called by its own name.
MINISTRY = "環境省"
PUBLICATION = Told(
    "環境省 熱中症予防情報サイト", "環境省（かんきょうしょう）", "Ministry of the Environment of Japan"
)
AGENCY = Told("環境省", "環境省", "MOE Japan")
INVENTED = Told("見本", "みほん", "sample")

#: The classes of daily life, as the official scale calls them.
CLASSES: Mapping[str, Told] = {
    "caution": Told("注意", "ちゅうい", "caution"),
    "warning": Told("警戒", "けいかい", "warning"),
    "severe_warning": Told("厳重警戒", "げんじゅう けいかい", "severe warning"),
    "danger": Told("危険", "きけん", "danger"),
}

_WEEKDAYS = ("月火水木金土日", ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"])
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def day_told(day: date) -> Told:
    """Return a day as people write it, e.g. ``8月5日(火)``."""
    name = f"{day.month}月{day.day}日"
    english = f"{_WEEKDAYS[1][day.weekday()]} {day.day} {_MONTHS[day.month - 1]}"
    return Told(f"{name}({_WEEKDAYS[0][day.weekday()]})", name, english)


def clock_told(at: datetime, day: date) -> Told:
    """Return an instant as people write it; with its date unless it is of a day that is named already."""
    local = at.astimezone(JST)
    clock = f"{local.hour}:{local.minute:02}"
    if local.date() == day:
        return Told(clock, clock, clock)
    dated = f"{local.month}/{local.day} {clock}"
    return Told(dated, dated, f"{local.day} {_MONTHS[local.month - 1]} {clock}")


def share_told(share: float) -> Told:
    """Return a share as people say it: whole percent, and never nothing where there is something."""
    if 0 < share < 0.01:
        return Told("1％未満", "1％より すこし", "less than 1 %")
    percent = min(round(share * 100), 99) if share < 1 else 100
    return Told(f"{percent}％", f"{percent}％", f"{percent} %")
