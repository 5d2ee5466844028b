// Texts, times and numbers in the reader's language, from one catalogue a language.

import { ask } from "./asking.js";

const JST = 9 * 3600e3;

const KNOWN = ["ja", "ja-easy", "en", "zh", "ko"];

let catalogue = {};
let language = "ja";
let own = {};

// The language that an address, this device or the browser asks for.
export async function loadWords(asked) {
  const first = navigator.languages.map((tag) => tag.split("-")[0]).find((code) => KNOWN.includes(code));
  await setLanguage(asked ?? remembered() ?? first ?? "en");
}

// The names of all languages, the city's own among them.
export async function languages() {
  const added = Object.entries(own).map(([code, texts]) => [code, texts.language_name ?? code]);
  return { ...Object.fromEntries(added), ...(await ask("static/words/languages.json")) };
}

// What the city says in its own words, by language; it may also add languages.
export async function extend(more) {
  own = more ?? {};
  await setLanguage(KNOWN.includes(language) || language in own ? language : "en");
}

export async function setLanguage(chosen) {
  const base = KNOWN.includes(chosen) ? chosen : "en";
  catalogue = { ...(await ask(`static/words/${base}.json`)), ...own[chosen] };
  language = chosen;
  document.documentElement.lang = words("locale");
  try {
    localStorage.setItem("language", chosen);
  } catch {
    // A browser that keeps nothing still shows the page.
  }
  for (const element of document.querySelectorAll("[data-words]")) {
    element.textContent = words(element.dataset.words);
  }
  for (const element of document.querySelectorAll("[data-hint]")) {
    element.placeholder = words(element.dataset.hint);
  }
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", words(element.dataset.label));
  }
}

function remembered() {
  try {
    return localStorage.getItem("language");
  } catch {
    return null;
  }
}

export const currentLanguage = () => language;

export function words(key, values = {}) {
  const text = catalogue[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

// A {ja, en} pair of the service, in the nearer of the two languages.
export const spoken = (pair) => pair?.[words("service_language")] ?? "";

// What has a message of its own is said in every language; all else as the service says it.
export const told = (key, pair) => catalogue[key] ?? spoken(pair);

// Japanese forecasts call midnight 24:00 of the day that ends.
export function dayAndHour(iso) {
  const local = new Date(Date.parse(iso) + JST);
  const midnight = local.getUTCHours() === 0 && local.getUTCMinutes() === 0;
  const day = new Date(local.getTime() - (midnight ? 3600e3 : 0));
  const minutes = String(local.getUTCMinutes()).padStart(2, "0");
  return { day: day.toISOString().slice(0, 10), date: day, hour: `${midnight ? 24 : local.getUTCHours()}:${minutes}` };
}

export function dayName(date) {
  const locale = words("locale");
  const month = locale.startsWith("en") ? "short" : "long";
  return new Intl.DateTimeFormat(locale, { timeZone: "UTC", month, day: "numeric", weekday: "short" }).format(date);
}

export function timeName(iso) {
  const { date, hour } = dayAndHour(iso);
  return `${dayName(date)} ${hour}`;
}

// Steps by the day they belong to, each with its position.
export function days(series) {
  const groups = [];
  series.forEach((step, position) => {
    const { day, date } = dayAndHour(step.jst);
    if (groups.at(-1)?.day !== day) groups.push({ day, date, steps: [] });
    groups.at(-1).steps.push([step, position]);
  });
  return groups;
}

// Day and time for small print: 8/5 4:25, and in English 5 Aug 4:25, which no reader takes for May.
export function shortTime(iso) {
  const { date, hour } = dayAndHour(iso);
  const locale = words("locale");
  if (locale.startsWith("ja")) return `${date.getUTCMonth() + 1}/${date.getUTCDate()} ${hour}`;
  const day = new Intl.DateTimeFormat(locale, { timeZone: "UTC", month: "short", day: "numeric" }).format(date);
  return `${day} ${hour}`;
}

// The hour alone where the day is the same as that of another instant.
export function hourAfter(iso, from) {
  const [then, now] = [dayAndHour(iso), dayAndHour(from)];
  return then.day === now.day ? then.hour : timeName(iso);
}

// How long ago something was computed ("age") or seen ("seen").
export function ageName(minutes, what = "age") {
  if (minutes < 1) return words(`${what}_now`);
  if (minutes < 60) return words(`${what}_minutes`, { n: Math.floor(minutes) });
  if (minutes < 48 * 60) return words(`${what}_hours`, { n: Math.floor(minutes / 60) });
  return words(`${what}_days`, { n: Math.floor(minutes / 1440) });
}

export function distanceName(metres) {
  if (metres < 1000) return words("metres", { n: Math.round(metres / 10) * 10 });
  return words("kilometres", { n: (metres / 1000).toFixed(1) });
}
