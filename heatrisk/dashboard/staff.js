// The form on which a facility reports how it stands. Its token stays in the fragment of the address, which no
// browser sends along; it leaves this page in one header of one request.

const HOURS = [1, 2, 3, 4, 6, 8, 12];
const $ = (id) => document.getElementById(id);
const token = decodeURIComponent(location.hash.slice(1));
const address = new URL(`../shelters/${location.pathname.split("/").pop()}/status`, location.href);
address.hash = "";

let words;
let language;
let standing = null;
let key = null;
let outcome = null;

function remembered() {
  try { return localStorage.getItem("staff-language"); } catch { return null; }
}

const say = (name, slots = {}) =>
  Object.entries(slots).reduce((text, [slot, value]) => text.replace(`{${slot}}`, value), words[name]);

// 24 hours in every language: 15:10.
const clock = (instant) =>
  new Date(instant).toLocaleTimeString("en-GB", { timeZone: "Asia/Tokyo", hour: "2-digit", minute: "2-digit" });

async function read(path) {
  const response = await fetch(new URL(`../static/words/${path}.json`, location.href));
  if (!response.ok) throw new Error(`${response.status}`);
  return response.json();
}

const twice = (path) => read(path).catch(() => read(path));

// The words first: where they cannot be had, the form goes on in the language that it has.
async function speak(asked) {
  words = await twice(`staff/${asked}`);
  language = asked;
}

function show() {
  document.documentElement.lang = language.split("-")[0];
  for (const element of document.querySelectorAll("[data-words]")) element.textContent = say(element.dataset.words);
  document.title = say("title");
  for (const option of $("minutes").options) option.textContent = say("hours", { n: option.value / 60 });
  for (const text of $("equipment").querySelectorAll("span")) text.textContent = say(text.dataset.thing);
  $("name").textContent = standing?.name ?? "";
  const report = standing?.report;
  $("now").textContent = report ? say(report.state) + say("until", { until: clock(report.expires) })
    : standing ? say("none") : "";
  $("outcome").textContent = outcome ? say(outcome.name, outcome.slots) : "";
  $("outcome").className = outcome?.good ? "good" : "bad";
}

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
  outcome = { name: Object.hasOwn(words, name) ? name : "failed", good, slots };
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
$("language").addEventListener("change", async ({ target }) => {
  await speak(target.value).catch(() => null);
  target.value = language;
  try { localStorage.setItem("staff-language", language); } catch { /* remembered for this visit alone */ }
  show();
});

async function begin() {
  const names = await twice("languages").catch(() => ({ ja: "日本語", en: "English" }));
  const mine = [remembered(), ...navigator.languages.map((tag) => tag.split("-")[0])];
  await speak(mine.find((code) => Object.hasOwn(names, code)) ?? "en").catch(() => speak("en"));
  $("language").replaceChildren(
    ...Object.entries(names).map(([code, name]) => new Option(name, code, code === language, code === language)));
  show();
  if (!/^\d+\.[\w-]+$/.test(token)) return told("no_token");
  try {
    standing = await asked();
  } catch (error) {
    if (!Object.hasOwn(words, error.message)) throw error;
    return told(error.message);
  }
  fillIn();
  return show();
}

begin().catch(() => { $("unread").hidden = false; });
