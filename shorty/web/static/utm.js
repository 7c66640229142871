// Composes the address as one types; the server knows how.
import { fetchPart, showScripted } from "./base.js";

const PATIENCE_MS = 200;
const form = document.getElementById("builder");
const keep = document.getElementById("keep");
const part = document.getElementById("composed");
let timer;
let turn = 0;

for (const each of document.querySelectorAll("[data-unscripted]")) each.hidden = true;

async function compose() {
  const mine = ++turn;
  const query = new URLSearchParams(new FormData(form));
  const answer = await fetchPart(`/app/utm?${query}`);
  if (!answer.ok || mine !== turn) return;
  part.innerHTML = await answer.text();
  showScripted(part);
  history.replaceState(null, "", `/app/utm?${query}`);
}

form.addEventListener("input", (event) => {
  // What a template keeps, and what it is used on, is what is typed now.
  const kept = keep?.elements[event.target.name];
  if (kept) kept.value = event.target.value;
  if (event.target.name === "url") {
    for (const link of document.querySelectorAll("[data-template]")) {
      link.href = `/app/utm?${new URLSearchParams({ template: link.dataset.template, url: event.target.value })}`;
    }
  }
  clearTimeout(timer);
  timer = setTimeout(compose, PATIENCE_MS);
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  compose();
});
