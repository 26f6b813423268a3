// The Map page: reads the payload, mounts the map, and switches panel, legend, sentence and address with the selection.

import {breakable, drawn, fonts, h, join, onTheme, remember} from "./dom.js";
import {on} from "./keys.js";
import {read} from "./payload.js";
import {mountMap} from "./strata.js";

const stage = document.getElementById("stage"), side = document.getElementById("side"), title = document.getElementById("sentence");
const buttons = [...document.querySelectorAll("[data-lens]")];
const show = name => side.querySelectorAll("[data-panel]").forEach(el => { el.hidden = el.dataset.panel !== name; });
const words = n => n.toLocaleString("en");

/** Where an asset of the payload leads: its page is found by its position, for as long as the snapshot is the same. */
const place = (data, i) => (data.keys ? encodeURIComponent(data.keys[i]) : `@${data.snapshot}/${data.places ? data.places[i] : i}`);
const to = (base, data, i) => join(stage.dataset[base], place(data, i));

function select(data) {
  return ({objective, tile, asset, ...facts}) => {
    if (objective !== undefined) show(`objective-${objective}`);
    else if (tile && asset === undefined) { folder(data, tile, facts); show("detail"); }
    else if (asset !== undefined) { one(data, asset, tile, facts); show("detail"); }
    else show("default");
    side.scrollTop = 0;
    const focus = objective !== undefined ? encodeURIComponent(data.objectives[objective].id) : asset !== undefined ? place(data, asset) : "";
    remember({objective: objective === undefined ? "" : data.objectives[objective].id, asset: asset === undefined ? "" : place(data, asset)});
    follow(focus, tile && asset === undefined ? tile : null, data);
  };
}

/** The view switch keeps the focus: Lineage opens on what is selected, the List shows the same assets. */
function follow(focus, tile, data) {
  const lineage = document.querySelector("[data-view=lineage]"), list = document.querySelector("[data-view=list]");
  if (lineage) lineage.href = focus ? join(stage.dataset.lineage, focus) : lineage.dataset.home;
  const query = Object.fromEntries(new URLSearchParams(list.dataset.query));
  if (focus) query.around = decodeURIComponent(focus);
  if (tile) { query.band = data.bands[tile.band]; if (tile.folder) query.folder = tile.folder; }
  list.href = join(stage.dataset.list, "", query);
}

const detail = () => side.querySelector("[data-panel=detail]");
const row = (name, text) => h("div", {class: "row num"}, h("span", {}, name), h("span", {}, text));

function folder(data, tile, {costWords}) {
  const counts = [0, 0, 0, 0];
  tile.ids.forEach(i => counts[data.state[i]]++);
  const query = {band: data.bands[tile.band], ...(tile.folder ? {folder: tile.folder} : {})};
  const known = data.heads ? [["Serve an objective", counts[2]], ["Used, but no objective", counts[1]], ["No objective, nobody uses it", counts[0]], ["Use not known", counts[3]]] : [];
  detail().replaceChildren(
    h("h2", {}, breakable(tile.label)), h("div", {class: "dim"}, `${data.bands[tile.band]} · ${words(tile.ids.length)} assets`),
    h("h3", {}, "What they are for"), ...known.filter(([, n]) => n).map(([name, n]) => row(name, words(n))),
    h("h3", {}, tile.ids.length > 12 ? "The first 12" : "Assets"),
    ...tile.ids.slice(0, 12).map(i => h("a", {class: "row num", href: to("asset", data, i)}, h("span", {class: "mono"}, breakable(data.names[i])), h("span", {class: "dim"}, data.cost[i] < 0 ? "" : costWords(i)))),
    h("div", {class: "actions"}, h("a", {class: "button", href: join(stage.dataset.list, "", query)}, `List all ${words(tile.ids.length)}`)));
}

function one(data, asset, tile, facts) {
  detail().replaceChildren(
    h("h2", {class: "mono"}, breakable(facts.name)), h("div", {class: "dim"}, `${data.bands[tile.band]} · ${tile.label}`), h("p", {}, facts.sentence),
    row("Use", facts.use), row("Cost", facts.cost), row("On its path", `${words(facts.path)} assets`),
    h("div", {class: "actions"}, ...(stage.dataset.asset.startsWith("#")
      ? [h("a", {class: "button main", href: to("lineage", data, asset)}, "What is up- and downstream")]         // a file has no page of each asset
      : [h("a", {class: "button main", href: to("asset", data, asset)}, "Open"), h("a", {class: "button", href: to("lineage", data, asset)}, "Open lineage")])));
}

function lensOf(map) {
  const sentences = JSON.parse(document.getElementById("sentences").textContent);
  return button => {
    const name = button.dataset.lens;
    buttons.forEach(b => b.setAttribute("aria-pressed", String(b === button)));
    side.querySelectorAll("[data-legend]").forEach(el => { el.hidden = el.dataset.legend !== name; });
    title.textContent = sentences[name];
    map.setLens(name);
    remember({colour: name === "align" ? "" : name});
  };
}

async function main() {
  if (!stage.querySelector("#squares")) return drawn();             // too large to draw: the page says so
  let data;
  performance.mark("headway-data");
  try { data = await read(); } catch (error) { stage.querySelector("#labels").textContent = error.message; return drawn(); }
  await fonts();
  const map = mountMap(stage, data, {lens: stage.dataset.colour, start: stage.dataset.start, onSelect: select(data)});
  const setLens = lensOf(map);
  buttons.filter(b => !b.hasAttribute("aria-disabled")).forEach(b => b.addEventListener("click", () => setLens(b)));
  document.querySelector("#department")?.addEventListener("change", event => event.target.form.submit());
  onTheme(() => map.repaint());
  on("Escape", () => map.clear(), "");
  on("l", () => document.querySelector("[data-view=lineage]")?.click(), "Lineage of what is selected");
  on("v", () => document.querySelector("[data-view=lineage], [data-view=list]").click(), "next view: Map, Lineage, List");
  const {objective, chosen} = stage.dataset;
  if (Number(objective) >= 0) map.select(Number(objective));
  else if (Number(chosen) >= 0) map.selectAsset(Number(chosen));
  return drawn();
}

await main();
