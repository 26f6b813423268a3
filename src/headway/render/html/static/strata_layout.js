// The layout of the Map: pure functions from the payload to places. Nothing here reads the DOM.
//
// data: {bands, groups, names, band, group, goal_sets, goals, state, use, cost, trust, edges, objectives, key_results}
//       columns of equal length, integer ids, edges as flat pairs [from, to, from, to, ...]

export const NOTHING = 0, USED = 1, SERVES = 2, UNKNOWN = 3;
export const GUTTER = 124, CARD = 158, CARD_GAP = 14, CAPTION = 17, PAD = 5;
const MAX_TILES = 12;         // folders drawn in one band; the rest becomes one tile "n more folders"
const FLOWS_PER_TILE = 3;     // strongest flows drawn upwards from one tile
const NECK = 66;              // between the cards and the highest band: room for the lines of the neck
const GAP = 8, EMPTY_BAND = 38, BAND_GAP = 14, CELL_MAX = 16, CELL_MIN = 3;
const STANDING = 104, NARROW = 196, LINES = 3, EXTRA_LINES = 2;

/** Assets by band and folder. One list of tiles {band, label, ids} per band, the largest folders kept. */
export function tilesByBand(data) {
  const bands = data.bands.map(() => new Map());
  data.band.forEach((b, i) => {
    const g = data.group[i];
    if (!bands[b].has(g)) bands[b].set(g, []);
    bands[b].get(g).push(i);
  });
  return bands.map((groups, b) => {
    const bySize = [...groups].sort((x, y) => y[1].length - x[1].length || x[0] - y[0]);
    const kept = bySize.length > MAX_TILES ? bySize.slice(0, MAX_TILES - 1) : bySize;
    const tail = bySize.slice(kept.length);
    const tiles = kept.sort((x, y) => x[0] - y[0]).map(([g, ids]) => ({band: b, label: data.groups[g], folder: data.groups[g], ids}));
    if (tail.length) tiles.push({band: b, label: `${tail.length.toLocaleString("en")} more folders`, folder: "", ids: tail.flatMap(t => t[1])});
    tiles.forEach(t => sortSquares(t.ids, data));
    return tiles;
  });
}

/** Inside a tile: serves, used, unknown, nothing; then by goals, then by use. The tile reads as a fill level. */
function sortSquares(ids, data) {
  const rank = [0, 2, 3, 1];  // indexed by state
  ids.sort((a, b) => rank[data.state[b]] - rank[data.state[a]] || data.goals[a] - data.goals[b] || data.use[b] - data.use[a] || a - b);
}

/** Left-to-right order of the tiles of every band: mean position of linked tiles, eight sweeps, objectives pull too. */
export function orderTiles(rows, data) {
  const tileOf = new Array(data.band.length);
  rows.flat().forEach(t => t.ids.forEach(i => { tileOf[i] = t; }));
  const links = countLinks(data, tileOf);
  const neck = new Map();
  for (const key of data.key_results) for (const i of key.links) neck.set(i, [...(neck.get(i) || []), key.o]);
  const place = row => {
    const all = row.reduce((sum, t) => sum + t.ids.length, 0) || 1;
    let seen = 0;
    row.forEach(t => { t.x01 = (seen + t.ids.length / 2) / all; seen += t.ids.length; });
  };
  rows.forEach(place);
  for (let sweep = 0; sweep < 8; sweep++) {
    const upwards = sweep % 2 === 0;      // the last sweep goes down from the head, so that the neck stays short
    for (let k = 0; k < rows.length; k++) {
      const band = upwards ? k : rows.length - 1 - k, row = rows[band];
      row.forEach(t => { t.sum = t.weight = 0; if (!upwards) pullByNeck(t, neck, data); });
      for (const {a, b, n} of links) {
        const [low, high] = a.band < b.band ? [a, b] : [b, a];
        const [me, other] = upwards ? [high, low] : [low, high];
        if (me.band === band && me.band !== other.band) { me.sum += other.x01 * n; me.weight += n; }
      }
      row.sort((s, t) => (s.weight ? s.sum / s.weight : s.x01) - (t.weight ? t.sum / t.weight : t.x01) || s.label.localeCompare(t.label, "en"));
      place(row);
    }
  }
  return {tileOf, links};
}

/** Assets bound to a key result pull their tile under its objective; the neck is the strongest link of a tile. */
function pullByNeck(tile, neck, data) {
  for (const i of tile.ids) for (const o of neck.get(i) || []) {
    tile.sum += (o + .5) / data.heads * 20;
    tile.weight += 20;
  }
}

/** Links between tiles: how many edges, and how many of them carry each objective of the head (and any objective). */
function countLinks(data, tileOf) {
  const carries = data.goal_sets.map(set => data.objectives.slice(0, data.heads).map((o, k) => o.under.some(u => set.includes(u)) ? k : -1).filter(k => k >= 0));
  const seen = new Map(), ids = new Map();
  for (let k = 0; k < data.edges.length; k += 2) {
    const from = data.edges[k], to = data.edges[k + 1], a = tileOf[from], b = tileOf[to];
    if (a === b) continue;
    if (!ids.has(a)) ids.set(a, ids.size);
    if (!ids.has(b)) ids.set(b, ids.size);
    const key = ids.get(a) * 4096 + ids.get(b);
    let link = seen.get(key);
    if (!link) seen.set(key, link = {a, b, n: 0, any: 0, by: new Array(data.heads).fill(0)});
    link.n++;
    if (data.goal_sets[data.goals[to]].length) link.any++;
    carries[data.goals[to]].forEach(o => { link.by[o]++; });
  }
  return [...seen.values()];
}

/**
 * The cards of the head: places, whether names fit, and the height at which nothing on them is cut.
 * `lines(text, width, what)` measures a title or the name of a key result.
 */
export function layoutHead(data, width, lines) {
  const shown = data.objectives.slice(0, data.heads), hidden = data.objectives.length - shown.length;
  const room = width - GUTTER - 4, n = shown.length + (hidden ? 1 : 0), aside = shown.filter(o => o.standing).length + (hidden ? 1 : 0);
  const gap = room / n < NARROW ? 8 : CARD_GAP, each = (room - (n - 1) * gap) / Math.max(1, n);
  const quiet = aside < n ? Math.min(STANDING, each) : each, wide = n > aside ? (room - (n - 1) * gap - aside * quiet) / (n - aside) : each;
  let x = GUTTER;
  const place = w => { const card = {x, w}; x += w + gap; return card; };
  const cards = shown.map(o => place(o.standing ? quiet : wide)), more = hidden ? {...place(quiet), n: hidden} : null;
  const extra = shown.map((o, k) => (o.standing ? 0 : listedKeys(data, k).shown.reduce((sum, q) => sum + lines(q.t, cards[k].w - 44, "name") - 1, 0)));
  const slim = wide < NARROW || Math.max(0, ...extra) > EXTRA_LINES;
  const titleLines = Math.max(2, ...shown.map((o, k) => lines(o.t, cards[k].w - 26, "title")));
  return {cards, more, slim, titleLines, height: CARD + (titleLines - 2) * 18 + (slim ? 0 : Math.max(0, ...extra) * 16)};
}

/** The key results that a card has lines for; where there are more, the last line says how many. */
export function listedKeys(data, head) {
  const own = data.key_results.map((q, i) => ({...q, i})).filter(q => q.o === head);
  return {own, shown: own.length > LINES ? own.slice(0, LINES - 1) : own};
}

/** Largest square size at which all bands fit the height, then x, y of every square. */
export function layout(data, width, height, labelWidth = () => 40, lines = () => 2) {
  const rows = tilesByBand(data);
  const {tileOf, links} = orderTiles(rows, data);
  const head = layoutHead(data, width, lines), headHeight = head.height + NECK;
  const room = width - GUTTER - 4;
  const body = height - headHeight - 4;
  let cell, fitted;
  for (cell = CELL_MAX; cell >= CELL_MIN; cell -= .5) {
    fitted = rows.map(row => fitRow(row, cell, room, labelWidth));
    if (total(fitted) <= body) break;
  }
  cell = Math.max(cell, CELL_MIN);
  const spare = Math.max(0, body - total(fitted)) / Math.max(1, rows.length);
  const x = new Float32Array(data.band.length), y = new Float32Array(data.band.length);
  const bands = [], tiles = [];
  let top = headHeight;
  for (let b = rows.length - 1; b >= 0; b--) {
    const {widths, height: h} = fitted[b];
    const bandTop = top + spare / 2;
    bands[b] = {y: bandTop, h};
    let left = GUTTER;
    rows[b].forEach((t, k) => {
      Object.assign(t, {x: left, y: bandTop, w: widths[k], h, columns: columnsOf(widths[k], cell)});
      t.ids.forEach((i, q) => {
        x[i] = t.x + PAD + (q % t.columns) * cell;
        y[i] = t.y + CAPTION + PAD - 2 + Math.floor(q / t.columns) * cell;
      });
      left += widths[k] + GAP;
      tiles.push(t);
    });
    cutLabels(rows[b], labelWidth);
    top += h + BAND_GAP + spare;
  }
  return {cell, x, y, bands, tiles, tileOf, head, links: strongest(links), width, height: Math.max(height, top)};
}

const sum = list => list.reduce((a, b) => a + b, 0);
const total = fitted => sum(fitted.map(f => f.height + BAND_GAP));
const columnsOf = (w, cell) => Math.max(1, Math.floor((w - 2 * PAD) / cell));

/** Widths of the tiles of one band for the fewest lines of squares. Labels may claim 65% of the room: short ones whole, long ones cut. */
function fitRow(row, cell, room, labelWidth) {
  if (!row.length) return {widths: [], height: EMPTY_BAND};
  const free = room - GAP * (row.length - 1);
  const labels = row.map(t => Math.min(130, labelWidth(t.label) + 14));
  const cap = waterLevel(labels, .65 * free);
  let low = 1, high = Math.max(1, ...row.map(t => t.ids.length));
  const widthsAt = n => row.map((t, k) => Math.max(Math.min(labels[k], cap), Math.ceil(t.ids.length / n) * cell + 2 * PAD));
  while (low < high) {                          // the fewest lines at which the band is not too wide
    const middle = (low + high) >> 1;
    if (sum(widthsAt(middle)) > free) low = middle + 1; else high = middle;
  }
  const widths = shareSpare(widthsAt(low), labels, free);
  const needed = Math.max(...row.map((t, k) => Math.ceil(t.ids.length / columnsOf(widths[k], cell))));
  return {widths, height: needed * cell + 2 * PAD + CAPTION};
}

/** The height at which the cut-off list sums to the budget: small values stay whole, large ones share what is left. */
function waterLevel(values, budget) {
  const sorted = [...values].sort((a, b) => a - b);
  for (let k = 0; k < sorted.length; k++) {
    const share = budget / (sorted.length - k);
    if (sorted[k] > share) return share;
    budget -= sorted[k];
  }
  return Infinity;
}

/** Spare width completes the labels that lack least, then goes to all tiles in proportion. */
function shareSpare(widths, labels, free) {
  let spare = Math.max(0, free - sum(widths));
  const lacking = widths.map((w, k) => [labels[k] - w, k]).filter(([d]) => d > 0).sort((a, b) => a[0] - b[0]);
  for (const [d, k] of lacking) if (d <= spare) { widths[k] += d; spare -= d; }
  const all = sum(widths);
  return widths.map(w => w + spare * w / all);
}

/** The text of every label of a band: cut at the end, and at the front where two would be cut to the same text. */
export function cutLabels(row, labelWidth) {
  const fit = (t, front) => {
    if (labelWidth(t.label) + 12 <= t.w) return t.label;
    const signs = [...t.label];
    let low = 0, high = signs.length;
    const cut = n => (front ? `…${signs.slice(signs.length - n).join("")}` : `${signs.slice(0, n).join("")}…`);
    while (low < high) { const n = (low + high + 1) >> 1; if (labelWidth(cut(n)) + 12 <= t.w) low = n; else high = n - 1; }
    return cut(low);
  };
  row.forEach(t => { t.text = fit(t, false); });
  const seen = new Map();
  row.forEach(t => seen.set(t.text, (seen.get(t.text) || 0) + 1));
  row.filter(t => seen.get(t.text) > 1 && t.text !== t.label).forEach(t => { t.text = fit(t, true); });
}

/** Only the strongest flows of a tile are drawn: a tile with thirty thin links would hide the three that matter. */
function strongest(links) {
  const byTile = new Map();
  for (const link of links) {
    if (link.a.band >= link.b.band) continue;       // same band or against the order: kept for List, not drawn
    if (!byTile.has(link.a)) byTile.set(link.a, []);
    byTile.get(link.a).push(link);
  }
  return [...byTile.values()].flatMap(list => list.sort((p, q) => (q.any || q.n) - (p.any || p.n)).slice(0, FLOWS_PER_TILE));
}

/** Everything upstream and downstream of one asset. Adjacency is built once for a payload. */
export function pathsIn(data) {
  let next = null;
  return asset => {
    next ??= adjacency(data);
    const seen = new Set([asset]);
    for (const side of next) {
      const queue = [asset], here = new Set(queue);
      while (queue.length) for (const v of side[queue.pop()]) if (!here.has(v)) { here.add(v); seen.add(v); queue.push(v); }
    }
    return seen;
  };
}

function adjacency(data) {
  const up = data.band.map(() => []), down = data.band.map(() => []);
  for (let k = 0; k < data.edges.length; k += 2) { down[data.edges[k]].push(data.edges[k + 1]); up[data.edges[k + 1]].push(data.edges[k]); }
  return [up, down];
}
