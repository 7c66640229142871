// Saves a file that the page shows, and says what a bookmarklet is for.

import { say } from "./base.js";

// The file holds a token: it goes from the page to the disk, through no address that is kept.
document.querySelector("[data-save]")?.addEventListener("click", (event) => {
  const content = new Blob([document.getElementById("file").textContent], { type: "application/octet-stream" });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = event.currentTarget.dataset.save;
  link.click();
  URL.revokeObjectURL(link.href);
});

document.querySelector("[data-drag]").addEventListener("click", (event) => {
  event.preventDefault();
  say("Drag this button to your bookmarks bar.");
});
