// Building elements: make("p", {class: "x"}, "text", child).

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child != null && child !== ""));
  return element;
}

export const find = (id) => document.getElementById(id);

// The swatch of a class: its colour and its number, so that colour is never alone.
export function swatch(colour, mark, pattern = "none") {
  const element = make("span", { class: `swatch pattern-${pattern}`, "aria-hidden": "true" }, String(mark));
  element.style.setProperty("--colour", colour);
  if (luminance(colour) < 0.18) element.classList.add("dark");
  return element;
}

// Relative luminance of #rrggbb (WCAG 2.2); light for anything else.
function luminance(colour) {
  if (!/^#[0-9a-f]{6}$/i.test(colour)) return 1;
  const [red, green, blue] = [1, 3, 5].map((start) => {
    const part = parseInt(colour.slice(start, start + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
