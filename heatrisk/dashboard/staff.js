// The form on which a facility reports how it stands. Its token stays in the fragment of the address, which no
// browser sends along; it leaves this page in one header of one request.

const WORDS = {
  ja: {
    language: "日本語", title: "涼める場所（クーリングシェルター）の状況を報告", state: "いまの状況",
    open: "空きあり", busy: "混雑", full: "満員", closed: "閉館中",
    broken: "使えない設備（あれば）", minutes: "この報告の有効時間", note: "来る人へのひとこと（任意）",
    note_hint: "一般に公開されます。個人の名前や電話番号は書かないでください。",
    send: "報告する", sending: "送信中…", sent: "報告しました。{until} まで表示されます。",
    hours: "{n} 時間", none: "いまの報告はありません。", until: "（{until} まで）",
    no_token: "このページのアドレスが途中で切れています。市から届いたリンクをもう一度開いてください。",
    "token-needed": "このリンクは使えなくなりました。市の担当者に新しいリンクをもらってください。",
    "token-of-another": "このリンクは別の施設のものです。市の担当者にご連絡ください。",
    "shelter-not-found": "この施設は一覧にありません。市の担当者にご連絡ください。",
    "too-often": "報告の回数が多すぎます。1 分ほど待ってください。",
    failed: "送れませんでした。もう一度押してください（二重には登録されません）。",
    water: "給水", toilet: "トイレ", wheelchair: "車いす対応", nursing_room: "授乳室", wifi: "Wi-Fi", aed: "AED",
  },
  "ja-easy": {
    language: "やさしい日本語", title: "すずしい ばしょの ようすを しらせる", state: "いまの ようす",
    open: "すいて います", busy: "こんで います", full: "いっぱい です", closed: "しまって います",
    broken: "つかえない もの（あれば）", minutes: "いつまで この しらせを だしますか", note: "くる人に つたえたい こと",
    note_hint: "みんなが 見ます。人の 名前や 電話番号は 書かないで ください。",
    send: "しらせる", sending: "おくっています…", sent: "しらせました。{until} まで 出ます。",
    hours: "{n}じかん", none: "いまの しらせは ありません。", until: "（{until} まで）",
    no_token: "アドレスが たりません。市から とどいた リンクを もういちど 開いて ください。",
    "token-needed": "この リンクは もう つかえません。市の 人に 聞いて ください。",
    "token-of-another": "この リンクは ほかの ところの ものです。市の 人に 聞いて ください。",
    "shelter-not-found": "この ばしょは 見つかりません。市の 人に 聞いて ください。",
    "too-often": "なんども おくりすぎです。1ぷん まって ください。",
    failed: "おくれませんでした。もういちど おして ください。",
    water: "みず", toilet: "トイレ", wheelchair: "くるまいす", nursing_room: "じゅにゅうしつ", wifi: "Wi-Fi", aed: "AED",
  },
  en: {
    language: "English", title: "Report how your cooling shelter stands", state: "Now",
    open: "Open, with room", busy: "Busy", full: "Full", closed: "Closed",
    broken: "Out of order, if anything", minutes: "This report holds for", note: "A word to visitors (optional)",
    note_hint: "It is shown to everybody. No names or telephone numbers of people, please.",
    send: "Report", sending: "Sending…", sent: "Reported. It is shown until {until}.",
    hours: "{n} h", none: "There is no report at present.", until: " (until {until})",
    no_token: "The address of this page is cut short. Please open the link that the city sent you once more.",
    "token-needed": "This link is no longer valid. Please ask the city for a new one.",
    "token-of-another": "This link belongs to another facility. Please ask the city.",
    "shelter-not-found": "This facility is not in the list. Please ask the city.",
    "too-often": "Too many reports. Please wait for a minute.",
    failed: "It was not sent. Please press again; it will not be entered twice.",
    water: "Drinking water", toilet: "Toilet", wheelchair: "Wheelchair access", nursing_room: "Nursing room",
    wifi: "Wi-Fi", aed: "AED",
  },
};

const HOURS = [1, 2, 3, 4, 6, 8, 12];
const LANGUAGES = Object.keys(WORDS);
const $ = (id) => document.getElementById(id);
const token = decodeURIComponent(location.hash.slice(1));
const address = new URL(`../shelters/${location.pathname.split("/").pop()}/status`, location.href);
address.hash = "";

let language = LANGUAGES.find((one) => one === remembered()) ?? (navigator.language.startsWith("ja") ? "ja" : "en");
let standing = null;
let key = null;
let outcome = null;

function remembered() {
  try { return localStorage.getItem("staff-language"); } catch { return null; }
}

const say = (name, slots = {}) =>
  Object.entries(slots).reduce((text, [slot, value]) => text.replace(`{${slot}}`, value), WORDS[language][name]);

const clock = (instant) =>
  new Date(instant).toLocaleTimeString(language === "en" ? "en-GB" : "ja-JP", {
    timeZone: "Asia/Tokyo", hour: "2-digit", minute: "2-digit",
  });

function show() {
  document.documentElement.lang = language === "en" ? "en" : "ja";
  for (const element of document.querySelectorAll("[data-words]")) element.textContent = say(element.dataset.words);
  document.title = say("title");
  $("language").textContent = WORDS[following()].language;
  for (const option of $("minutes").options) option.textContent = say("hours", { n: option.value / 60 });
  for (const text of $("equipment").querySelectorAll("span")) text.textContent = say(text.dataset.thing);
  $("name").textContent = standing?.name ?? "";
  const report = standing?.report;
  $("now").textContent = report ? say(report.state) + say("until", { until: clock(report.expires) })
    : standing ? say("none") : "";
  $("outcome").textContent = outcome ? say(outcome.name, outcome.slots) : "";
  $("outcome").className = outcome?.good ? "good" : "bad";
}

const following = () => LANGUAGES[(LANGUAGES.indexOf(language) + 1) % LANGUAGES.length];

function fillIn() {
  $("minutes").replaceChildren(...HOURS.map((hours) => new Option("", hours * 60, hours === 2, hours === 2)));
  const labels = standing.equipment.map((thing) => {
    const [label, box, text] = ["label", "input", "span"].map((name) => document.createElement(name));
    Object.assign(box, { type: "checkbox", name: "broken", value: thing });
    box.checked = standing.report?.broken.includes(thing) ?? false;
    text.dataset.thing = thing;
    label.append(box, text);
    return label;
  });
  $("equipment").append(...labels);
  $("equipment").hidden = labels.length === 0;
  $("form").hidden = false;
}

async function asked(options = {}) {
  const response = await fetch(address, { cache: "no-store", credentials: "omit", ...options });
  const body = await response.json();
  if (response.ok) return body;
  throw new Error(String(body.type ?? "").split("#").pop());
}

function told(name, good = false, slots = {}) {
  outcome = { name: name in WORDS.en ? name : "failed", good, slots };
  show();
}

async function send(event) {
  event.preventDefault();
  const filled = new FormData($("form"));
  // The same key until the server has answered: pressed twice, it is one report.
  key ??= Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const body = JSON.stringify({
    state: filled.get("state"), broken: filled.getAll("broken"), note: filled.get("note").trim(),
    minutes: Number(filled.get("minutes")), key,
  });
  const button = $("form").querySelector("button");
  button.disabled = true;
  button.textContent = say("sending");
  try {
    standing = await asked({
      method: "PUT", body, headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    });
    key = null;
    told("sent", true, { until: clock(standing.report.expires) });
  } catch (error) {
    told(error.message);
  } finally {
    button.disabled = false;
    show();
  }
}

$("form").addEventListener("submit", send);
$("form").addEventListener("input", () => { key = null; });
$("language").addEventListener("click", () => {
  language = following();
  try { localStorage.setItem("staff-language", language); } catch { /* remembered for this visit alone */ }
  show();
});

show();
if (!/^\d+\.[\w-]+$/.test(token)) told("no_token");
else {
  try {
    standing = await asked();
    fillIn();
    show();
  } catch (error) {
    told(error.message);
  }
}
