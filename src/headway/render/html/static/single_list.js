// The List of a single file: the rows of the Map's payload, filtered, sorted and paged by what the address says.

import {breakable, h} from "./dom.js";

const ROWS = 100, STATES = ["nobody", "used", "serves", "unknown"], TRUST = ["unknown", "trusted", "warns", "broken"];
const SAID = ["Nobody uses it", "Used, but no objective", "Serves an objective", "Use not known"];
const TRUSTED = [["not known", "mute"], ["trusted", "good"], ["a test warns", "warn"], ["late or failing", "bad"]];
const FILTERS = ["band", "folder", "objective", "only", "state", "trust", "around"];
const count = n => n.toLocaleString("en");

/** Where links lead: behind the `#` of the file, or in a folder to its pages. */
const inFile = !document.querySelector("[data-folder]"), LIST = inFile ? "#/list" : "list.html";
const map = inFile ? "#/map" : "map.html", assetOf = (data, i) => (inFile ? `#/map?asset=@${data.snapshot}/${i}` : `asset/${data.keys[i]}`);
const address = query => { const text = new URLSearchParams([...query].filter(([, v]) => v)).toString(); return text ? `${LIST}?${text}` : LIST; };
const but = (query, changes) => { const next = new URLSearchParams(query); for (const [k, v] of Object.entries(changes)) next.set(k, v); return address(next); };

/** Everything upstream and everything downstream of some assets, themselves included. */
function around(data, seeds) {
  const up = new Map(), down = new Map();
  for (let e = 0; e < data.edges.length; e += 2) {
    const [a, b] = [data.edges[e], data.edges[e + 1]];
    (down.get(a) ?? down.set(a, []).get(a)).push(b);
    (up.get(b) ?? up.set(b, []).get(b)).push(a);
  }
  const found = new Set();
  for (const next of [up, down]) {
    const seen = new Set(seeds), todo = [...seeds];
    while (todo.length) for (const j of next.get(todo.pop()) ?? []) if (!seen.has(j)) { seen.add(j); todo.push(j); }
    seen.forEach(i => found.add(i));
  }
  return found;
}

/** Which positions fit, given as a test; null where a filter says nothing. */
function tests(data, query) {
  const at = name => query.get(name) ?? "", found = [];
  const objective = name => data.objectives.findIndex(o => o.id === at(name));
  const serves = (i, k) => data.objectives[k].under.some(o => data.goal_sets[data.goals[i]].includes(o));
  const text = at("q").toLowerCase();
  if (text) found.push(i => `${data.names[i]} ${data.groups[data.group[i]]}`.toLowerCase().includes(text));
  if (at("band")) found.push(i => data.bands[data.band[i]] === at("band"));
  if (at("folder")) found.push(i => data.groups[data.group[i]] === at("folder"));
  if (at("state")) found.push(i => STATES[data.state[i]] === at("state"));
  if (at("trust")) found.push(i => TRUST[data.trust[i]] === at("trust"));
  if (objective("objective") >= 0) found.push(i => serves(i, objective("objective")));
  if (objective("only") >= 0) found.push(i => serves(i, objective("only")) && data.goal_sets[data.goals[i]].every(o => data.objectives[objective("only")].under.includes(o)));
  if (at("around")) found.push(near(data, at("around")));
  return found;
}

function near(data, focus) {
  const place = focus.startsWith("@") ? Number(focus.split("/")[1]) : data.keys?.indexOf(focus) ?? -1;
  if (place >= 0) { const all = around(data, [place]); return i => all.has(i); }
  const k = data.objectives.findIndex(o => o.id === focus);
  if (k >= 0) return i => data.objectives[k].under.some(o => data.goal_sets[data.goals[i]].includes(o));
  const result = data.key_results.find(r => r.id === focus), all = around(data, result?.links ?? []);
  return i => all.has(i);
}

const COLUMNS = [
  ["Asset", "name", (d, i) => d.names[i].toLowerCase()], ["What it is for", "state", (d, i) => d.state[i]], ["People", "people", (d, i) => d.use[i]],
  ["Cost", "cost", (d, i) => d.cost[i]], ["Can we trust it?", "trust", (d, i) => d.trust[i]],
];

function sorted(data, rows, by) {
  const name = by.replace(/^-/, ""), value = COLUMNS.find(c => c[1] === name)?.[2];
  if (!value) return rows;
  const sign = by.startsWith("-") ? -1 : 1;
  return [...rows].sort((a, b) => { const x = value(data, a), y = value(data, b); return x < y ? -sign : x > y ? sign : a - b; });
}

function row(data, i) {
  const cell = (head, ...content) => h("td", {role: "cell", class: "num", "data-head": `${head}:`}, ...content);
  const served = data.goal_sets[data.goals[i]].map(o => data.objectives[o].t).join(", ");
  const [word, tone] = TRUSTED[data.trust[i]];
  return h("tr", {role: "row"},
    h("th", {scope: "row", role: "rowheader"}, h("a", {class: "mono", href: assetOf(data, i)}, breakable(data.names[i])), h("div", {class: "small"}, `${data.bands[data.band[i]]} · `, ...breakable(data.groups[data.group[i]]))),
    cell("For", SAID[data.state[i]], served && h("div", {class: "small"}, served)), cell("People", data.use[i] < 0 ? "not known" : count(data.use[i])),
    cell("Cost", data.cost[i] < 0 ? "not known" : `${data.unit[0]}${count(data.cost[i])}${data.unit[1]}`), cell("Trust", h("span", {class: `tone-${tone}`}, word)));
}

function filters(query) {
  const field = h("input", {class: "field", type: "search", value: query.get("q") ?? "", "aria-label": "Name or folder", placeholder: "Name or folder"});
  const form = h("form", {class: "filters", onsubmit: event => { event.preventDefault(); location.href = but(query, {q: field.value, page: ""}); }}, field, h("button", {class: "button"}, "Show"));
  const taken = FILTERS.filter(name => query.get(name));
  return [form, taken.length ? h("ul", {class: "taken", "aria-label": "Filters that are set"}, taken.map(name =>
    h("li", {}, h("a", {href: but(query, {[name]: "", page: ""})}, `${name}: ${query.get(name).split(/[.@]/).pop()} `, h("span", {"aria-hidden": "true"}, "×"), h("span", {class: "hidden-visually"}, ", take back"))))) : null];
}

/** Everything below `main` of the List for these parameters. */
export function listOf(data, query) {
  const fits = tests(data, query), by = query.get("sort") ?? "";
  const rows = sorted(data, data.names.map((_, i) => i).filter(i => fits.every(test => test(i))), by);
  const pages = Math.max(1, Math.ceil(rows.length / ROWS)), page = Math.min(pages, Math.max(1, Number(query.get("page")) || 1));
  const head = ([word, name]) => h("th", {scope: "col", role: "columnheader", "aria-sort": by.endsWith(name) && by ? (by.startsWith("-") ? "descending" : "ascending") : false},
    h("a", {href: but(query, {sort: by === name ? `-${name}` : name, page: ""})}, word));
  const said = rows.length === data.names.length ? `${count(rows.length)} assets` : `${count(rows.length)} of ${count(data.names.length)} assets`;
  return [
    h("div", {class: "list-head"}, h("h1", {class: "lead"}, said), h("div", {class: "seg", role: "group", "aria-label": "View"}, h("a", {"data-view": "map", href: map}, "Map"), h("a", {"data-view": "list", href: LIST, "aria-current": "page"}, "List"))),
    ...filters(query).filter(Boolean),
    rows.length ? h("div", {class: "panel"}, h("table", {class: "rows cards list", role: "table"}, h("thead", {role: "rowgroup"}, h("tr", {role: "row"}, COLUMNS.map(head))),
      h("tbody", {role: "rowgroup"}, rows.slice((page - 1) * ROWS, page * ROWS).map(i => row(data, i))))) : h("div", {class: "panel empty"}, h("h2", {}, "Nothing fits"), h("p", {}, h("a", {class: "button main", href: LIST}, "All assets"))),
    h("nav", {class: "pager", "aria-label": "Pages"}, page > 1 && h("a", {class: "button", href: but(query, {page: page - 1})}, "Previous"),
      h("span", {class: "dim num"}, `Page ${count(page)} of ${count(pages)}`), page < pages && h("a", {class: "button", href: but(query, {page: page + 1})}, "Next")),
  ];
}
