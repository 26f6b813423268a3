// Bulk selection: says what is chosen, and leaves only the buttons that all of it can be decided with.
// Without this module every button stays, and the page behind it says what is left out.

/** What is chosen, and what it shares. @param {HTMLFormElement} form */
export function shared(form) {
  const boxes = [...form.querySelectorAll("input[name=finding]:checked")];
  const acts = boxes.map(box => new Set((box.dataset.acts || "").split(" ")));
  return {
    boxes,
    count: boxes.reduce((n, box) => n + box.value.split(",").length, 0),
    can: act => acts.every(one => one.has(act)),
  };
}

function tell(form) {
  const { boxes, count, can } = shared(form);
  const words = form.querySelector("#counted");
  if (!words) return;
  words.textContent = boxes.length ? `${count} chosen:` : "Choose some, or decide about one:";
  for (const button of form.querySelectorAll(".bulk button")) {
    const fits = boxes.length > 0 && can(button.value);
    button.disabled = !fits;
    button.title = fits || !boxes.length ? "" : "Not all that is chosen can be decided like this";
  }
}

function start() {
  const form = document.getElementById("choose");
  if (form && !form.dataset.told) {
    form.dataset.told = "1";
    form.addEventListener("change", () => tell(form));
    tell(form);
  }
}

document.addEventListener("htmx:afterSettle", () => {
  start();
  const deciding = document.getElementById("deciding");
  if (deciding?.firstElementChild) deciding.scrollIntoView({ block: "nearest" });
});
start();
