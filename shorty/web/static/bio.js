// The bio page editor: the preview follows what is typed, and blocks are moved without a reload.
import { makeSortable } from "./order.js";

const preview = document.getElementById("preview");
const form = document.getElementById("page");
let waiting = 0;

// Fields of blocks begin with their part; the preview shows blocks as they are stored.
const OF_BLOCKS = /^(b\d+|new-\w+)-/;
const LEFT_OUT = new Set(["form_token", "networks", "addresses"]);

function showSettings() {
  const fields = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (typeof value === "string" && !LEFT_OUT.has(name) && !OF_BLOCKS.test(name)) fields.append(name, value);
  }
  preview.src = `${preview.dataset.base}?${fields}`;
}

form?.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(showSettings, 250);
});

const list = document.querySelector("[data-order]");
if (list) makeSortable(list, () => preview.contentWindow.location.replace(preview.src));
