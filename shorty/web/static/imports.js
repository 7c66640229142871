// Follows an import while it runs: its page shows how far it is without a reload.
import { fetchPart, showScripted } from "./base.js";

const WAIT_S = 0.7;
const part = document.getElementById("import");

async function follow() {
  while (part.querySelector("[data-watched]")) {
    await new Promise((done) => setTimeout(done, WAIT_S * 1000));
    const answer = await fetchPart(location.href);
    if (!answer.ok) return;
    const text = await answer.text();
    // A button that has the focus is not taken from under a hand.
    if (part.contains(document.activeElement) && text.includes("data-watched")) continue;
    part.innerHTML = text;
    showScripted(part);
  }
}

follow();
