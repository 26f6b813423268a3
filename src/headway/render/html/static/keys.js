// Keys of every page: `/` search, `g` and a letter for a page, `?` the table of keys, Esc. One letter is off while a field
// has the focus, and with localStorage "headway.keys" = "off" (WCAG 2.1.4). A page adds its own with `on(key, run, says)`.

const GO = { o: "Objectives", m: "Map", t: "Triage", r: "Requests", c: "Cost", h: "History" };
const own = new Map();
let going = 0;

/** Run something on a key; `says` stands in the table of keys. */
export function on(key, run, says) { own.set(key, { run, says }); }

const typing = target => target instanceof Element && target.closest("input, textarea, select, [contenteditable]");
const off = () => { try { return localStorage.getItem("headway.keys") === "off"; } catch { return false; } };

function search() {
  const field = [...document.querySelectorAll(".find input")].find(f => f.offsetParent) ?? document.querySelector(".menu .find input");
  const menu = field?.closest("details");
  if (menu) menu.open = true;
  field?.focus();
  field?.select();
}

function go(letter) {
  const tab = [...document.querySelectorAll(".tabs a")].find(a => a.textContent.startsWith(GO[letter]));
  if (tab) location.href = tab.href;
}

function row(list, keys, says) {
  const tr = list.insertRow();
  const th = document.createElement("th");
  th.scope = "row";
  for (const key of keys) { const k = document.createElement("kbd"); k.textContent = key; th.append(k, " "); }
  tr.append(th);
  tr.insertCell().textContent = says;
}

function table() {
  let dialog = document.querySelector("dialog.keys");
  if (!dialog) {
    dialog = document.createElement("dialog");
    dialog.className = "keys panel";
    const title = document.createElement("h2");
    title.id = "keys-title";
    title.textContent = "Keys";
    dialog.setAttribute("aria-labelledby", title.id);
    const list = document.createElement("table");
    list.className = "rows";
    row(list, ["/"], "search");
    for (const [letter, name] of Object.entries(GO)) row(list, ["g", letter], name);
    for (const [key, { says }] of own) if (says) row(list, [key], says);
    row(list, ["Esc"], "close, clear the selection");
    row(list, ["?"], "this table");
    const close = document.createElement("button");
    close.className = "button";
    close.textContent = "Close";
    close.addEventListener("click", () => dialog.close());
    dialog.append(title, list, close);
    document.body.append(dialog);
  }
  dialog.showModal();
}

document.addEventListener("keydown", event => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") {
    const menu = document.querySelector(".menu[open]");
    if (menu) { menu.open = false; menu.querySelector("summary").focus(); return; }
    own.get("Escape")?.run(event);
    return;
  }
  if (typing(event.target) || off() || document.querySelector("dialog[open]")) return;
  if (going && event.key in GO) { going = 0; event.preventDefault(); go(event.key); return; }
  going = 0;
  if (event.key === "/") { event.preventDefault(); search(); }
  else if (event.key === "?") { event.preventDefault(); table(); }
  else if (event.key === "g") { going = 1; setTimeout(() => { going = 0; }, 1500); }
  else own.get(event.key)?.run(event);
});
