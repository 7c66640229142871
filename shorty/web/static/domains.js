// Says that a check is under way: the DNS can take some seconds.
import "./base.js";

for (const form of document.querySelectorAll("form[data-busy]")) {
  form.addEventListener("submit", () => {
    const button = form.querySelector("button");
    button.disabled = true;
    button.querySelector("span").textContent = form.dataset.busy;
  });
}
