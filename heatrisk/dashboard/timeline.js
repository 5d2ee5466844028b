// The slider of steps: a strip in the classes of the chosen place, moved by finger, keys, buttons or itself.

import { find, make } from "./dom.js";
import { levelName } from "./scale.js";
import { dayAndHour, dayName, days, timeName, words } from "./words.js";

const PLAY_EVERY = 1500; // milliseconds

let playing = null;

// The first: {times, step_minutes}, as the service lists them.
export function showTimeline({ times, step_minutes: whole }, point, index, now, choose) {
  if (!find("timeline").querySelector("input")) build(times, choose);
  const input = find("timeline").querySelector("input");
  input.value = String(index);
  const level = point?.series[index].risk;
  const spelled = timeName(times[index].jst);
  input.setAttribute("aria-label", words("time"));
  input.setAttribute("aria-valuetext", level ? `${spelled} ${levelName(point.scale, level.index)}` : spelled);
  find("moment").replaceChildren(make("b", {}, spelled), index === now ? make("span", { class: "now" }, words("now")) : "",
    make("small", {}, words("window", { n: whole / 2 })));
  label("earlier", "earlier");
  label("later", "later");
  label("play", playing ? "pause" : "play");
  find("earlier").disabled = index === 0;
  find("later").disabled = index === times.length - 1;
  find("strip").replaceChildren(...times.map((_, position) => cell(point, position, now)));
  find("days").replaceChildren(...days(times).map(({ date, steps }) => {
    const day = make("span", {}, dayName(date));
    day.style.setProperty("--steps", String(steps.length));
    return day;
  }));
  find("clock-hours").replaceChildren(...times.map(({ jst }) => make("span", {}, dayAndHour(jst).hour.replace(":00", ""))));
}

function label(id, key) {
  find(id).setAttribute("aria-label", words(key));
  find(id).title = words(key);
}

function cell(point, position, now) {
  const risk = point?.series[position].risk;
  const element = make("span", { class: position === now && "present" }, risk ? String(risk.index + 1) : "");
  if (risk) element.style.setProperty("--colour", point.scale.levels[risk.index].colour);
  return element;
}

function build(times, choose) {
  const last = times.length - 1;
  const input = make("input", { type: "range", min: 0, max: last, step: 1, value: 0 });
  const current = () => Number(input.value);
  const stepping = (by) => () => choose(Math.min(Math.max(current() + by, 0), last));
  input.addEventListener("input", () => choose(current()));
  const button = (id, sign, onclick) => make("button", { id, type: "button", class: "tool", onclick }, sign);
  const track = make("div", { class: "track" },
    make("div", { id: "strip", class: "strip", "aria-hidden": "true" }), input,
    make("div", { id: "clock-hours", class: "clock-hours", "aria-hidden": "true" }),
    make("div", { id: "days", class: "days", "aria-hidden": "true" }));
  track.style.setProperty("--count", String(times.length));
  find("timeline").replaceChildren(
    make("div", { class: "transport" },
      button("earlier", "‹", stepping(-1)),
      make("p", { id: "moment", class: "moment" }),
      button("later", "›", stepping(1)),
      button("play", "▶", () => (playing ? stop() : start(current, last, choose)))),
    track);
}

function start(current, last, choose) {
  find("play").textContent = "❚❚";
  playing = setInterval(() => choose(current() === last ? 0 : current() + 1), PLAY_EVERY);
  label("play", "pause");
}

function stop() {
  clearInterval(playing);
  playing = null;
  find("play").textContent = "▶";
  label("play", "play");
}
