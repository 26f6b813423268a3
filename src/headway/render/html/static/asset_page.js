// An asset that was reached by its place on the Map gets its stable address, which can be sent and kept.

import {on} from "./keys.js";

const main = document.getElementById("main");
if (main.dataset.canonical && location.protocol !== "file:") history.replaceState(null, "", main.dataset.canonical);
on("l", () => document.querySelector("[data-view=lineage]")?.click(), "Lineage");
on("v", () => document.querySelector("[data-view=map]")?.click(), "next view: Map, Lineage, List");
