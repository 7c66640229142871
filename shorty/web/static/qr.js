// Draws the code anew as its look is changed; the server knows how.
import { fetchPart, say, showScripted } from "./base.js";

const PATIENCE_MS = 150;
const form = document.getElementById("look");
const preview = document.getElementById("preview");
let timer;
let turn = 0;

async function draw() {
  const mine = ++turn;
  const typed = new FormData(form);
  typed.delete("image");
  const answer = await fetchPart(form.dataset.preview, { method: "POST", body: typed });
  if (mine !== turn || ![200, 422].includes(answer.status)) return;
  const part = document.createElement("template");
  part.innerHTML = await answer.text();
  // Put in place once it is there, so that nothing flickers.
  await part.content.querySelector("img").decode().catch(() => {});
  if (mine !== turn) return;
  preview.replaceChildren(part.content);
  showScripted(preview);
}

function drawSoon() {
  clearTimeout(timer);
  timer = setTimeout(draw, PATIENCE_MS);
}

function apply(look) {
  for (const [name, value] of Object.entries(look)) {
    const control = form.elements[name];
    if (control.type === "checkbox") control.checked = value !== "";
    else control.value = value;
  }
}

function upload(field) {
  if (field.files[0]?.size > field.dataset.most) {
    say("The picture may be at most 1 MB large.");
    field.value = "";
  } else if (field.files.length) {
    form.requestSubmit(document.getElementById("upload"));
  }
}

if (form) {
  for (const each of form.querySelectorAll("[data-unscripted]")) each.hidden = true;
  history.replaceState(null, "", form.action); // a reload uploads nothing again
  form.addEventListener("input", (event) => {
    if (event.target.type === "file") upload(event.target);
    else drawSoon();
  });
  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-look]");
    if (!button) return;
    event.preventDefault();
    apply(JSON.parse(button.dataset.look));
    draw();
  });
}
