// A small DOM builder. Text always goes in as text, never as markup: names come from other people's files.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes, styles (through CSSOM, which the policy allows), listeners (`onclick`) and children. */
export function h(tag, props = {}, ...children) {
  const el = tag === "svg" || props.svg ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (key === "svg") continue;
    if (key === "style") Object.assign(el.style, value);
    else if (key.startsWith("on")) el.addEventListener(key.slice(2), value);
    else if (value !== false && value != null) el.setAttribute(key, value === true ? "" : value);
  }
  el.append(...children.flat().filter(child => child != null && child !== false));
  return el;
}

/** Nodes of a long name that may break after an underscore or a dot, and never inside a word. */
export const breakable = name => name.split(/(?<=[_.])/).flatMap((part, k) => (k ? [document.createElement("wbr"), part] : [part]));

/** The font that labels are measured in, or a short wait for it: a page is not held up by a font. */
export const fonts = () => Promise.race([document.fonts.load('11px "Inter var"'), new Promise(done => setTimeout(done, 150))]);

/** Tells tests, which must not evaluate anything, that the picture is on the screen. */
export const drawn = () => requestAnimationFrame(() => requestAnimationFrame(() => {
  document.documentElement.dataset.drawn = Math.round(performance.now());
}));

/** Run something when the theme changes, by the system or by choice. */
export function onTheme(run) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", run);
  new MutationObserver(run).observe(document.documentElement, {attributeFilter: ["data-theme"]});
}

/** An address with something behind its path and further parameters; what it has behind the `?` (a day) stays. */
export function join(base, place = "", query = {}) {
  if (base.startsWith("#")) return behindHash(base, place, query);
  const url = new URL(base, location.href);
  url.pathname += place;
  for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
  return url.href;
}

/** The same in a single file, where all addresses stand behind the `#`. */
function behindHash(base, place, query) {
  const more = new URLSearchParams(query).toString();
  return `${base}${place}${more && (base.includes("?") ? "&" : "?")}${more}`;
}

/** Change parameters of the address, so that copying it reproduces what is seen; '' leaves one out. */
export function remember(changes) {
  const url = new URL(location.href);
  for (const [key, value] of Object.entries(changes)) {
    if (value) url.searchParams.set(key, value); else url.searchParams.delete(key);
  }
  if (location.protocol !== "file:") history.replaceState(null, "", url);
}
