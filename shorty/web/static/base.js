// What every page does where scripts run: copying, asking before a action, the viewer's zone.

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && zone !== document.body.dataset.zone) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `shorty_zone=${encodeURIComponent(zone)}; Path=/app; Max-Age=31536000; SameSite=Lax${secure}`;
}

export function say(text) {
  let toast = document.getElementById("toast");
  if (!toast) {
    toast = document.createElement("div");
    toast.id = "toast";
    toast.setAttribute("role", "status");
    document.body.append(toast);
  }
  toast.textContent = text;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => toast.remove(), 2500);
}

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without https there is no clipboard to ask for.
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
  say("Copied");
}

// A page's part, fetched anew: `address` gives the whole page to a person, the part to a script.
export async function fetchPart(address, options = {}) {
  const headers = { "X-Shorty-Fragment": "1", ...options.headers };
  const answer = await fetch(address, { ...options, headers, redirect: "manual" });
  if (answer.type === "opaqueredirect") {
    location.reload(); // signed out meanwhile
    return new Promise(() => {});
  }
  return answer;
}

export function showScripted(root) {
  for (const each of root.querySelectorAll("[data-copy], [data-scripted]")) each.hidden = false;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button.dataset.copy);
});

document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.confirm ?? event.target.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && location.hash === "#menu") location.hash = "";
});

showScripted(document);
document.querySelector(".faulty input, .faulty select, .faulty textarea, [data-focus]")?.focus();
