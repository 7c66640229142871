// Fetches the numbers of a page that came without them. Without this, a link leads to the whole page.

import { fetchPart } from "./base.js";

const place = document.querySelector("[data-numbers]");

const way = place.querySelector("[data-unscripted]");
way.hidden = true;

async function load() {
  const answer = await fetchPart(location.href);
  if (!answer.ok) throw new Error(answer.statusText);
  const part = document.createElement("template");
  part.innerHTML = await answer.text(); // written by the server, as the page is
  place.replaceChildren(part.content);
  document.dispatchEvent(new Event("numbers"));
}

load().catch(() => {
  place.querySelector("[role=status]").textContent = "The analytics could not be loaded.";
  way.hidden = false;
});
