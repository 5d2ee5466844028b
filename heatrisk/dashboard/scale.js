// Classes of a scale: their names, ranges and advice in the reader's language, and numbers as they are published.

import { told, words } from "./words.js";

// Cut, not rounded: 30.98 belongs below 31 and must not be shown as 31.0.
export const degrees = (value) => (Math.floor(value * 10 + 1e-6) / 10).toFixed(1);
// Official forecasts are published as whole degrees; a half is rounded up, as the publisher does.
export const whole = (value) => String(Math.floor(value + 0.5));
export const percent = (share) => words("percent", { n: Math.round(share * 100) });

// A probability is not known to the per cent: steps of five, open at the ends.
export function chance(share) {
  if (share < 0.05) return words("chance_below", { n: 5 });
  if (share > 0.95) return words("chance_above", { n: 95 });
  return words("percent", { n: Math.round(share * 20) * 5 });
}

export const levelName = (scale, index) => told(`level_${scale.levels[index].code}`, scale.levels[index].words);
export const advice = (scale, index) => told(`advice_${scale.id}_${scale.levels[index].code}`, scale.levels[index].advice);

export function rangeOf(scale, index) {
  return range(scale.levels[index].lower, scale.levels[index + 1]?.lower ?? null);
}

// From `lower` (included) to `upper`; null at the open ends.
export function range(lower, upper) {
  if (lower == null) return words("range_first", { upper });
  return upper == null ? words("range_last", { lower }) : words("range", { lower, upper });
}
