// Elements made in a module: names, attributes and texts, never markup.

const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {string} tag
 * @param {Record<string, unknown>} attributes as in HTML; `on` holds listeners by their event;
 *   true stands for an attribute without a value, false, null and undefined for none
 * @param {...(Node|string|null)} children
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") for (const [event, act] of Object.entries(value)) element.addEventListener(event, act);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** A button with words; with an icon only, `label` says them. */
export function button(label, act, { icon: name = null, ...attributes } = {}) {
  const content = name === null ? label : icon(name);
  const named = name === null ? {} : { "aria-label": label, title: label };
  return make("button", { type: "button", ...named, ...attributes, on: { click: act } }, content);
}

/** `name` as in icons.svg; those of another sheet with its name before them: "vodicons#clip". */
export function icon(name) {
  const [sheet, symbol] = name.includes("#") ? name.split("#") : ["icons", name];
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `/static/${sheet}.svg#${symbol}`);
  svg.append(use);
  return svg;
}

/** Change a text only where it differs: screen readers and layout are left in peace. */
export function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
