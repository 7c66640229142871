// Shows a link's clicks as they come, while the page is looked at. Without this the latest are there.

import { fetchPart } from "./base.js";

const MOST_SHOWN = 20;
const numbers = document.getElementById("numbers");
const FEED = "ol.clicks"; // a chart's line is called clicks too
const feed = numbers.querySelector(FEED);
const live = numbers.querySelector(".live");
let stream = null;
let fresh = 0;

function show(event) {
  const items = document.createElement("template");
  items.innerHTML = event.data; // written by the server, as the page is
  fresh += items.content.querySelectorAll(".click").length;
  feed.prepend(items.content);
  while (feed.children.length > MOST_SHOWN) feed.lastElementChild.remove();
  numbers.querySelector(".none").hidden = true;
  numbers.querySelector(".unused")?.remove(); // says that there are none
  tell();
}

function tell() {
  const text = fresh === 1 ? "1 new click" : `${fresh.toLocaleString("en")} new clicks`;
  const again = document.createElement("a");
  again.href = location.href;
  again.textContent = "refresh totals";
  numbers.querySelector(".news").replaceChildren(`${text} – `, again);
}

function open() {
  if (stream) return;
  stream = new EventSource(numbers.dataset.stream);
  stream.addEventListener("open", () => { live.hidden = false; });
  stream.addEventListener("error", () => { live.hidden = true; }); // the browser asks again by itself
  stream.addEventListener("clicks", show);
  stream.addEventListener("missed", catchUpSince);
}

// A page in the background holds no connection: browsers have few for each server.
function close() {
  stream?.close();
  stream = null;
  live.hidden = true;
}

async function catchUp() {
  const answer = await fetchPart(location.href);
  if (!answer.ok) return;
  const part = document.createElement("template");
  part.innerHTML = await answer.text();
  const latest = part.content.querySelector(FEED);
  if (latest) feed.replaceChildren(...latest.children);
  numbers.querySelector(".none").hidden = feed.children.length > 0;
  if (feed.children.length > 0) numbers.querySelector(".unused")?.remove();
}

// Clicks that came between the page and its stream, or while that was down.
function catchUpSince(event) {
  fresh = Number(event.data);
  tell();
  catchUp();
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    close();
  } else {
    open();
    catchUp();
  }
});
addEventListener("pagehide", close);
if (!document.hidden) open();
