// The strata Map: one square is one asset. Bands run from sources (bottom) to dashboards, objectives are the head.
// No library. Squares, flows and the neck are drawn on one canvas; everything that can be read or pressed is HTML above it.

import {h} from "./dom.js";
import {CAPTION, CARD_GAP, GUTTER, NOTHING, PAD, SERVES, UNKNOWN, USED, layout, listedKeys, pathsIn} from "./strata_layout.js";

const ICONS = {on: ["good", "M3 8.5 6.5 12 13 4.5"], behind: ["warn", "M8 3.5V9M8 12v.5"], off: ["bad", "M4 4l8 8M12 4l-8 8"],
               unsure: ["mute", "M5.5 6a2.5 2.5 0 1 1 2.5 2.7V10M8 12.6v.4"], none: ["mute", "M4 8h8"]};
const SPOKEN = {on: "on pace", behind: "behind", off: "off track", unsure: "unsure", none: "without a verdict"};
const GHOSTS = [["Write down an objective", "A title, an owner, three key results"], ["Import objectives", "CSV, YAML or your goal tool"],
                ["Suggest from use", "Needs usage from your dashboards tool"]];

const LEAST = 860;  // pixels that six goal cards need beside the layers' names; a narrower stage scrolls

const px = v => `${v}px`;
const percent = v => (v == null ? "—" : `${Math.round(v * 100)}%`);
const count = n => n.toLocaleString("en");
const heard = text => h("span", {class: "hidden-visually"}, text);
const rect = (x, w, cls) => h("rect", {svg: 1, x, width: Math.max(0, w), height: 6, class: cls});
const icon = (state, size = 11) => h("svg", {viewBox: "0 0 16 16", width: size, height: size, class: "icon", "aria-hidden": "true"}, h("path", {svg: 1, d: ICONS[state][1]}));

/** A ruler for texts in the fonts of the labels; widths are kept, since the same names come again at every size. */
function ruler(font) {
  const ctx = document.createElement("canvas").getContext("2d"), known = new Map();
  ctx.font = font;
  return text => {
    if (!known.has(text)) known.set(text, ctx.measureText(text).width);
    return known.get(text);
  };
}

const SANS = '"Inter var", system-ui, sans-serif', small = ruler(`11px ${SANS}`), fonts = {title: ruler(`600 14px ${SANS}`), name: ruler(`12.5px ${SANS}`)};

/** Where everything goes in a stage of this size, measured in the fonts of the labels. */
export const arrangement = (data, width, height) => layout(data, width, height, small, (text, room, what) => wrapped(text, room, fonts[what]));

export function mountMap(stage, data, {lens = "align", start = "/", onSelect = () => {}} = {}) {
  const canvas = stage.querySelector("#squares"), labels = stage.querySelector("#labels");
  const ring = stage.querySelector("#ring"), tip = stage.querySelector("#tip");
  const ctx = canvas.getContext("2d");
  const heads = data.objectives.slice(0, data.heads), headless = !heads.length;
  const carried = heads.map(o => data.goal_sets.map(set => o.under.some(u => set.includes(u))));   // head -> goal set -> serves it
  const kept = data.kept && new Set(data.kept);
  const pathOf = pathsIn(data);
  const view = {lens, objective: -1, asset: -1, tile: null, path: null, hover: -1};
  let L, ports = [], colours;

  const goals = i => data.goal_sets[data.goals[i]];
  const serves = (i, o) => carried[o][data.goals[i]];

  function readColours() {
    const style = getComputedStyle(document.documentElement);
    const v = name => style.getPropertyValue(`--${name}`).trim();
    colours = {serves: v("serves"), used: v("used"), idle: v("idle"), line: v("line"), surface: v("surface"), ink3: v("ink3"),
               good: v("good"), warn: v("warn-fill"), bad: v("bad"), g: [0, 1, 2, 3, 4, 5, 6].map(k => v(k ? `g${k}` : "ink3")), q: [1, 2, 3, 4, 5].map(k => v(`q${k}`))};
  }
  const goalColour = o => colours.g[data.objectives[o].colour];

  /** How one square is marked: [shape, colour]. Shape carries the meaning too, so colour is never alone. */
  function mark(i) {
    const c = colours, own = goals(i);
    if (view.objective >= 0) return serves(i, view.objective) ? ["fill", goalColour(view.objective)] : ["hollow", c.idle];
    if (view.lens === "goal") return own.length > 1 ? ["dot", c.ink3] : own.length ? ["fill", goalColour(own[0])] : ["hollow", c.idle];
    if (view.lens === "trust") return [["slash", c.idle], ["fill", c.good], ["dot", c.warn], ["cross", c.bad]][data.trust[i]];
    if (view.lens === "use" || view.lens === "cost") {
      const value = data[view.lens][i], limits = data[`${view.lens}_limits`];
      if (value < 0) return ["slash", c.idle];
      let step = limits.length - 1;
      while (step && value < limits[step]) step--;
      return ["fill", c.q[step]];
    }
    // Where nothing is known of any use, a slash in every square would say nothing.
    return [["hollow", c.idle], ["dot", c.used], ["fill", c.serves], [data.use_known ? "slash" : "hollow", c.idle]][data.state[i]];
  }

  // ---------------------------------------------------------------------------------------------- the canvas

  function draw() {
    const scale = devicePixelRatio || 1;
    if (canvas.width !== Math.round(L.width * scale) || canvas.height !== Math.round(L.height * scale)) {
      canvas.width = Math.round(L.width * scale); canvas.height = Math.round(L.height * scale);
      Object.assign(canvas.style, {width: px(L.width), height: px(L.height)});
    }
    ctx.setTransform(scale, 0, 0, scale, 0, 0);
    ctx.clearRect(0, 0, L.width, L.height);
    drawFlows();
    drawNeck();
    ctx.globalAlpha = 1;
    ctx.fillStyle = colours.surface; ctx.strokeStyle = colours.line; ctx.lineWidth = 1;
    for (const t of L.tiles) { ctx.beginPath(); ctx.roundRect(t.x + .5, t.y + .5, t.w - 1, t.h - 1, 6); ctx.fill(); ctx.stroke(); }
    drawSquares();
    canvas.dataset.draws = Number(canvas.dataset.draws || 0) + 1;      // counted by tests: hover must not draw
  }

  function curve(x1, y1, x2, y2, bend) {
    const middle = (y1 + y2) / 2;
    ctx.beginPath(); ctx.moveTo(x1, y1); ctx.bezierCurveTo(x1, middle + bend, x2, middle - bend, x2, y2); ctx.stroke();
  }

  /** Aggregated flows between tiles. They lie behind the tiles, so they are seen only in the gaps. */
  function drawFlows() {
    if (view.objective < 0 && !["align", "goal"].includes(view.lens)) return;
    for (const {a, b, n, any, by} of L.links) {
      const carries = view.objective >= 0 ? by[view.objective] : headless ? n : any;
      if (!carries) continue;
      ctx.strokeStyle = view.objective >= 0 ? goalColour(view.objective) : headless ? colours.ink3 : colours.serves;
      ctx.globalAlpha = view.objective >= 0 ? .34 : headless ? .12 : .16;
      ctx.lineWidth = Math.min(14, .8 + 1.15 * Math.sqrt(carries));
      curve(a.x + a.w / 2, a.y, b.x + b.w / 2, b.y + b.h, -4);
    }
  }

  /** The neck: from the port of each key result to the tiles of the assets bound to it; width is the number bound. */
  function drawNeck() {
    for (const port of ports) {
      const key = data.key_results[port.k], perTile = new Map();
      for (const i of key.links) perTile.set(L.tileOf[i], (perTile.get(L.tileOf[i]) || 0) + 1);
      for (const [t, n] of perTile) {
        ctx.strokeStyle = goalColour(key.o);
        ctx.globalAlpha = view.objective < 0 ? .75 : lit(key.o) ? 1 : .08;
        ctx.lineWidth = .8 + .7 * n;
        curve(port.x, port.y, t.x + t.w / 2, t.y, 6);
      }
    }
  }
  const lit = o => data.objectives[view.objective].under.includes(o);

  function drawSquares() {
    const size = L.cell - Math.max(1, L.cell * .18), tiny = size < 6, round = Math.min(2, size * .22);
    const batches = new Map();
    for (let i = 0; i < data.band.length; i++) {
      const [shape, colour] = mark(i);
      const away = (view.path && !view.path.has(i)) || (kept && !kept.has(i));
      const alpha = away ? .22 : view.objective >= 0 && shape === "hollow" ? .5 : 1;
      const key = `${shape} ${colour} ${alpha}`;
      let batch = batches.get(key);
      if (!batch) batches.set(key, batch = {shape, colour, alpha, ids: []});
      batch.ids.push(i);
    }
    for (const batch of batches.values()) drawBatch(batch, size, tiny, round);
    ctx.globalAlpha = 1;
  }

  function drawBatch({shape, colour, alpha, ids}, size, tiny, round) {
    const open = shape === "hollow" || shape === "slash";
    ctx.globalAlpha = tiny && open ? alpha * .6 : alpha;
    ctx.fillStyle = ctx.strokeStyle = colour;
    ctx.lineWidth = 1;
    ctx.beginPath();
    for (const i of ids) {
      const x = L.x[i], y = L.y[i];
      if (tiny) { if (shape === "slash") ctx.rect(x, y + size / 2, size, size / 2); else ctx.rect(x, y, size, size); }
      else if (open) {
        ctx.rect(x + .5, y + .5, size - 1, size - 1);
        if (shape === "slash") { ctx.moveTo(x + 2, y + size - 2); ctx.lineTo(x + size - 2, y + 2); }
      } else ctx.roundRect(x, y, size, size, round);
    }
    if (!tiny && open) ctx.stroke(); else ctx.fill();
    if (!tiny && (shape === "dot" || shape === "cross")) drawInner(shape, ids, size);
  }

  function drawInner(shape, ids, size) {
    ctx.fillStyle = ctx.strokeStyle = colours.surface;
    ctx.lineWidth = 1.2;
    ctx.beginPath();
    for (const i of ids) {
      const x = L.x[i], y = L.y[i], m = size / 2, d = size * .22;
      if (shape === "dot") ctx.rect(x + m - 1, y + m - 1, 2, 2);
      else { ctx.moveTo(x + m - d, y + m - d); ctx.lineTo(x + m + d, y + m + d); ctx.moveTo(x + m + d, y + m - d); ctx.lineTo(x + m - d, y + m + d); }
    }
    if (shape === "dot") ctx.fill(); else ctx.stroke();
  }

  // ---------------------------------------------------------------------------------------------- HTML above it

  function paintLabels() {
    const focused = document.activeElement?.dataset;
    labels.replaceChildren();
    ports = [];
    if (headless) paintGhosts(); else paintHead();
    data.bands.forEach(paintBand);
    L.tiles.forEach(paintTile);
    if (focused?.tile) labels.querySelector(`[data-tile="${focused.tile}"]`)?.focus({preventScroll: true});
    if (focused?.head) labels.querySelector(`[data-head="${focused.head}"]`)?.focus({preventScroll: true});
  }

  function paintTile(t, k) {
    const serving = t.ids.filter(i => data.state[i] === SERVES).length;
    labels.append(h("button", {
      class: "tile", "data-tile": k, tabindex: k ? -1 : 0, style: {left: px(t.x), top: px(t.y), width: px(t.w), height: px(t.h)},
      title: t.label, "aria-pressed": "false", onclick: event => pick(event, t)},
      h("span", {"aria-hidden": "true"}, t.text), heard(`${t.label}, ${data.bands[t.band]}: ${count(t.ids.length)} assets, ${count(serving)} serve an objective`)));
  }

  function paintHead() {
    heads.forEach((o, k) => {
      const {x, w} = L.head.cards[k], {own, shown} = listedKeys(data, k);
      labels.append(h("button", {
        class: `goal-card goal-${o.colour}${o.standing ? " standing" : ""}`, "data-head": k, "aria-pressed": "false", title: o.t,
        style: {left: px(x), width: px(w), height: px(L.head.height)}, onclick: () => select(view.objective === k ? -1 : k)},
        h("b", {style: {height: px(L.head.titleLines * 18)}}, o.t), o.standing ? h("em", {class: "note"}, o.note) : paceLine(o),
        ...(o.standing ? [] : L.head.slim ? slimLines(own, o) : keyLines(own, shown, o))));
      own.forEach((q, j) => {
        const port = {k: q.i, x: x + w * (j + .5) / own.length, y: L.head.height + 8};
        labels.append(h("div", {class: `port goal-${o.colour}${q.links.length ? "" : " loose"}`, "data-of": k, style: {left: px(port.x - 4.5), top: px(L.head.height)}}));
        if (q.links.length) ports.push(port);
      });
    });
    const more = L.head.more;
    if (more) labels.append(h("a", {class: "goal-card more", href: start, style: {left: px(more.x), width: px(more.w), height: px(L.head.height)}},
      h("b", {}, `${count(more.n)} more objective${more.n === 1 ? "" : "s"}`), h("em", {class: "note"}, "All objectives")));
  }

  const keyLine = q => h("em", {class: q.links.length ? "" : "loose", title: q.t}, h("i", {class: `t-${ICONS[q.st][0]}`}, icon(q.st)), h("span", {}, q.t),
    heard(`: ${SPOKEN[q.st]}${q.links.length ? "" : ", not linked"}`));
  const keyLines = (own, shown, o) => [...shown.map(keyLine), own.length > shown.length ? h("em", {class: "loose"}, `${own.length - shown.length} more`) : null,
                                       own.length ? null : below(o)];
  const slimLines = (own, o) => (own.length ? [
    h("em", {class: "icons"}, own.map(q => h("i", {class: `t-${ICONS[q.st][0]}`, title: `${q.t}: ${SPOKEN[q.st]}`}, icon(q.st, 13), heard(`${q.t}: ${SPOKEN[q.st]}; `)))),
    h("em", {}, `${own.length} key result${own.length === 1 ? "" : "s"}`)] : [below(o)]);
  const below = o => h("em", {class: "loose"}, o.under.length > 1 ? `Carried by ${o.under.length - 1} others` : "No key results yet");

  const paceLine = o => h("span", {class: "pace num"}, h("i", {class: `t-${ICONS[o.st][0]}`}, icon(o.st), ` ${percent(o.p)}`),
    heard(`${SPOKEN[o.st]}${o.expected == null ? "" : `, ${percent(o.expected)} expected`}; `),
    h("svg", {class: "bar6", viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true"}, rect(0, 100, "f-track"), rect(0, (o.p || 0) * 100, "f-goal"),
      ...(o.expected == null ? [] : [rect(Math.min(97.6, o.expected * 100 - 1), 3.2, "f-surface"), rect(Math.min(98.6, o.expected * 100), 1.2, "f-ink")])));

  function paintGhosts() {
    const w = (L.width - GUTTER - 4 - 2 * CARD_GAP) / 3;
    GHOSTS.forEach(([name, note], k) => labels.append(h("a", {class: "goal-card ghost", href: start,
      style: {left: px(GUTTER + k * (w + CARD_GAP)), width: px(w), height: px(L.head.height)}}, h("b", {}, name), h("em", {}, note))));
  }

  function paintBand(name, b) {
    const counts = [0, 0, 0, 0];
    L.tiles.filter(t => t.band === b).forEach(t => t.ids.forEach(i => { if (!kept || kept.has(i)) counts[data.state[i]]++; }));
    const n = counts.reduce((a, c) => a + c, 0), part = counts.map(c => c / n * 100 || 0);
    const bar = n && !headless ? h("svg", {viewBox: "0 0 100 6", preserveAspectRatio: "none", role: "img",
      "aria-label": `${name}: ${counts[SERVES]} serve an objective, ${counts[USED]} used without one, ${counts[UNKNOWN]} not known, ${counts[NOTHING]} neither`},
      rect(0, 100, "f-idle"), rect(0, part[SERVES], "f-serves"), rect(part[SERVES], part[USED], "f-used")) : null;
    const text = !n ? (kept ? "None left" : "None yet") : headless ? count(n) : `${count(n)} · ${Math.round(part[SERVES])}%`;
    labels.append(h("div", {class: "band", style: {top: px(L.bands[b].y), height: px(L.bands[b].h)}}, h("b", {}, name), h("span", {class: "num"}, text), bar));
  }

  /** Selection changes classes and paint only: no element is made, moved or removed. */
  function paintSelection() {
    labels.querySelectorAll("[data-head]").forEach((el, k) => {
      el.setAttribute("aria-pressed", String(view.objective === k));
      el.classList.toggle("faded", view.objective >= 0 && !lit(k));
    });
    labels.querySelectorAll(".port").forEach(el => el.classList.toggle("faded", view.objective >= 0 && !lit(Number(el.dataset.of))));
    labels.querySelectorAll(".tile").forEach((el, k) => el.setAttribute("aria-pressed", String(L.tiles[k] === view.tile)));
    const i = view.asset;
    if (i >= 0) outline(i); else if (view.hover < 0) ring.hidden = true;
  }

  // ---------------------------------------------------------------------------------------------- interaction

  function squareAt(event) {
    const box = canvas.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
    const t = L.tiles.find(q => x >= q.x && x < q.x + q.w && y >= q.y && y < q.y + q.h);
    if (!t) return -1;
    const column = Math.floor((x - t.x - PAD) / L.cell), line = Math.floor((y - t.y - PAD - CAPTION + 2) / L.cell);
    const inside = column >= 0 && column < t.columns && line >= 0;
    return inside ? t.ids[line * t.columns + column] ?? -1 : -1;
  }

  function outline(i) {
    const size = L.cell - Math.max(1, L.cell * .18);
    ring.hidden = false;
    Object.assign(ring.style, {left: px(L.x[i] - 2.5), top: px(L.y[i] - 2.5), width: px(size + 5), height: px(size + 5)});
  }

  /** Hover moves one small box and one tooltip; the canvas is not redrawn. */
  function hover(i, event) {
    if (i === view.hover) return;
    view.hover = i;
    tip.hidden = i < 0;
    if (i < 0) { if (view.asset >= 0) outline(view.asset); else ring.hidden = true; return; }
    outline(i);
    tip.replaceChildren(h("b", {class: "mono"}, data.names[i]), h("div", {}, sentence(i)), h("div", {class: "dim num"}, `${useWords(i)} · ${costWords(i)}`));
    const box = stage.getBoundingClientRect(), x = event.clientX - box.left + stage.scrollLeft, y = event.clientY - box.top + stage.scrollTop;
    const below = y + 16 + tip.offsetHeight < stage.scrollTop + stage.clientHeight;
    Object.assign(tip.style, {left: px(Math.max(0, Math.min(x + 14, L.width - 304))), top: px(below ? y + 16 : Math.max(0, y - 12 - tip.offsetHeight))});
  }

  const listed = texts => (texts.length < 2 ? texts.join("") : `${texts.slice(0, -1).join(", ")} and ${texts.at(-1)}`);
  const STATE = ["No objective, and nobody uses it", "Used, but no objective", "", headless ? "No objective yet; use is not known" : "No objective; use is not known"];
  const sentence = i => (data.state[i] === SERVES ? `Serves ${listed(goals(i).map(o => data.objectives[o].t))}` : STATE[data.state[i]]);
  const useWords = i => (data.use[i] < 0 ? "use not known" : data.use[i] === 0 ? "nobody opened it directly" : `${count(data.use[i])} ${data.use[i] === 1 ? "person" : "people"}`);
  const costWords = i => (data.cost[i] < 0 ? "cost not known" : `${data.unit[0]}${count(data.cost[i])}${data.unit[1]}`);

  /** What the panel says of one asset; the words are those of the tooltip. */
  const facts = i => ({asset: i, tile: L.tileOf[i], name: data.names[i], sentence: sentence(i), use: useWords(i), cost: costWords(i), path: view.path.size});

  function select(objective) {
    Object.assign(view, {objective, asset: -1, tile: null, path: null});
    paintSelection(); draw();
    onSelect(objective < 0 ? {} : {objective});
  }
  function selectAsset(asset) {
    Object.assign(view, {objective: -1, asset, tile: null, path: pathOf(asset)});
    paintSelection(); draw();
    onSelect(facts(asset));
  }
  function selectTile(tile) {
    const repaint = view.objective >= 0 || view.path;
    Object.assign(view, {objective: -1, asset: -1, tile, path: null});
    paintSelection();
    if (repaint) draw();
    onSelect({tile, costWords, sentence});
  }
  function clear() { if (view.objective >= 0 || view.asset >= 0 || view.tile) select(-1); }

  /** A press with the pointer is on a square where there is one; with the keyboard it is on the tile. */
  function pick(event, tile) {
    roam(L.tiles.indexOf(tile), false);
    const i = event.detail ? squareAt(event) : -1;
    if (i >= 0) { if (view.asset === i) select(-1); else selectAsset(i); }
    else if (view.tile === tile) select(-1);
    else selectTile(tile);
  }

  /** One tile is in the tab order; arrows lead to the next in the band, or to the nearest in the band above or below. */
  function roam(k, focus = true) {
    labels.querySelectorAll(".tile").forEach((el, j) => { el.tabIndex = j === k ? 0 : -1; });
    if (focus) labels.querySelector(`[data-tile="${k}"]`)?.focus();
  }
  function neighbour(k, key) {
    const t = L.tiles[k], middle = t.x + t.w / 2;
    if (key === "ArrowLeft" || key === "ArrowRight") {
      const row = L.tiles.filter(q => q.band === t.band).sort((p, q) => p.x - q.x);
      return row[row.indexOf(t) + (key === "ArrowRight" ? 1 : -1)];
    }
    const step = key === "ArrowUp" ? 1 : -1;
    for (let b = t.band + step; b >= 0 && b < data.bands.length; b += step) {
      const row = L.tiles.filter(q => q.band === b);
      if (row.length) return row.sort((p, q) => Math.abs(p.x + p.w / 2 - middle) - Math.abs(q.x + q.w / 2 - middle))[0];
    }
    return undefined;
  }

  stage.addEventListener("pointermove", event => hover(event.target.closest?.(".goal-card") ? -1 : squareAt(event), event));
  stage.addEventListener("pointerleave", event => hover(-1, event));
  labels.addEventListener("keydown", event => {
    if (!event.key.startsWith("Arrow") || !event.target.dataset.tile) return;
    event.preventDefault();
    const to = neighbour(Number(event.target.dataset.tile), event.key);
    if (to) roam(L.tiles.indexOf(to));
  });

  function arrange() {
    L = arrangement(data, Math.max(stage.clientWidth, LEAST), stage.clientHeight);
    view.tile = view.tile && L.tiles.find(t => t.band === view.tile.band && t.folder === view.tile.folder && t.label === view.tile.label);
    labels.style.height = px(L.height);
    paintLabels(); paintSelection(); draw();
  }

  readColours();
  arrange();
  let size = `${stage.clientWidth} ${stage.clientHeight}`;
  new ResizeObserver(() => {
    const now = `${stage.clientWidth} ${stage.clientHeight}`;
    if (now !== size && stage.clientWidth) { size = now; arrange(); }
  }).observe(stage);
  return {select, selectAsset, clear, view, places: () => L,
          repaint: () => { readColours(); draw(); },
          setLens: name => { view.lens = name; draw(); }};
}

/** Lines that a text takes in a width, broken between words. */
function wrapped(text, width, measure) {
  let lines = 1, line = "";
  for (const word of text.split(/\s+/)) {
    const longer = line ? `${line} ${word}` : word, over = measure(longer) > width;
    if (over && line) lines++;
    line = over ? word : longer;
    if (over) lines += Math.max(0, Math.ceil(measure(word) / width) - 1);       // a word that is too long breaks anywhere
  }
  return Math.min(5, lines);
}
