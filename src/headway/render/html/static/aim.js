// Where there is no server that would, the Map opens as its address says.

/** What the address says of the Map, where its module looks for it. */
export function aim(query, data) {
  const stage = document.getElementById("stage"), colour = query.get("colour");
  if (query.get("objective")) stage.dataset.objective = data.objectives.findIndex(o => o.id === query.get("objective"));
  if (query.get("asset")) stage.dataset.chosen = data.keys ? data.keys.indexOf(query.get("asset")) : query.get("asset").split("/")[1] ?? -1;
  const lens = [...document.querySelectorAll("[data-lens]")].find(b => b.dataset.lens === colour && !b.hasAttribute("aria-disabled"));
  if (!lens) return;
  stage.dataset.colour = colour;
  document.querySelectorAll("[data-lens]").forEach(b => b.setAttribute("aria-pressed", String(b === lens)));
  document.querySelectorAll("[data-legend]").forEach(el => { el.hidden = el.dataset.legend !== colour; });
  document.getElementById("sentence").textContent = JSON.parse(document.getElementById("sentences").textContent)[colour];
}
