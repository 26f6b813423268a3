// Pages in a folder: what a server would do with the parameters of an address, for the Map and the List.

import {aim} from "./aim.js";
import {listOf} from "./single_list.js";

const query = new URLSearchParams(location.search);

if (document.getElementById("stage")) {
  const data = document.getElementById("data");
  if (data) aim(query, JSON.parse(data.textContent));
  await import("./map_page.js");
} else {
  const answer = await fetch(new URL("map.json", location.href));
  const main = document.getElementById("main");
  if (answer.ok) main.replaceChildren(...listOf((await answer.json()).payload, query));
  document.documentElement.dataset.listed = "";
}
