// The keyboard of every page: single keys, `g` and a letter to go places, and the list of them all.

export const isApple = /Mac|iPhone|iPad|iPod/.test(navigator.platform);

const CHORD_MS = 2000;
const isOn = document.body.dataset.keys === "on";
const sheet = document.getElementById("keys");
const actions = new Map();
let leaderAt = -Infinity; // when `g` was pressed

// A page's own keys: functions by the character that is typed.
export function addKeys(more) {
  for (const [key, action] of Object.entries(more)) actions.set(key, action);
}

export function showKeys() {
  if (sheet.open) return;
  sheet.showModal();
  document.getElementById("keys-title").focus(); // the first link is at the end
}

// The character that is typed, whichever layout it is typed on. Where letters are not Latin ones,
// the letter that the same key has on a Latin keyboard.
export function readKey(event) {
  const { key, code } = event;
  const isForeign = /^\p{L}$/u.test(key) && !/^\p{Script=Latin}$/u.test(key);
  if (isForeign && /^Key[A-Z]$/.test(code)) return code.slice(3).toLowerCase();
  return event.getModifierState("CapsLock") && !event.shiftKey ? key.toLowerCase() : key;
}

// Some layouts need AltGr for `/`, and Windows reports that as Ctrl and Alt.
function hasModifier(event) {
  if (event.metaKey) return true;
  return !event.getModifierState("AltGraph") && (event.ctrlKey || event.altKey);
}

function isTyping(target) {
  const plain = ["checkbox", "radio", "button", "submit", "reset", "file", "color", "range"];
  const field = target.closest?.("input, select, textarea, [contenteditable]");
  return Boolean(field) && !plain.includes(field.type);
}

function goTo(key) {
  document.querySelector(`[data-go="${CSS.escape(key)}"]`)?.click();
}

function search() {
  const field = document.querySelector("main input[type=search]");
  if (field) field.select();
  else document.querySelector("[data-palette]")?.click();
}

addKeys({
  "?": showKeys,
  "/": search,
  g: (event) => { leaderAt = event.timeStamp; },
  n: () => (document.querySelector("main [data-new]") ?? document.querySelector("[data-new]"))?.click(),
});

document.addEventListener("keydown", (event) => {
  if (["Shift", "AltGraph", "CapsLock"].includes(event.key)) return;
  const isSecond = event.timeStamp - leaderAt < CHORD_MS;
  leaderAt = -Infinity;
  if (!isOn || event.defaultPrevented || event.isComposing || hasModifier(event)) return;
  if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
  const key = readKey(event);
  const action = isSecond ? () => goTo(key) : actions.get(key);
  if (!action || key.length > 1) return;
  event.preventDefault();
  action(event);
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-keys-open]")) showKeys();
});

if (isApple) for (const each of document.querySelectorAll("[data-command-key]")) each.textContent = "⌘";
