// Follows a delivery that is just being sent: its page shows what came of it without a reload.
import { fetchPart, showScripted } from "./base.js";

const LONGEST_S = 8;
const part = document.getElementById("delivery");

async function follow(wait) {
  if (!part.querySelector("[data-watched]")) return;
  await new Promise((done) => setTimeout(done, wait * 1000));
  const answer = await fetchPart(location.href);
  if (!answer.ok) return;
  const text = await answer.text();
  // What is being used stays as it is.
  if (!part.contains(document.activeElement)) {
    part.innerHTML = text;
    showScripted(part);
  }
  follow(Math.min(wait * 1.5, LONGEST_S));
}

follow(0.7);
