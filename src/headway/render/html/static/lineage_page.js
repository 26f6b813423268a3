// The Lineage page: depth and direction buttons, how much is within reach and folded, and the address that reproduces it.

import {drawn, fonts, join, remember} from "./dom.js";
import {on} from "./keys.js";
import {mountLineage} from "./lineage.js";
import {read} from "./payload.js";

const stage = document.getElementById("stage"), count = document.getElementById("shown");
const depth = [...document.querySelectorAll("button[data-steps]")], way = [...document.querySelectorAll("button[data-across]")];
const press = (list, test) => list.forEach(b => b.setAttribute("aria-pressed", String(test(b))));
const words = n => n.toLocaleString("en");

function counted(data) {
  return c => {
    const folded = c.folded ? `, ${words(c.folded)} of them folded into ${words(c.stacks)} stack${c.stacks === 1 ? "" : "s"}` : "";
    const left = c.leftOut ? `; ${words(c.leftOut)} more are too many to draw` : "";
    count.textContent = `${words(c.total)} of ${words(data.nodes.filter(n => !n.aside).length)} within reach${folded}${left}`;
  };
}

async function main() {
  let data;
  try { data = await read(); } catch (error) { count.textContent = error.message; return drawn(); }
  await fonts();
  const given = stage.dataset;
  const lineage = mountLineage(stage, data, {
    steps: given.steps === "all" ? Infinity : Number(given.steps), across: given.way === "right", open: JSON.parse(given.open || "[]"), suggested: given.suggested === "1", onCount: counted(data),
    onOpen: list => remember({open: JSON.stringify(list)}), visit: n => { if (n.at !== data.focus) location.href = join(given.lineage, encodeURIComponent(n.id)); },
  });
  const stepsOf = button => (button.dataset.steps === "all" ? Infinity : Number(button.dataset.steps));
  const setDepth = steps => {
    lineage.set({steps});
    press(depth, b => stepsOf(b) === steps);
    remember({steps: steps === Infinity ? "all" : String(steps)});
  };
  press(depth, b => stepsOf(b) === lineage.view.steps);
  depth.forEach(b => b.addEventListener("click", () => setDepth(stepsOf(b))));
  way.forEach(b => b.addEventListener("click", () => {
    press(way, other => other === b);
    lineage.set({across: b.dataset.across === "1"});
    remember({way: b.dataset.across === "1" ? "right" : ""});
  }));
  const dashes = document.querySelector("button[data-suggested]");
  const setDashes = on => {
    lineage.set({suggested: on});
    dashes.setAttribute("aria-pressed", String(on));
    remember({suggested: on ? "1" : ""});
  };
  if (dashes) {
    dashes.addEventListener("click", () => setDashes(!lineage.view.suggested));
    on("s", () => setDashes(!lineage.view.suggested), "suggested links, drawn or not");
  }
  const ladder = [1, 2, 3, Infinity], step = by => setDepth(ladder[Math.max(0, Math.min(3, ladder.indexOf(lineage.view.steps) + by))]);
  on("[", () => step(-1), "one step of depth less");
  on("]", () => step(1), "one step of depth more");
  on("v", () => document.querySelector("[data-view=list]").click(), "next view: Map, Lineage, List");
  on("Escape", () => { if (lineage.view.open.size) { lineage.view.open.clear(); lineage.set({}); remember({open: ""}); } }, "");
  return drawn();
}

await main();
