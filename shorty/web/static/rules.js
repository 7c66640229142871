// The rules of a link: moved without a reload, and the form of one grows and shrinks in place.
import { fetchPart, say, showScripted } from "./base.js";
import { makeSortable } from "./order.js";

const list = document.getElementById("rules");
if (list) makeSortable(list);

const find = () => document.getElementById("rule-form");
const write = (form) => new URLSearchParams(new FormData(form)).toString();
let before = "";
let isSent = false;

// ---- Another row, or one less: the server draws the form again ------------------

document.addEventListener("submit", (event) => {
  if (event.target !== find()) return;
  if (event.submitter?.name !== "step") {
    isSent = true;
    return;
  }
  event.preventDefault();
  redraw(event.target, event.submitter);
});

async function redraw(form, button) {
  const body = new URLSearchParams(new FormData(form, button));
  const answer = await fetchPart(form.action, { method: "POST", body });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("rule-form");
  if (!answer.ok || !fresh) {
    say("That did not work. Reload the page.");
    return;
  }
  const kept = readNames(form);
  form.replaceWith(fresh);
  showScripted(fresh);
  focusOn(fresh, kept, button.value);
}

const readNames = (form) => new Set([...form.elements].map((each) => each.name));

// The first field of a new row; where one went, the button that adds another.
function focusOn(form, kept, step) {
  const added = [...form.elements].filter(
    (each) => each.name && each.type !== "hidden" && !kept.has(each.name) && !/^c\d+-not$|^v\d+-(key|weight)$/.test(each.name),
  )[0];
  const adder = form.querySelector(step.startsWith("drop-v") ? "[value=variant]" : "[value=condition]");
  (added ?? adder ?? form.querySelector("button.primary"))?.focus();
}

// ---- What is chosen goes into the list beside it --------------------------------

document.addEventListener("change", (event) => {
  const adds = event.target.dataset.adds;
  if (!adds || !event.target.value) return;
  const field = document.getElementById(adds);
  const names = field.value.split(",").map((name) => name.trim()).filter(Boolean);
  if (!names.includes(event.target.value)) names.push(event.target.value);
  field.value = names.join(", ");
  event.target.value = "";
  say(field.value);
});

// ---- The simulator answers in place ---------------------------------------------

document.addEventListener("submit", (event) => {
  if (event.target.id !== "trial") return;
  event.preventDefault();
  tryRules(event.target);
});

async function tryRules(form) {
  const address = `${form.action.split("#")[0]}?${new URLSearchParams(new FormData(form))}`;
  const answer = await fetchPart(address);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const [old, fresh] = [document, page].map((each) => each.getElementById("try"));
  if (!answer.ok || !fresh) {
    say("That did not work. Reload the page.");
    return;
  }
  const isFaulty = [old, fresh].some((each) => each.querySelector(".faulty"));
  // The result alone is put in where it can be: a live region is read out only if it stays.
  const part = isFaulty ? "#trial" : "#trial-result";
  if (isFaulty) old.querySelector("#trial-result").replaceChildren();
  old.querySelector(part).replaceChildren(...fresh.querySelector(part).childNodes);
  if (isFaulty) old.querySelector(".faulty input, .faulty select, button").focus();
  if (isFaulty) old.querySelector("#trial-result").replaceChildren(...fresh.querySelector("#trial-result").childNodes);
  history.replaceState(null, "", `${address}#try`);
}

// ---- Nothing typed is lost by accident -------------------------------------------

if (find()) before = find().hasAttribute("data-under-way") ? "" : write(find());
addEventListener("beforeunload", (event) => {
  if (!isSent && find() && write(find()) !== before) event.preventDefault();
});
