// The single file: one document, its pages packed behind it, switched by what stands behind the `#`. There is no server.
// Each change of page loads the file anew, from the disk and in a moment, so that a page never meets what another left.

import {aim} from "./aim.js";
import {drawn} from "./dom.js";
import "./keys.js";
import {read, unfolded} from "./payload.js";
import {source} from "./search.js";
import {listOf} from "./single_list.js";

const MODULES = {map: ["headway/map_page.js"], lineage: ["headway/lineage_page.js"]};
const MOST = 8;

/** Path and parameters behind the `#`; an asset has no page of its own, its List stands in. */
function asked() {
  const [path, query = ""] = decodeURI(location.hash.slice(1) || "/").split("?");
  if (path.startsWith("/lineage/@")) return {path: "/list", query: new URLSearchParams({around: path.slice("/lineage/".length)})};
  return {path, query: new URLSearchParams(query)};
}

/** The page that an address is packed under: with its parameters where there is one, else by its path. */
function key(pages, {path, query}) {
  const whole = `${path}?${query}`;
  return whole in pages ? whole : path in pages ? path : "";
}

function mount(page, sheets) {
  const fresh = new DOMParser().parseFromString(page.html, "text/html");        // scripts of a parsed document never run
  const header = document.querySelector("header.top");
  while (header.nextElementSibling && !header.nextElementSibling.matches("[data-file]")) header.nextElementSibling.remove();
  header.after(...fresh.body.children);
  document.title = `${page.title} · Headway`;
  document.body.className = page.picture ? "picture" : "";
  for (const style of document.querySelectorAll("style[data-sheet]")) style.media = sheets.includes(style.dataset.sheet) ? "all" : "not all";
  for (const tab of document.querySelectorAll(".tabs a")) {
    if (tab.textContent.startsWith(page.tab)) tab.setAttribute("aria-current", "page"); else tab.removeAttribute("aria-current");
  }
}

/** The payload of the Map, which stands in its packed page. */
function columns(pages) {
  const found = new DOMParser().parseFromString(pages["/map"]?.html ?? "", "text/html").getElementById("data");
  return found && unfolded(JSON.parse(found.textContent));
}

const simple = text => text.toLowerCase();

/** Hits in the order of goals, then assets; what begins with the text comes first. */
function finder(pages) {
  const data = columns(pages);
  const goals = Object.entries(pages).filter(([, page]) => page.kind).map(([to, page]) => ({name: page.title, kind: page.kind, place: "", to: `#${to}`}));
  const assets = data ? data.names.map((name, k) => ({name, kind: "asset", place: `${data.bands[data.band[k]]} · ${data.groups[data.group[k]]}`, to: `#/map?asset=@${data.snapshot}/${k}`})) : [];
  const all = [...goals, ...assets];
  return form => {
    const text = simple(form.querySelector("input[type=search]").value.trim());
    const hits = all.filter(hit => simple(hit.name).includes(text));
    return [...hits.filter(hit => simple(hit.name).startsWith(text)), ...hits.filter(hit => !simple(hit.name).startsWith(text))].slice(0, 10 * MOST);
  };
}

function follow(to) { location.hash = to.replace(/^#/, ""); }

function searching(pages) {
  let find;
  source.find = form => (find ??= finder(pages))(form);
  source.open = follow;
  for (const form of document.querySelectorAll("form.find")) {
    form.addEventListener("submit", event => {
      event.preventDefault();
      const first = source.find(form)[0];
      if (first) follow(first.to);
    });
  }
}

let leaving = false;

async function main() {
  addEventListener("hashchange", event => {
    if (new URL(event.newURL).hash === "#main") return;                           // the link that skips to the content
    leaving = true;
    location.reload();
  });
  const now = asked(), pages = await read("pages");
  searching(pages);
  if (now.path === "/list" && pages["/map"]) {
    const page = pages["/list"], data = columns(pages);
    mount(page, page.sheets);
    document.getElementById("main").replaceChildren(...listOf(data, now.query));
  } else {
    const name = key(pages, now), page = pages[name];
    if (name && name !== "/") mount(page, page.sheets);
    if (page && MODULES[page.name]) {
      if (page.name === "map" && document.getElementById("data")) aim(now.query, columns(pages));
      delete document.documentElement.dataset.opening;
      await Promise.all(MODULES[page.name].map(module => import(module)));
      return;
    }
  }
  delete document.documentElement.dataset.opening;
  drawn();
}

try { await main(); } catch (error) { if (!leaving) throw error; }                // a reload ends what is still loading
