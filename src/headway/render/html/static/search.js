// Search while typing, in the header: the same hits as the page of search. Enter opens the chosen one, Shift+Enter shows it on
// the Map; without a choice, Enter opens the page of search, as it does without this module.

const PAUSE = 150, MOST = 8;

/** Where hits come from and where they lead; a single file, which has no server, puts its own in here. */
export const source = {
  async find(form) {
    const url = new URL(form.action, location.href);
    url.pathname += ".json";
    url.search = new URLSearchParams(new FormData(form)).toString();
    const answer = await fetch(url).catch(() => null);
    return answer?.ok ? (await answer.json()).hits : null;
  },
  open(to, form) {
    const base = new URL(form.action, location.href).pathname.replace(/\/search$/, "");
    const at = new URLSearchParams(location.search).get("at");
    const url = new URL(base + to, location.origin);
    if (at) url.searchParams.set("at", at);
    if (url.origin === location.origin) location.href = url.href;
  },
};

function attach(form, number) {
  const field = form.querySelector("input[type=search]");
  const list = document.createElement("ul");
  list.className = "found panel";
  list.id = `found-${number}`;
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Hits");
  form.append(list);
  const said = document.createElement("span");
  said.className = "hidden-visually";
  said.setAttribute("aria-live", "polite");
  form.append(said);
  for (const [name, value] of Object.entries({ role: "combobox", "aria-expanded": "false", "aria-controls": list.id, "aria-autocomplete": "list" }))
    field.setAttribute(name, value);
  let hits = [], chosen = -1, timer = 0, asked = "";

  function close() {
    list.hidden = true;
    chosen = -1;
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  }

  function choose(index) {
    chosen = (index + hits.length + 1) % (hits.length + 1);
    if (chosen === hits.length) chosen = -1;
    [...list.children].forEach((item, k) => item.setAttribute("aria-selected", String(k === chosen)));
    if (chosen < 0) field.removeAttribute("aria-activedescendant");
    else {
      field.setAttribute("aria-activedescendant", list.children[chosen].id);
      list.children[chosen].scrollIntoView({ block: "nearest" });
    }
  }

  function open(hit, onMap) {
    const to = onMap && hit.on_map ? hit.on_map : hit.to;
    if (!to) return;
    source.open(to, form);
  }

  function show(found) {
    hits = found.slice(0, MOST);
    list.replaceChildren(...hits.map((hit, k) => {
      const item = document.createElement("li");
      item.id = `${list.id}-${k}`;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", "false");
      const name = document.createElement("b"), kind = document.createElement("span"), place = document.createElement("span");
      name.textContent = hit.name;
      kind.textContent = hit.kind;
      place.textContent = hit.place;
      kind.className = place.className = "dim";
      item.append(name, kind, place);
      item.addEventListener("mousedown", event => { event.preventDefault(); open(hit, event.shiftKey); });
      return item;
    }));
    list.hidden = !hits.length;
    field.setAttribute("aria-expanded", String(hits.length > 0));
    said.textContent = hits.length ? `${found.length} found` : "nothing found";
    chosen = -1;
  }

  async function ask() {
    const text = field.value.trim();
    if (text === asked) return;
    asked = text;
    if (text.length < 2) { close(); return; }
    const found = await source.find(form);
    if (found && field.value.trim() === text && document.activeElement === field) show(found);
  }

  field.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, PAUSE); });
  field.addEventListener("blur", close);
  field.addEventListener("keydown", event => {
    if (event.key === "Escape" && !list.hidden) { event.preventDefault(); event.stopPropagation(); close(); }
    else if (list.hidden) return;
    else if (event.key === "ArrowDown") { event.preventDefault(); choose(chosen + 1); }
    else if (event.key === "ArrowUp") { event.preventDefault(); choose(chosen < 0 ? hits.length - 1 : chosen - 1); }
    else if (event.key === "Enter" && (chosen >= 0 || event.shiftKey)) { event.preventDefault(); open(hits[Math.max(0, chosen)], event.shiftKey); }
  });
}

document.querySelectorAll("form.find").forEach(attach);
