// The list of links: searched as one types, moved through and acted on with the keyboard.

import { ask, copy, fetchPart, say, showScripted } from "./base.js";
import { addKeys } from "./keys.js";

const found = document.getElementById("found");
const filters = document.querySelector(".filters");
const search = document.getElementById("q");
let current = null;
let asked = 0;

// ---- What is shown ----------------------------------------------------------

function prepare() {
  showScripted(document);
  for (const each of document.querySelectorAll("[data-unscripted]")) each.hidden = true;
  current = null;
  lastTicked = null;
  tell();
}

function write(form) {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (value.trim()) query.set(name, value.trim());
  if (query.get("sort") === "-createdAt") query.delete("sort");
  return query.size ? `${location.pathname}?${query}` : location.pathname;
}

async function show(address) {
  const mine = ++asked;
  found.setAttribute("aria-busy", "true");
  try {
    const answer = await fetchPart(address);
    if (mine !== asked) return; // somebody typed on
    if (!answer.ok) throw new Error(answer.status);
    found.innerHTML = await answer.text();
    history.replaceState(null, "", address);
    prepare();
    document.getElementById("told").textContent = found.querySelector(".count, h2")?.textContent ?? "";
  } catch {
    if (mine === asked) say("The list could not be loaded; try again.");
  } finally {
    if (mine === asked) found.removeAttribute("aria-busy");
  }
}

let waiting = 0;
filters.addEventListener("input", (event) => {
  clearTimeout(waiting);
  waiting = setTimeout(() => show(write(filters)), event.target === search ? 180 : 0);
});
filters.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(waiting);
  show(write(filters));
});

// ---- Which are ticked -------------------------------------------------------

let lastTicked = null;

const boxes = () => [...found.querySelectorAll(".link > input[type=checkbox]")];

// A box for all that were found stands for links that are not on this page.
const allFound = () => found.querySelector(".all-found input");

function countChosen() {
  const all = allFound();
  return all?.checked ? Number(all.value) : boxes().filter((box) => box.checked).length;
}

function tell() {
  const bar = document.getElementById("many");
  if (!bar) return;
  const ticked = boxes().filter((box) => box.checked).length;
  const all = allFound();
  if (all?.checked && ticked < boxes().length) all.checked = false;
  bar.hidden = !ticked;
  const chosen = countChosen();
  bar.querySelector(".chosen[data-scripted]").textContent = `${chosen.toLocaleString("en")} selected`;
  for (const box of boxes()) box.closest(".link").classList.toggle("ticked", box.checked);
  const page = found.querySelector("[data-select-page]");
  if (page) {
    page.checked = ticked > 0 && ticked === boxes().length;
    page.indeterminate = ticked > 0 && !page.checked;
  }
}

function tick(isTicked) {
  for (const box of boxes()) box.checked = isTicked;
  if (!isTicked && allFound()) allFound().checked = false;
  tell();
}

const tickNone = () => tick(false);

found.addEventListener("click", (event) => {
  const box = event.target.closest(".link > input[type=checkbox]");
  if (box) {
    const all = boxes();
    if (event.shiftKey && lastTicked) {
      const [from, to] = [all.indexOf(lastTicked), all.indexOf(box)].sort((a, b) => a - b);
      for (const each of all.slice(from, to + 1)) each.checked = box.checked;
    }
    lastTicked = box;
    tell();
  }
  if (event.target.closest("[data-none]")) tickNone();
});
found.addEventListener("change", (event) => {
  if (event.target.matches("[data-select-page]")) tick(event.target.checked);
  else if (event.target === allFound() && event.target.checked) tick(true);
  else tell();
});

// ---- Deleting: asked here, sent at once, undone on the page that follows -----

function isSure(count) {
  const what = count === 1 ? "this link" : `${count} links`;
  return ask(
    `Delete ${what}? ${count === 1 ? "The short link stops" : "The short links stop"} working immediately and` +
      ` ${count === 1 ? "its slug becomes" : "their slugs become"} available. Analytics are kept. You can undo this.`,
  );
}

document.addEventListener("submit", async (event) => {
  const { target: form, submitter } = event;
  if (form.id !== "many" || submitter?.value !== "delete" || form.elements.sure) return;
  event.preventDefault();
  if (!(await isSure(countChosen()))) return;
  form.append(hidden("sure", "1"));
  form.requestSubmit(submitter);
});

found.addEventListener("click", async (event) => {
  const link = event.target.closest("[data-delete]");
  if (!link) return;
  event.preventDefault();
  if (!(await isSure(1))) return;
  const form = document.getElementById("one");
  form.append(hidden("one", `delete ${link.dataset.delete}`), hidden("sure", "1"));
  form.submit();
});

function hidden(name, value) {
  const field = document.createElement("input");
  Object.assign(field, { type: "hidden", name, value });
  return field;
}

// ---- What was pasted goes along to the whole form ---------------------------

document.querySelector("main [data-new]")?.addEventListener("click", (event) => {
  const url = document.getElementById("quick").value.trim();
  const link = event.currentTarget;
  link.search = url ? new URLSearchParams({ url }) : "";
});

// ---- Menus ------------------------------------------------------------------

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details:is(.row-actions, .more-actions)[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

// One of a row at the window's end would open below it. The event does not bubble.
document.addEventListener("toggle", ({ target }) => {
  if (!target.open || !target.matches("details.row-actions")) return;
  target.querySelector(".choices").scrollIntoView({ block: "nearest" });
}, true);

// ---- Keys -------------------------------------------------------------------

const links = () => [...found.querySelectorAll(".link")];

function move(step) {
  const all = links();
  if (!all.length) return;
  const place = all.indexOf(current);
  const next = place < 0 ? (step > 0 ? 0 : all.length - 1) : place + step;
  point(all[Math.max(0, Math.min(all.length - 1, next))]);
}

function choose(link) {
  current?.classList.remove("current");
  current = link;
  link.classList.add("current");
}

function point(link) {
  choose(link);
  link.querySelector(".short").focus({ preventScroll: true });
  const { top, bottom } = link.getBoundingClientRect();
  if (top < 80 || bottom > innerHeight - 80) link.scrollIntoView({ block: "center" });
}

found.addEventListener("focusin", (event) => {
  const link = event.target.closest(".link");
  if (link && link !== current) choose(link);
});

addKeys({
  j: () => move(1),
  k: () => move(-1),
  c: () => current?.dataset.short && copy(current.dataset.short),
  e: () => current?.querySelector("[data-edit]")?.click(),
  x: () => {
    const box = current?.querySelector("input[type=checkbox]");
    if (!box) return;
    box.checked = !box.checked;
    lastTicked = box;
    tell();
  },
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || document.querySelector("dialog[open]")) return;
  const menu = document.querySelector("details:is(.row-actions, .more-actions)[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  } else if (document.activeElement === search) search.blur();
  else tickNone();
});

prepare();

// A link that was just made or changed is the one that keys are about.
const changed = location.hash.startsWith("#link-") && document.querySelector(location.hash);
if (changed) choose(changed);
