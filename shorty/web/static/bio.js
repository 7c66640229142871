// The bio page editor: the preview follows what is typed, and blocks are dragged into order.
import { say } from "./base.js";

const preview = document.getElementById("preview");
const settings = document.getElementById("settings");
let waiting = 0;

function showSettings() {
  const fields = new URLSearchParams();
  for (const [name, value] of new FormData(settings)) {
    if (name !== "form_token" && name !== "networks" && name !== "addresses") fields.append(name, value);
  }
  preview.src = `${preview.dataset.base}?${fields}`;
}

settings?.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(showSettings, 250);
});

const list = document.querySelector("[data-order]");
let dragged = null;

for (const grip of list?.querySelectorAll(".grip") ?? []) {
  grip.addEventListener("pointerdown", (event) => {
    dragged = grip.closest(".block");
    dragged.classList.add("dragged");
    event.preventDefault();
  });
}

// On the document: a grip that is moved within the page hears no more of the pointer.
document.addEventListener("pointermove", (event) => {
  const under = dragged && document.elementFromPoint(event.clientX, event.clientY)?.closest(".block[data-id]");
  if (!under || under === dragged || under.parentElement !== list) return;
  const box = under.getBoundingClientRect();
  if (event.clientY < box.top + box.height / 2) under.before(dragged);
  else under.after(dragged);
});

function drop() {
  if (!dragged) return;
  dragged.classList.remove("dragged");
  dragged = null;
  keepOrder();
}
document.addEventListener("pointerup", drop);
document.addEventListener("pointercancel", drop);

async function keepOrder() {
  const body = new URLSearchParams({ form_token: document.body.dataset.token });
  for (const block of list.querySelectorAll("[data-id]")) body.append("ids", block.dataset.id);
  const answer = await fetch(list.dataset.order, { method: "POST", body, redirect: "manual" });
  if (answer.type !== "opaqueredirect") {
    say("The order could not be kept; load the page again.");
    return;
  }
  say("Order saved");
  preview.contentWindow.location.replace(preview.src);
}
