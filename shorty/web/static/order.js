// Lists whose items are moved by dragging their grip, by their buttons "up" and "down", or with
// Alt and an arrow key from anywhere in them. An item has `data-id` and `data-name`; the new order
// is sent to the list's `data-order` after each move.
import { meetSignOut, say } from "./base.js";

const WAYS = { ArrowUp: "up", ArrowDown: "down" };

// `onSaved` runs once an order is stored.
export function makeSortable(list, onSaved = () => {}) {
  let dragged = null;
  const items = () => [...list.querySelectorAll(":scope > [data-id]")];

  for (const grip of list.querySelectorAll(".grip")) {
    grip.addEventListener("pointerdown", (event) => {
      dragged = grip.closest("[data-id]");
      dragged.classList.add("dragged");
      event.preventDefault();
    });
  }

  // On the document: a grip that is moved within the page hears no more of the pointer.
  document.addEventListener("pointermove", (event) => {
    const under = dragged && document.elementFromPoint(event.clientX, event.clientY)?.closest("[data-id]");
    if (!under || under === dragged || under.parentElement !== list) return;
    const box = under.getBoundingClientRect();
    if (event.clientY < box.top + box.height / 2) under.before(dragged);
    else under.after(dragged);
  });

  function drop() {
    if (!dragged) return;
    const item = dragged;
    item.classList.remove("dragged");
    dragged = null;
    keepOrder(item);
  }
  document.addEventListener("pointerup", drop);
  document.addEventListener("pointercancel", drop);

  function move(item, way) {
    const other = way === "up" ? item.previousElementSibling : item.nextElementSibling;
    if (other?.dataset.id === undefined) return announce(item);
    const focused = document.activeElement;
    if (way === "up") other.before(item);
    else other.after(item);
    if (item.contains(focused)) focused.focus();
    keepOrder(item);
  }

  list.addEventListener("click", (event) => {
    const button = event.target.closest("button[name=way]");
    if (!button) return;
    event.preventDefault();
    button.focus();
    move(button.closest("[data-id]"), button.value);
  });

  list.addEventListener("keydown", (event) => {
    const item = event.target.closest("[data-id]");
    const isTyping = event.target.matches("input, select, textarea");
    if (!event.altKey || !item || isTyping || !(event.key in WAYS)) return;
    event.preventDefault();
    move(item, WAYS[event.key]);
  });

  function announce(item) {
    const all = items();
    say(`“${item.dataset.name}” moved to position ${all.indexOf(item) + 1} of ${all.length}.`);
  }

  let stored = items();

  async function keepOrder(moved) {
    const wanted = items();
    const body = new URLSearchParams(wanted.map((item) => ["ids", item.dataset.id]));
    const headers = { "X-Form-Token": document.body.dataset.token };
    const answer = await fetch(list.dataset.order, { method: "POST", headers, body, redirect: "manual" });
    if (!answer.ok) {
      putBack();
      if (answer.type === "opaqueredirect") meetSignOut();
      else say(`The order was not saved. ${await readReason(answer)}`);
      return;
    }
    stored = wanted;
    announce(moved);
    onSaved();
  }

  function putBack() {
    const focused = document.activeElement;
    const end = items().at(-1).nextElementSibling;
    for (const item of stored) list.insertBefore(item, end);
    if (list.contains(focused)) focused.focus();
  }
}

// What the page that came instead says above its form.
async function readReason(answer) {
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return page.querySelector("main [role=alert]")?.textContent.trim() ?? "Reload the page.";
}
