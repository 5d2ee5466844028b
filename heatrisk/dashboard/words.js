// Texts, times and numbers in the reader's language.

let catalogue = {};
let language = "ja";

export async function loadWords() {
  const response = await fetch("static/words.json");
  catalogue = await response.json();
  const asked = new URLSearchParams(location.search).get("lang") ?? remembered() ?? navigator.language;
  setLanguage(asked.startsWith("ja") ? "ja" : "en");
}

export function setLanguage(chosen) {
  language = chosen;
  document.documentElement.lang = chosen;
  try {
    localStorage.setItem("language", chosen);
  } catch {
    // A browser that keeps nothing still shows the page.
  }
  for (const element of document.querySelectorAll("[data-words]")) {
    element.textContent = words(element.dataset.words);
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
  const text = catalogue[language][key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

// A {ja, en} pair of the API.
export const spoken = (pair) => pair?.[language] ?? "";

const JST = 9 * 3600e3;

// Japanese forecasts call midnight 24:00 of the day that ends.
export function dayAndHour(iso) {
  const local = new Date(Date.parse(iso) + JST);
  const midnight = local.getUTCHours() === 0 && local.getUTCMinutes() === 0;
  const day = new Date(local.getTime() - (midnight ? 3600e3 : 0));
  const minutes = String(local.getUTCMinutes()).padStart(2, "0");
  return { day: day.toISOString().slice(0, 10), date: day, hour: `${midnight ? 24 : local.getUTCHours()}:${minutes}` };
}

export function dayName(date) {
  const locale = language === "ja" ? "ja-JP" : "en-GB";
  const month = language === "ja" ? "long" : "short";
  return new Intl.DateTimeFormat(locale, { timeZone: "UTC", month, day: "numeric", weekday: "short" }).format(date);
}

export function timeName(iso) {
  const { date, hour } = dayAndHour(iso);
  return `${dayName(date)} ${hour}`;
}

// Day and time for small print: 8/5 4:25, and in English 5 Aug 4:25, which no reader takes for May.
export function shortTime(iso) {
  const { date, hour } = dayAndHour(iso);
  if (language === "ja") return `${date.getUTCMonth() + 1}/${date.getUTCDate()} ${hour}`;
  const day = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", month: "short", day: "numeric" }).format(date);
  return `${day} ${hour}`;
}

export function ageName(minutes) {
  if (minutes < 1) return words("age_now");
  if (minutes < 60) return words("age_minutes", { n: minutes });
  if (minutes < 48 * 60) return words("age_hours", { n: Math.floor(minutes / 60) });
  return words("age_days", { n: Math.floor(minutes / 1440) });
}

export function distanceName(metres) {
  if (metres < 1000) return words("metres", { n: Math.round(metres / 10) * 10 });
  return words("kilometres", { n: (metres / 1000).toFixed(1) });
}
