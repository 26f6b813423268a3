// The focused Lineage: lanes are layers, objectives on top, sources at the bottom; only a broken path is red.

import {h} from "./dom.js";
import {layered} from "./layered.mjs";

const CARD_H = 44, GAP = 16, EDGE = 34, PITCH = 58, AUTO = 60;
/** Names of lanes stand left of the cards; above them where a window is narrow, or what is drawn is wider than it. */
const BESIDE = {gutter: 104, row: 76, edge: EDGE}, ABOVE = {gutter: 12, row: 92, edge: 50}, NARROW = 700;
const HEAD = 7;                                            // lanes from here on are goals
const PLAIN = 6, WIDEST = 330;                             // from dashboards on, names are words, and cards as wide as they need
const DUMMY = 14;                                          // room that a passing line takes in a row
const ICON = {
  source: "M3 4h10M3 8h10M3 12h10", 1: "M3 3h10v10H3z", 2: "M3 3h10v10H3zM3 8h10", 3: "M3 3h10v10H3zM8 3v10M3 8h10", 4: "M8 2 14 5v6l-6 3-6-3V5z",
  5: "M2 12 6 7l3 3 5-7", 6: "M3 13V8M8 13V3M13 13V6", 7: "M8 2a6 6 0 1 0 .01 0M8 6a2 2 0 1 0 .01 0", 8: "M4 14V2l9 4-9 4",
};

// ------------------------------------------------------------------------------------------------ what is shown (pure)

/** Positions within `steps` of the focus, upstream and downstream separately (a sibling is not a neighbour). */
export function neighbourhood(data, focus, steps = Infinity) {
  const sides = adjacency(data), seen = new Set([focus]);
  for (const next of sides) {
    let front = [focus];
    const here = new Set(front);
    for (let k = 0; k < steps && front.length; k++) {
      const further = [];
      for (const i of front) for (const j of next[i]) if (!here.has(j)) { here.add(j); seen.add(j); further.push(j); }
      front = further;
    }
  }
  return seen;
}

const known = new WeakMap();
function adjacency(data) {
  if (!known.has(data)) {
    const up = data.nodes.map(() => []), down = data.nodes.map(() => []);
    for (const {a, b} of data.edges) { down[a].push(b); up[b].push(a); }
    known.set(data, [up, down]);
  }
  return known.get(data);
}

/** Lane = band of the node, lifted to the highest lane of anything upstream, so that every line goes up. */
export function lanesOf(nodes, edges) {
  const lane = new Map(nodes.map(n => [n.at, n.band]));
  for (let pass = 0, moved = true; moved && pass < nodes.length; pass++) {
    moved = false;
    for (const e of edges) if (lane.get(e.b) < lane.get(e.a)) { lane.set(e.b, lane.get(e.a)); moved = true; }
  }
  return lane;
}

/** Fold crowded lanes: largest folder first, never a broken, focused or selected card, until the lane fits. */
export function fold(nodes, lane, capacity, keep, open, costWords = () => "") {
  const stackOf = new Map(), stacks = [];
  for (const l of [...new Set(lane.values())]) {
    const here = nodes.filter(n => lane.get(n.at) === l), folders = new Map();
    for (const n of here) if (n.flag !== "bad" && !keep.has(n.at)) folders.set(n.folder, [...(folders.get(n.folder) || []), n]);
    let width = here.length;
    for (const [folder, members] of [...folders].sort((x, y) => y[1].length - x[1].length || (x[0] < y[0] ? -1 : 1))) {
      if (width <= capacity) break;
      const id = `${l}:${folder}`;
      if (members.length < 2 || open.has(id)) continue;
      stacks.push(stackOfMembers(id, l, folder, members, costWords));
      members.forEach(m => stackOf.set(m.at, id));
      lane.set(id, l);
      width -= members.length - 1;
    }
  }
  return {shown: [...nodes.filter(n => !stackOf.has(n.at)), ...stacks], stackOf};
}

/** A stack says how many it holds, what they cost, and never hides a warning of a member. */
function stackOfMembers(id, lane, name, members, costWords) {
  const [{kind, band}] = members, warned = members.filter(m => m.flag === "warn").length, cost = members.reduce((sum, m) => sum + Math.max(0, m.cost ?? -1), 0);
  const noun = {0: "tables", 5: "metrics", 6: "boards", 7: "goals", 8: "objectives"}[band] ?? "models";
  const words = [`${members.length.toLocaleString("en")} ${noun}`, cost ? costWords(cost) : "", warned ? `${warned} warn${warned === 1 ? "s" : ""}` : ""];
  return {at: id, kind, band, name, folder: name, stack: members.length, members: members.map(m => m.at), flag: warned ? "warn" : "", fact: words.filter(Boolean).join(" · "), said: `folder ${name}`};
}

// ------------------------------------------------------------------------------------------------ drawing

export function mountLineage(stage, data, {steps = 0, across = false, open = [], suggested = false, onCount = () => {}, onOpen = () => {}, visit = () => {}}) {
  const paper = stage.querySelector("#paper");
  data.nodes.forEach((n, k) => { n.at = k; n.flag ??= ""; n.cost ??= -1; });
  const view = {focus: data.focus, selected: data.selected, steps: steps || Infinity, across, suggested, open: new Set(open)};
  const costWords = v => `${data.unit[0]}${Math.round(v).toLocaleString("en")}${data.unit[1]}`;
  const ruler = document.createElement("canvas").getContext("2d");
  ruler.font = '560 12.5px "Inter var", system-ui, sans-serif';
  const words = text => ruler.measureText(text).width;
  let last;
  const room = needed => (stage.clientWidth < NARROW || BESIDE.gutter + needed > stage.clientWidth - 2 ? ABOVE : BESIDE);

  /** What would be shown at a depth: nodes, edges, lanes, and the cards after folding. */
  function scene(depth) {
    const ids = neighbourhood(data, view.focus, depth), dashes = view.suggested ? data.suggested.filter(e => ids.has(e.a) || ids.has(e.b)) : [];
    dashes.forEach(e => ids.add(e.a).add(e.b));
    const nodes = data.nodes.filter(n => ids.has(n.at)), edges = data.edges.filter(e => ids.has(e.a) && ids.has(e.b));
    const lane = lanesOf(nodes, [...edges, ...dashes]);
    const longest = Math.max(...nodes.filter(n => n.band < PLAIN).map(n => n.name.length), 0);
    const cardW = Math.max(150, Math.min(232, Math.ceil(42 + 6.75 * longest)));
    const capacity = view.across ? Math.max(4, Math.floor(stage.clientHeight / PITCH)) : Math.max(4, Math.floor((stage.clientWidth - room(0).gutter - EDGE) / (cardW + GAP)));
    return {nodes, edges, dashes, lane, cardW, ...fold(nodes, lane, capacity, new Set([view.focus, view.selected]), view.open, costWords)};
  }

  function render() {
    const {nodes, edges, dashes, lane, cardW, shown, stackOf} = last = scene(view.steps);
    const at = new Map(shown.map((n, i) => [n.at, i])), of = id => at.get(stackOf.get(id) ?? id), pairs = new Map();
    const bad = id => data.nodes[id].flag === "bad";
    for (const e of edges) {
      const a = of(e.a), b = of(e.b);
      if (a === b) continue;
      const key = `${a} ${b}`, broken = bad(e.a) && bad(e.b), circle = e.evidence === "circle";
      const pair = pairs.get(key);
      if (pair) { pair.broken ||= broken; pair.circle &&= circle; } else pairs.set(key, {a, b, broken, circle});
    }
    for (const e of dashes) {
      const a = of(e.a), b = of(e.b), key = `${a} ${b}`;
      if (a !== b && !pairs.has(key)) pairs.set(key, {a, b, suggested: true});
    }
    const lines = [...pairs.values()].map((p, index) => ({...p, index}));
    const L = layered(shown.length, lines.map(p => [p.a, p.b]), {band: shown.map(n => lane.get(n.at)), sweeps: 12, xsweeps: 8});
    paint(shown, lines, L, lane, cardW);
    onCount({shown: shown.length, total: nodes.filter(n => !n.aside).length, stacks: shown.filter(n => n.stack).length, folded: stackOf.size, leftOut: data.left_out});
  }

  function paint(shown, lines, L, lane, cardW) {
    const spot = geometry(shown, L, cardW);
    paper.classList.toggle("across", view.across);
    paper.classList.toggle("above", Boolean(spot.above));
    Object.assign(paper.style, {marginLeft: "", width: `${spot.width}px`, height: `${spot.height}px`});
    const svg = h("svg", {id: "lines", width: spot.width, height: spot.height, "aria-hidden": "true"});
    [...lines].sort((p, q) => p.broken - q.broken).forEach(p => svg.append(h("path", {svg: 1, class: p.broken ? "broken" : p.circle ? "circle" : p.suggested ? "suggested" : null, d: route(spot, p, L.chains.get(p.index))})));
    const around = shown.map(() => [0, 0, 0]);
    for (const p of lines) if (p.suggested) { around[p.a][2]++; around[p.b][2]++; } else { around[p.b][0]++; around[p.a][1]++; }
    const cards = shown.map((n, i) => [lane.get(n.at), spot.box(i), n, i]).sort((p, q) => q[0] - p[0] || p[1].x - q[1].x || p[1].y - q[1].y);
    paper.replaceChildren(...laneBoxes(shown, L, lane, spot), svg, ...cards.map(([l, box, n, i]) => card(n, l, box, around[i])));
  }

  /** Pixel positions: `box(i)` of a card, `point(v)` of a dummy. Across: lanes become columns, left to right. */
  function geometry(shown, L, cardW) {
    const xs = Array.from(L.x), min = Math.min(...xs, Infinity), span = Math.max(...xs, -Infinity) - min;
    const w = i => (i >= shown.length ? DUMMY : shown[i].band < PLAIN ? cardW : Math.max(cardW, Math.min(WIDEST, 44 + Math.ceil(words(shown[i].name)))));
    if (view.across) {
      const height = Math.max(stage.clientHeight - 2, span * PITCH + 2 * EDGE + CARD_H + 40), wide = new Array(L.L).fill(DUMMY), lefts = [24];
      shown.forEach((_, i) => { wide[L.lay[i]] = Math.max(wide[L.lay[i]], w(i)); });
      for (let r = 1; r <= L.L; r++) lefts[r] = lefts[r - 1] + wide[r - 1] + 64;
      const top = 40 + (height - 40 - span * PITCH) / 2, middle = v => top + (xs[v] - min) * PITCH;
      return {width: Math.max(stage.clientWidth - 2, lefts[L.L]), height, box: i => ({x: lefts[L.lay[i]], y: middle(i) - CARD_H / 2, w: w(i)}),
              point: v => ({x: lefts[L.lay[v]] + wide[L.lay[v]] / 2, y: middle(v)}), row: r => lefts[r] + wide[r] / 2};
    }
    const rows = Array.from({length: L.L}, () => []);
    xs.forEach((_, v) => rows[L.lay[v]].push(v));
    const gap = v => (v < shown.length ? GAP : 8), needed = Math.max(...rows.map(one => one.reduce((sum, v) => sum + w(v) + gap(v), 0)));
    const {gutter, row, edge} = room(needed);
    const width = Math.max(stage.clientWidth - 2, gutter + needed), widest = Math.max(cardW, ...shown.map((_, i) => w(i)));
    const unit = Math.min(cardW + 44, (width - gutter - EDGE - widest) / Math.max(1, span));
    const height = Math.max(stage.clientHeight - 2, 2 * edge + (L.L - 1) * row), pitch = L.L > 1 ? (height - 2 * edge) / (L.L - 1) : height;
    const left = gutter + (width - gutter - EDGE / 2 - span * unit) / 2, y = r => (L.L > 1 ? height - edge - r * pitch : height / 2);
    const lefts = spread(rows, xs.map(v => left + (v - min) * unit), w, gap, gutter, width);
    return {above: room(needed) === ABOVE, width, height, box: i => ({x: lefts[i], y: y(L.lay[i]) - CARD_H / 2, w: w(i)}), point: v => ({x: lefts[v] + DUMMY / 2, y: y(L.lay[v])}), row: y};
  }

  /** Left edges of everything in a row, moved apart where they would overlap and kept inside the picture. */
  function spread(rows, centres, w, gap, gutter, width) {
    const lefts = centres.map((c, v) => Math.max(gutter, Math.min(c - w(v) / 2, width - w(v) - 10)));
    for (const row of rows) {
      row.sort((u, v) => centres[u] - centres[v] || u - v);
      for (let k = 1; k < row.length; k++) lefts[row[k]] = Math.max(lefts[row[k]], lefts[row[k - 1]] + w(row[k - 1]) + gap(row[k - 1]));
      for (let k = row.length - 1, edge = width - 10; k >= 0; k--) { lefts[row[k]] = Math.min(lefts[row[k]], edge - w(row[k])); edge = lefts[row[k]] - (k ? gap(row[k - 1]) : 0); }
    }
    return lefts;
  }

  function route(spot, {a, b}, chain = []) {
    const A = spot.box(a), B = spot.box(b);
    const start = view.across ? [A.x + A.w, A.y + CARD_H / 2] : [A.x + A.w / 2, A.y], end = view.across ? [B.x, B.y + CARD_H / 2] : [B.x + B.w / 2, B.y + CARD_H];
    const points = [start, ...chain.map(v => { const p = spot.point(v); return [p.x, p.y]; }), end];
    let d = `M${start.map(Math.round)}`;
    for (let k = 1; k < points.length; k++) {
      const [x1, y1] = points[k - 1], [x2, y2] = points[k], mx = (x1 + x2) / 2, my = (y1 + y2) / 2;
      d += view.across ? `C${Math.round(mx)},${Math.round(y1)} ${Math.round(mx)},${Math.round(y2)} ${Math.round(x2)},${Math.round(y2)}`
        : `C${Math.round(x1)},${Math.round(my)} ${Math.round(x2)},${Math.round(my)} ${Math.round(x2)},${Math.round(y2)}`;
    }
    return d;
  }

  /** One box per lane, from its lowest to its highest row; only lanes that hold something. */
  function laneBoxes(shown, L, lane, spot) {
    const rows = new Map();
    shown.forEach((n, i) => { const l = lane.get(n.at), r = L.lay[i], [lo, hi] = rows.get(l) || [r, r]; rows.set(l, [Math.min(lo, r), Math.max(hi, r)]); });
    const used = [...rows.keys()].sort((p, q) => p - q);
    return used.map((l, k) => {
      const [lo, hi] = rows.get(l);
      const edge = (r, side) => (side < 0 ? (r > 0 ? (spot.row(r) + spot.row(r - 1)) / 2 : null) : (r < L.L - 1 ? (spot.row(r) + spot.row(r + 1)) / 2 : null));
      const low = edge(lo, -1), high = edge(hi, 1), alt = k % 2 === (used.length - 1) % 2;
      const style = view.across ? {left: `${low ?? 0}px`, width: `${(high ?? spot.width) - (low ?? 0)}px`} : {top: `${high ?? 0}px`, height: `${(low ?? spot.height) - (high ?? 0)}px`};
      return h("div", {class: `lane${alt ? " alt" : ""}`, style}, h("span", {}, data.lanes[l]));
    });
  }

  function card(n, lane, box, [up, down, maybe]) {
    const lifted = !n.stack && lane !== n.band ? ` · ${data.lanes[n.band].toLowerCase()}` : "";
    const cls = ["card", n.flag, n.stack && "stack", n.band >= PLAIN && "plain", n.kind === "objective" && "objective", n.at === view.selected && "focus", n.aside && "aside"].filter(Boolean).join(" ");
    const heard = `${n.said}; ${n.flag === "bad" ? "on the broken path; " : ""}fed by ${up}, feeds ${down}${maybe ? `, ${maybe} suggested` : ""}`;
    return h("button", {class: cls, "data-at": n.at, "data-lane": lane, title: `${n.name} · ${n.fact}${lifted}`, "aria-current": n.at === view.focus ? "true" : null, "aria-expanded": n.stack ? "false" : null,
      style: {left: `${box.x}px`, top: `${box.y}px`, width: `${box.w}px`}, onclick: () => (n.stack ? toggle(n) : visit(n))},
      h("svg", {class: "icon", viewBox: "0 0 16 16", width: 13, height: 13, "aria-hidden": "true"}, h("path", {svg: 1, d: ICON[n.kind] ?? ICON[n.band] ?? ICON.source})),
      h("b", {}, n.name), h("span", {class: "num fact"}, n.fact + lifted), h("span", {class: "hidden-visually"}, heard));
  }

  const find = at => paper.querySelector(`.card[data-at="${CSS.escape(String(at))}"]`);

  /** Open a stack and keep its place on screen: the picture may grow, the card under the pointer does not move. */
  function toggle(stack) {
    const before = find(stack.at).getBoundingClientRect();
    view.open.add(stack.at);
    render();
    const left = el => el.getBoundingClientRect().left, cards = stack.members.map(find).filter(Boolean).sort((a, b) => left(a) - left(b));
    const first = cards[Math.floor(cards.length / 2)], across = () => left(first) - before.left, down = () => first.getBoundingClientRect().top - before.top;
    stage.scrollBy(across(), down());
    if (across() < -.5) { paper.style.marginLeft = `${-across()}px`; stage.scrollBy(across(), 0); }               // nothing left to scroll: make room instead
    if (across() > .5) { paper.style.width = `${paper.offsetWidth + across()}px`; stage.scrollBy(across(), 0); }
    if (down() < -.5) { paper.style.marginTop = `${-down()}px`; stage.scrollBy(0, down()); }
    if (down() > .5) { paper.style.height = `${paper.offsetHeight + down()}px`; stage.scrollBy(0, down()); }
    first.focus({preventScroll: true});
    onOpen([...view.open]);
  }

  /** The nearest card in the direction of an arrow. */
  function nearest(from, key) {
    const me = from.getBoundingClientRect(), others = [...paper.querySelectorAll(".card")].filter(c => c !== from);
    const level = view.across ? r => Math.abs(r.left - me.left) < 20 : r => Math.abs(r.top - me.top) < 20;
    const side = {ArrowUp: r => r.bottom <= me.top && (!view.across || level(r)), ArrowDown: r => r.top >= me.bottom && (!view.across || level(r)),
                  ArrowLeft: r => r.right <= me.left && (view.across || level(r)), ArrowRight: r => r.left >= me.right && (view.across || level(r))}[key];
    const [wx, wy] = view.across ? [3, 1] : [1, 3], far = r => Math.hypot(wx * (r.left - me.left), wy * (r.top - me.top));
    return others.map(c => [c, c.getBoundingClientRect()]).filter(([, r]) => side(r)).sort(([, p], [, q]) => far(p) - far(q))[0]?.[0];
  }
  stage.addEventListener("keydown", event => {
    if (!event.key.startsWith("Arrow") || !document.activeElement?.dataset.at) return;
    event.preventDefault();
    nearest(document.activeElement, event.key)?.focus();
  });

  /** The depth to open with: all for a goal, if that is at most 60 cards after folding, else the largest that is; 1 for an asset. */
  function fitting() {
    if (data.nodes[data.focus].band < HEAD) return 1;
    return [Infinity, 3, 2].find(depth => scene(depth).shown.length <= AUTO) ?? 1;
  }

  if (!steps) view.steps = fitting();
  render();
  const reveal = () => find(view.selected)?.scrollIntoView({block: "nearest", inline: "center"});
  reveal();
  let size = stage.clientWidth + stage.clientHeight;
  new ResizeObserver(() => { const now = stage.clientWidth + stage.clientHeight; if (now !== size && now) { size = now; render(); } }).observe(stage);
  return {view, scene: () => last, set: change => { Object.assign(view, change); render(); reveal(); }};
}
