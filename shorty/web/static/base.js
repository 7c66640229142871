// What every page does where scripts run: copying, notices, questions, the viewer's zone.

import { write } from "./clipboard.js";
import { say } from "./notices.js";

export { ask } from "./confirm.js";
export { say } from "./notices.js";

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && zone !== document.body.dataset.zone) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `shorty_zone=${encodeURIComponent(zone)}; Path=/app; Max-Age=31536000; SameSite=Lax${secure}`;
}

export async function copy(text) {
  say((await write(text)) ? "Copied" : "Your browser does not allow copying. Select the text to copy it.");
}

// Whether some form that is sent by POST says something else than the page did.
export function isTyped() {
  return [...document.querySelectorAll("form[method=post]")].some((form) =>
    [...form.elements].some(
      (field) =>
        ("defaultValue" in field && field.type !== "hidden" && field.value !== field.defaultValue) ||
        ("defaultChecked" in field && field.checked !== field.defaultChecked) ||
        [...(field.options ?? [])].some((each) => each.selected !== each.defaultSelected && each.defaultSelected),
    ),
  );
}

// A page's part, fetched anew: `address` gives the whole page to a person, the part to a script.
export async function fetchPart(address, options = {}) {
  const headers = { "X-Shorty-Fragment": "1", ...options.headers };
  const answer = await fetch(address, { ...options, headers, redirect: "manual" });
  if (answer.type === "opaqueredirect") {
    meetSignOut();
    return new Promise(() => {});
  }
  return answer;
}

// Signed out meanwhile. A reload would lose what was typed; sending the form keeps it.
export function meetSignOut() {
  if (isTyped()) say("You are signed out. Your form is kept when you send it.");
  else location.reload();
}

export function showScripted(root) {
  for (const each of root.querySelectorAll("[data-copy], [data-scripted]")) each.hidden = false;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button.dataset.copy);
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && location.hash === "#menu") location.hash = "";
});

// A browser scrolls to the caret of a textarea that gets the focus, so that the rest may stay below a
// form's buttons. Nothing moves while the pointer is pressed.
let isPressed = false;
addEventListener("pointerdown", () => { isPressed = true; }, true);
for (const name of ["pointerup", "pointercancel"]) {
  addEventListener(name, () => { isPressed = false; }, true);
}
for (const name of ["focusin", "click"]) {
  document.addEventListener(name, ({ target }) => {
    if (!isPressed && target.matches("textarea:focus")) target.scrollIntoView({ block: "nearest" });
  });
}

showScripted(document);
document.querySelector(".faulty input, .faulty select, .faulty textarea, [data-focus]")?.focus();
