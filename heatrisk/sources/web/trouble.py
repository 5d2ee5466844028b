"""What can go wrong between this computer and a server, in words, and whether to ask again."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from email.utils import parsedate_to_datetime

import httpx

from heatrisk.alerts import MARGIN, in_season
from heatrisk.words import JST, Words


class FetchError(Exception):
    """A file could not be had.

    Parameters
    ----------
    words : Words
        Why.
    remedy : Words
        What can be done about it.
    passing : bool
        Whether asking again may help.
    pause : float, optional
        How long the server asks to be left alone [s].
    off_season : bool
        Whether nothing is published at this time of year.
    """

    def __init__(
        self,
        words: Words,
        remedy: Words,
        *,
        passing: bool = False,
        pause: float | None = None,
        off_season: bool = False,
    ) -> None:
        super().__init__(words.en)
        self.words, self.remedy, self.passing, self.pause = words, remedy, passing, pause
        self.off_season = off_season


_LATER = Words("しばらくしてからやり直してください", "Try again later.")
_ADDRESS = Words("URL をブラウザーで開いて確かめてください", "Open the address in a browser to check it.")
_NETWORK = Words(
    "ネットワークとプロキシの設定を確かめてください", "Check the network and the settings of the proxy."
)

_ROWS: dict[str, tuple[Words, Words, bool]] = {
    "timeout": (
        Words("{} 秒待っても応答がありませんでした", "there was no answer for {} s"),
        _LATER,
        True,
    ),
    "deadline": (
        Words("{} 秒たっても取得が終わりませんでした", "it was not finished within {} s"),
        Words(
            "[http] timeout を延ばすか、しばらくしてからやり直してください",
            "Raise [http] timeout, or try again later.",
        ),
        False,
    ),
    "connect": (Words("サーバーに接続できませんでした", "the server cannot be reached"), _NETWORK, True),
    "unknown_host": (
        Words("サーバーの名前が見つかりません", "the name of the server is unknown"),
        _NETWORK,
        True,
    ),
    "certificate": (
        Words("サーバーの証明書を確認できません", "the certificate of the server cannot be trusted"),
        Words(
            "庁内の証明書は環境変数 SSL_CERT_FILE で指定できます",
            "Name your own authority's certificates in the environment variable SSL_CERT_FILE.",
        ),
        False,
    ),
    "proxy": (
        Words("プロキシを通れませんでした", "the proxy did not let the request through"),
        _NETWORK,
        True,
    ),
    "cut": (
        Words("受信したデータが途中で切れているか、壊れています", "what came is cut short or damaged"),
        _LATER,
        True,
    ),
    "coding": (Words("対応していない圧縮です（{}）", "it is packed in an unknown way ({})"), _ADDRESS, False),
    "large": (
        Words("{} MB の上限を超えています", "it is larger than {} MB"),
        Words("[http] max_megabytes で上限を変えられます", "[http] max_megabytes sets the limit."),
        False,
    ),
    "empty": (Words("受信したデータが空です", "what came is empty"), _LATER, True),
    "web_page": (
        Words(
            "データではなくウェブページが返されました", "the server answered with a web page, not with data"
        ),
        _ADDRESS,
        False,
    ),
    "redirect": (
        Words("転送先を開けません（{}）", "the server sends elsewhere, where this cannot follow ({})"),
        _ADDRESS,
        False,
    ),
    "absent": (
        Words("サーバーにファイルがありません（{}）", "the server has no such file ({})"),
        _ADDRESS,
        False,
    ),
    "denied": (
        Words("アクセスを断られました（{}）", "the server denies access ({})"),
        Words(
            "URL のキーやパスワード、[http] user_agent を確かめてください",
            "Check the key or password in the address, and [http] user_agent.",
        ),
        False,
    ),
    "busy": (
        Words("アクセスが多すぎるとして断られました（{}）", "the server is asked too often ({})"),
        _LATER,
        True,
    ),
    "broken": (Words("サーバーが正常に応答しません（{}）", "the server is out of order ({})"), _LATER, True),
    "odd": (
        Words("想定外の応答です（{}）", "the answer is not one to a request for a file ({})"),
        _ADDRESS,
        False,
    ),
}

_SEASON = "wbgt.env.go.jp"

_OUT_OF_SEASON = Words(
    "サーバーにファイルがありません（404）。暑さ指数は例年 4 月下旬から 10 月下旬までの間だけ提供されます",
    "the server has no such file (404); heat indices are published from late April to late October only",
)


def trouble(code: str, detail: str = "", *, pause: float | None = None) -> FetchError:
    """Return the trouble of one row, with its detail filled in."""
    words, remedy, passing = _ROWS[code]
    return FetchError(
        Words(words.ja.format(detail), words.en.format(detail)), remedy, passing=passing, pause=pause
    )


def of_status(response: httpx.Response, now: datetime) -> FetchError:
    """Return what a status other than success means.

    Parameters
    ----------
    response : httpx.Response
        The answer.
    now : datetime.datetime
        The time, with its zone.
    """
    status = response.status_code
    host = response.request.url.host
    if status == 404 and (host == _SEASON or host.endswith(f".{_SEASON}")):
        off = not in_season(now.astimezone(JST).date(), margin=MARGIN)
        return FetchError(_OUT_OF_SEASON, _ADDRESS, off_season=off)
    if status in (404, 410):
        code = "absent"
    elif status in (401, 403, 407):
        code = "denied"
    elif status in (408, 425, 429):
        code = "busy"
    else:
        code = "broken" if status >= 500 else "odd"
    return trouble(code, str(status), pause=_pause(response.headers.get("retry-after", ""), now))


def _pause(text: str, now: datetime) -> float | None:
    """Return how long a server asks to be left alone [s]."""
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max((parsedate_to_datetime(text) - now).total_seconds(), 0.0)
    except (ValueError, TypeError, OverflowError):
        return None


@contextmanager
def on_the_way(timeout: float) -> Iterator[None]:
    """Turn what goes wrong on the network inside the block into a trouble.

    Parameters
    ----------
    timeout : float
        Longest silence [s], for the message.
    """
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError) as error:
        raise of_network(error, timeout) from None  # its own text may hold the address


def of_network(error: Exception, timeout: float) -> FetchError:
    """Return what an error of the network means."""
    causes: list[BaseException] = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None and cause not in causes:
        causes.append(cause)
    if isinstance(error, httpx.TimeoutException):
        return trouble("timeout", f"{timeout:g}")
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return trouble("certificate")
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return trouble("unknown_host")
    if isinstance(error, httpx.ProxyError):
        return trouble("proxy")
    if isinstance(error, httpx.ConnectError):
        return trouble("connect")
    if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
        return trouble("redirect", "URL")
    return trouble("cut")
