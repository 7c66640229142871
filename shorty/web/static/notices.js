// Notices: what the last action did, above the page, or as a toast for what a script has done.
// They are read out as they are put into a live region, which is in the page before them.

import { write } from "./clipboard.js";

const LASTS_MS = 6000;
const notices = document.getElementById("notices");
const toasts = document.getElementById("toasts");

function close(notice) {
  const hadFocus = notice.contains(document.activeElement);
  notice.remove();
  if (hadFocus) document.getElementById("main").focus({ preventScroll: true });
}

// ---- A toast: goes by itself, but not while somebody points at it or is in it ----------

let timer = 0;

export function say(text) {
  const toast = toasts.firstElementChild ?? makeToast();
  const span = document.createElement("span");
  span.textContent = text;
  toast.querySelector("span")?.remove();
  toast.prepend(span);
  toasts.append(toast);
  startUnlessWanted(toast);
}

function makeToast() {
  const toast = document.createElement("div");
  toast.id = "toast";
  toast.append(document.getElementById("close-button").content.cloneNode(true));
  for (const name of ["pointerenter", "focusin"]) {
    toast.addEventListener(name, () => clearTimeout(timer));
  }
  for (const name of ["pointerleave", "focusout"]) {
    toast.addEventListener(name, () => queueMicrotask(() => startUnlessWanted(toast)));
  }
  return toast;
}

function startUnlessWanted(toast) {
  if (toast.matches(":hover, :focus-within")) return;
  clearTimeout(timer);
  timer = setTimeout(() => close(toast), LASTS_MS);
}

// ---- Closing -----------------------------------------------------------------------------

document.addEventListener("click", (event) => {
  const notice = event.target.closest("[data-close]")?.closest("#notice, #toast");
  if (notice) close(notice);
});

document.addEventListener("keydown", (event) => {
  const notice = event.key === "Escape" && event.target.closest("#notice, #toast");
  if (!notice) return;
  event.stopPropagation();
  close(notice);
});

// ---- What the server has left, put in anew so that it is read out ------------------------

async function showLeft(left) {
  for (const each of left.querySelectorAll("[data-scripted], [data-copy]")) each.hidden = false;
  notices.style.minHeight = `${left.offsetHeight}px`; // so that nothing below moves
  left.remove();
  const span = left.querySelector("[data-copied]");
  const copy = left.querySelector("[data-copy]");
  const isCopied = span && (await write(copy.dataset.copy));
  if (isCopied) span.textContent = span.dataset.copied;
  requestAnimationFrame(() => {
    notices.append(left);
    notices.style.minHeight = "";
    if (span && !isCopied) focusOnceLoaded(copy);
  });
}

// A browser takes the focus away again as it goes to the address's #fragment, until all is loaded.
function focusOnceLoaded(button) {
  if (document.readyState !== "complete") {
    addEventListener("load", () => setTimeout(() => focusOnceLoaded(button)), { once: true });
  } else if (document.activeElement === document.body) button.focus({ preventScroll: true });
}

const left = document.getElementById("notice");
if (left) showLeft(left);
