// The command palette: Ctrl+K or ⌘K, then words for a link, a page or an action.
// It is a combobox with a list (ARIA Authoring Practices); the server finds what is in the list.

import { fetchPart } from "./base.js";
import { write } from "./clipboard.js";
import { isApple, readKey, showKeys } from "./keys.js";

const PAUSE_MS = 120;

const dialog = document.getElementById("palette");
const field = document.getElementById("palette-query");
const list = document.getElementById("palette-list");
const none = dialog.querySelector(".palette-none");
const status = dialog.querySelector("[role=status]");
let shown = null; // the query whose results are listed; null: none yet
let asking = null; // the request under way
let waiting = 0;

// ---- What is found ----------------------------------------------------------

const read = () => field.value.trim();
const options = () => [...list.querySelectorAll("[role=option]")];
const active = () => document.getElementById(field.getAttribute("aria-activedescendant"));

async function ask() {
  clearTimeout(waiting);
  asking?.abort();
  const mine = asking = new AbortController();
  const query = read();
  try {
    const address = query ? `/app/search?${new URLSearchParams({ q: query })}` : "/app/search";
    const answer = await fetchPart(address, { signal: mine.signal });
    if (!answer.ok) throw new Error(answer.status);
    const text = await answer.text();
    if (mine === asking) listResults(query, text);
  } catch (error) {
    if (error.name === "AbortError" || mine !== asking) return;
    shown = null;
    fill([], "Search failed. Check your connection, then type again.");
  }
}

function listResults(query, text) {
  const part = document.createElement("template");
  part.innerHTML = text;
  shown = query;
  fill(part.content.querySelectorAll("[role=group]"), part.content.querySelector(".none")?.textContent);
  status.textContent = part.content.querySelector("[data-told]").textContent;
}

function fill(groups, message = "") {
  list.replaceChildren(...groups);
  list.scrollTop = 0;
  list.hidden = !groups.length;
  none.hidden = !message;
  none.textContent = status.textContent = message;
  field.setAttribute("aria-expanded", String(groups.length > 0));
  point(options()[0]);
}

// ---- Which is chosen --------------------------------------------------------

function point(option) {
  active()?.setAttribute("aria-selected", "false");
  option?.setAttribute("aria-selected", "true");
  if (option) field.setAttribute("aria-activedescendant", option.id);
  else field.removeAttribute("aria-activedescendant");
  option?.scrollIntoView({ block: "nearest" });
}

function move(step) {
  const all = options();
  if (all.length) point(all.at((all.indexOf(active()) + step) % all.length));
}

// What was typed last counts, even if Enter comes before its results.
async function choose(event) {
  const query = read();
  if (query !== shown) await ask();
  if (query !== shown || query !== read()) return;
  const option = active();
  if (!option) return;
  if (event.shiftKey && option.dataset.short) copyLink(option.dataset.short);
  else if (event.ctrlKey || event.metaKey) window.open(option.href, "_blank", "noopener");
  else option.click();
}

// Told here: what lies below an open dialog is not read out.
async function copyLink(text) {
  status.textContent = (await write(text)) ? "Short link copied" : "Your browser does not allow copying.";
}

const actions = {
  keys: showKeys,
  "sign-out": () => document.querySelector("form[action='/app/sign-out']").requestSubmit(),
};

list.addEventListener("click", (event) => {
  const option = event.target.closest("[role=option]");
  if (!option || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const action = actions[option.dataset.action];
  if (action) event.preventDefault();
  dialog.close();
  action?.();
});
list.addEventListener("pointermove", (event) => {
  const option = event.target.closest("[role=option]");
  if (option && option !== active()) point(option);
});

// ---- The dialog -------------------------------------------------------------

function open() {
  if (document.querySelector("dialog[open]")) return;
  if (location.hash === "#menu") location.hash = "";
  field.value = "";
  shown = null;
  fill([]);
  dialog.showModal();
  field.focus();
  ask();
}

field.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(ask, PAUSE_MS);
});

field.addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  const steps = { ArrowDown: 1, ArrowUp: -1 };
  if (event.key in steps) move(steps[event.key]);
  else if (event.key === "Enter") choose(event);
  else return;
  event.preventDefault();
});

dialog.addEventListener("click", (event) => {
  if (event.target === dialog || event.target.closest("[data-close]")) dialog.close();
});
dialog.addEventListener("close", () => {
  if (dialog.open) return; // the event comes late: it was opened again meanwhile
  clearTimeout(waiting);
  asking?.abort();
});

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-palette]") || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  open();
});

// On Apple's systems Ctrl+K deletes the rest of a line.
document.addEventListener("keydown", (event) => {
  const isMeant = isApple ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey;
  if (!isMeant || event.altKey || event.shiftKey || readKey(event) !== "k") return;
  event.preventDefault();
  if (dialog.open) dialog.close();
  else open();
});
