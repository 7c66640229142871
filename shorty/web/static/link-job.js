// Follows an action on many links while it runs: its page shows the progress without a reload.
import { fetchPart, showScripted } from "./base.js";

const WAIT_MS = 700;
const part = document.getElementById("job");

async function follow() {
  while (part.querySelector("[data-watched]")) {
    await new Promise((done) => setTimeout(done, WAIT_MS));
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
