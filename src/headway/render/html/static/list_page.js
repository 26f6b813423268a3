// The List: a filter that is changed is applied at once; without JavaScript the button does it. Keys lead to the other views.

import {on} from "./keys.js";

const form = document.getElementById("filters");
form?.querySelectorAll("select").forEach(select => select.addEventListener("change", () => {
  form.querySelectorAll("select, input").forEach(field => { field.disabled = !field.value; });      // short addresses
  form.submit();
}));
on("v", () => document.querySelector("[data-view=map]").click(), "next view: Map, Lineage, List");
on("l", () => document.querySelector("[data-view=lineage]")?.click(), "Lineage");
