// The form of a link: slug and destination are checked, and the page is looked at, while one types.

import { fetchPart, say, showScripted } from "./base.js";

const form = document.getElementById("link-form");
const fields = form.elements;
const preview = document.getElementById("preview");
const token = document.body.dataset.token;
const isNew = !form.dataset.link;

// ---- The page stands still between press and release --------------------------
// What leaves a field by pressing a button would otherwise move that button away under the pointer.

let release = Promise.resolve();
addEventListener("pointerdown", () => {
  release = new Promise((done) => {
    for (const end of ["pointerup", "pointercancel"]) {
      addEventListener(end, () => setTimeout(done), { once: true });
    }
  });
});

// ---- Is the slug free, can a link lead there --------------------------------

function showFault(name, fault) {
  const line = document.getElementById(`${name}-fault`);
  line.textContent = fault ? fault[0].toUpperCase() + fault.slice(1) : "";
  fields[name].toggleAttribute("aria-invalid", Boolean(fault));
  fields[name].closest(".field").classList.toggle("faulty", Boolean(fault));
}

let checks = 0;
async function check() {
  const mine = ++checks;
  const query = new URLSearchParams({
    domain: fields.domain.value,
    slug: fields.slug.value.trim(),
    url: fields.url.value.trim(),
    link: form.dataset.link,
    link_type: fields.link_type.value,
  });
  for (const each of form.querySelectorAll("[name^=utm_]")) query.set(each.name, each.value.trim());
  const answer = await fetchPart(`/app/links/check?${query}`);
  if (!answer.ok || mine !== checks) return;
  const faults = await answer.json();
  await release;
  showFault("slug", faults.slug);
  document.getElementById("slug-note").textContent = faults.slug_note ?? "";
  // Half an address is no mistake yet.
  if (document.activeElement !== fields.url || !faults.url) showFault("url", faults.url);
  if (isNew) offerSame(faults.same);
}

// ---- A former address that people use: asked about only where it changes -------

const former = document.getElementById("old-address");

function askAboutFormer() {
  const isSame =
    fields.slug.value.trim() === form.dataset.slug && fields.domain.value === form.dataset.domain;
  former.hidden = isSame && !former.querySelector(".fault");
}

if (former) {
  form.addEventListener("input", askAboutFormer);
  askAboutFormer();
}

// ---- Is there a link that leads to the same place -----------------------------

const offers = document.getElementById("same");

function offerSame(same) {
  if (fields.same_known.value === (same?.id ?? "")) return;
  fields.same_known.value = same?.id ?? "";
  offers.replaceChildren();
  if (!same) return;
  const offer = document.getElementById("same-offer").content.cloneNode(true);
  const link = offer.querySelector("[data-same-link]");
  link.href = `/app/links/${same.id}`;
  link.querySelector("[data-same-name]").textContent = same.name;
  offer.querySelector("[data-same-title]").textContent = same.title ?? "";
  offer.querySelector("[data-copy]").dataset.copy = same.short_url;
  showScripted(offer);
  offers.append(offer);
}

let waiting = 0;
form.addEventListener("input", (event) => {
  if (!event.target.matches("[data-live], [name^=utm_], [name=link_type]")) return;
  clearTimeout(waiting);
  waiting = setTimeout(check, 300);
});
fields.url.addEventListener("blur", () => fields.url.value.trim() && check());

// ---- The page's own title and description --------------------------------------------

let said = { title: null, description: null, image: null };
let lookedAt = fields.url.value.trim();
let filled = "";

async function look() {
  const url = fields.url.value.trim();
  if (!url || url === lookedAt || fields.link_type.value !== "URL") return;
  lookedAt = url;
  const answer = await fetchPart("/app/links/preview", {
    method: "POST",
    headers: { "X-Form-Token": token, "Content-Type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ url }),
  });
  if (!answer.ok || lookedAt !== url) return;
  said = await answer.json();
  await release;
  // A title that nobody has typed follows the page.
  if (isNew && (fields.title.value === "" || fields.title.value === filled)) {
    filled = fields.title.value = said.title ?? "";
  }
  draw();
}

fields.url.addEventListener("blur", look);
let resting = 0;
fields.url.addEventListener("input", () => {
  clearTimeout(resting);
  resting = setTimeout(look, 1200);
});
fields.url.addEventListener("paste", () => setTimeout(look, 0));

// ---- How it will look --------------------------------------------------------

function draw() {
  const at = (name) => preview.querySelector(`[data-${name}]`);
  at("host").textContent = readHost(fields.url.value) || fields.domain.value;
  at("title").textContent = fields.title.value.trim() || said.title || "The page's title";
  at("description").textContent =
    fields.description.value.trim() || said.description || "The page's description";
  const image = fields.image.value.trim() || said.image || "";
  const address = image ? `/app/links/picture?url=${encodeURIComponent(image)}` : "";
  if (at("image").getAttribute("src") !== address) {
    at("image").hidden = true;
    if (address) at("image").src = address;
  }
}

function readHost(text) {
  try {
    return new URL(/^[a-z][a-z0-9+.-]*:/i.test(text.trim()) ? text.trim() : `https://${text.trim()}`).host;
  } catch {
    return "";
  }
}

const picture = preview.querySelector("[data-image]");
picture.addEventListener("load", () => (picture.hidden = false));
picture.addEventListener("error", () => (picture.hidden = true));
// The page's own may have failed before anybody listened.
if (picture.complete && !picture.naturalWidth) picture.hidden = true;
let drawing = 0;
form.addEventListener("input", () => {
  clearTimeout(drawing);
  drawing = setTimeout(draw, 250);
});

// ---- Tags and templates --------------------------------------------------------

// As the server compares names: in one case, composed, without spaces around and between.
const fold = (name) =>
  name.trim().replace(/\s+/g, " ").normalize("NFD").toUpperCase().toLowerCase().normalize("NFC");
const listTags = () => fields.tags.value.split(",").map((name) => name.trim()).filter(Boolean);

function pressTags() {
  const names = new Set(listTags().map(fold));
  for (const each of form.querySelectorAll("[data-tag]")) {
    each.setAttribute("aria-pressed", String(names.has(fold(each.dataset.tag))));
  }
}

form.addEventListener("click", (event) => {
  const button = event.target.closest("[data-tag]");
  if (!button) return;
  const names = listTags();
  const place = names.findIndex((name) => fold(name) === fold(button.dataset.tag));
  if (place < 0) names.push(button.dataset.tag);
  else names.splice(place, 1);
  fields.tags.value = names.join(", ");
  pressTags();
});
fields.tags.addEventListener("input", pressTags);

fields.template?.addEventListener("change", () => {
  const given = JSON.parse(fields.template.dataset.templates)[fields.template.value] ?? {};
  for (const [name, value] of Object.entries(given)) fields[name].value = value;
  if (fields.template.value) say("Template applied");
});

// ---- Nothing typed is lost by accident -------------------------------------------

const write = () => new URLSearchParams(new FormData(form)).toString();
const before = write();
let isSent = Boolean(form.querySelector("[aria-invalid]"));
form.addEventListener("submit", () => (isSent = true));
addEventListener("beforeunload", (event) => {
  if (!isSent && write() !== before) event.preventDefault();
});

for (const each of form.querySelectorAll("[data-unscripted]")) each.hidden = true;
pressTags();
draw();
form.querySelector("[aria-invalid]")?.focus();
