// Questions before an action that cannot easily be undone, in a dialog of the page's own.
// A form asks by a field or button named "confirm_question"; without scripts, the server asks the
// same on a page in between.

const QUESTION = "confirm_question";
const SURE = "confirmed";

const dialog = document.getElementById("confirm");
const [cancel, go] = dialog.querySelectorAll("button");

// As `confirmation.split_question` on the server.
function split(question) {
  const place = question.endsWith("?") ? -1 : question.lastIndexOf("? ");
  return place < 0 ? [question, ""] : [question.slice(0, place + 1), question.slice(place + 2)];
}

// Resolves to whether somebody agreed. `label` is what the button says that agrees.
export function ask(question, label = "") {
  const [title, more] = split(question);
  document.getElementById("confirm-title").textContent = title;
  document.getElementById("confirm-more").textContent = more;
  document.getElementById("confirm-more").hidden = !more;
  go.textContent = label || title.replace(/\?$/, "");
  const opener = document.activeElement;
  dialog.returnValue = "";
  dialog.showModal();
  cancel.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === SURE);
      giveFocusBack(opener);
    }, { once: true });
  });
}

// The dialog does so itself, but not where what opened it was in a menu that has closed meanwhile.
function giveFocusBack(opener) {
  const isShown = opener.checkVisibility?.() ?? true;
  const place = isShown ? opener : opener.closest("details")?.querySelector("summary");
  place?.focus({ preventScroll: true });
}

cancel.addEventListener("click", () => dialog.close(""));
go.addEventListener("click", () => dialog.close(SURE));

async function askFirst(form, submitter, question) {
  if (!(await ask(question, submitter?.textContent.trim()))) return;
  const sure = document.createElement("input");
  Object.assign(sure, { type: "hidden", name: SURE, value: "1" });
  form.append(sure);
  form.requestSubmit(submitter);
  sure.remove(); // sent already; a page that is come back to asks again
}

// Before every other listener: they are only to see what is really sent.
document.addEventListener("submit", (event) => {
  const form = event.target;
  const submitter = event.submitter;
  const field = submitter?.name === QUESTION ? submitter : form.elements[QUESTION];
  if (!field || field.disabled || form.elements[SURE]) return;
  if (field !== submitter && field.type !== "hidden") return;
  event.preventDefault();
  event.stopImmediatePropagation();
  askFirst(form, submitter, field.value);
}, { capture: true });
