// The values of a chart at pointing, at tapping and with the arrow keys. The cursor over the drawing
// is a slider from interval to interval, so that screen readers announce each. Without this, the
// drawing's titles and the table behind it have the same values.

const LEAP = 7;
const NARROW = 440; // a chart of fewer pixels has its box above it, not beside the finger
const GAP = 12;
const LINES = ["clicks", "visitors", "before"]; // in the order of the table's columns

function prepare(cursor) {
  const stage = cursor.parentElement;
  const figure = cursor.closest("figure");
  const tip = stage.querySelector(".tip");
  const spots = [...stage.querySelectorAll(".spot")];
  const names = [...figure.querySelectorAll("thead th")].map((each) => each.textContent);
  const rows = [...figure.querySelectorAll("tbody tr")];
  const texts = spots.map((each) => {
    const title = each.querySelector("title");
    title.remove(); // the browser would show it beside ours
    return title.textContent;
  });
  let current = spots.length - 1;

  function show(index) {
    spots[current].classList.remove("shown");
    current = Math.max(0, Math.min(index, spots.length - 1));
    spots[current].classList.add("shown");
    cursor.setAttribute("aria-valuenow", current + 1);
    cursor.setAttribute("aria-valuetext", texts[current]);
    fill(tip, names, rows[current]);
    tip.hidden = false;
    place(tip, stage, ((current + 0.5) / spots.length) * stage.clientWidth);
  }

  function hide() {
    spots[current].classList.remove("shown");
    tip.hidden = true;
  }

  function showAt(event) {
    const { left, width } = stage.getBoundingClientRect();
    show(Math.floor(((event.clientX - left) / width) * spots.length));
  }

  const moves = {
    ArrowLeft: () => current - 1,
    ArrowDown: () => current - 1,
    ArrowRight: () => current + 1,
    ArrowUp: () => current + 1,
    PageDown: () => current - LEAP,
    PageUp: () => current + LEAP,
    Home: () => 0,
    End: () => spots.length - 1,
  };

  cursor.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Escape") hide();
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    show(move());
  });
  cursor.addEventListener("focus", () => {
    if (cursor.matches(":focus-visible")) show(current);
  });
  cursor.addEventListener("blur", hide);
  cursor.addEventListener("pointerdown", showAt);
  cursor.addEventListener("pointermove", showAt);
  cursor.addEventListener("pointerleave", (event) => {
    // A finger that is lifted leaves too; what it tapped stays until it taps elsewhere.
    if (event.pointerType === "mouse" && !cursor.matches(":focus-visible")) hide();
  });
  cursor.hidden = false;
}

function fill(tip, names, row) {
  const [title, ...values] = [...row.cells].map((cell) => cell.textContent);
  const head = document.createElement("p");
  head.textContent = title;
  const drawn = LINES.filter((each) => document.querySelector(`.legend .line.${each}`));
  const lines = values.map((value, index) => {
    const line = document.createElement("p");
    const key = document.querySelector(`.legend .line.${drawn[index]}`).closest("svg").cloneNode(true);
    const number = document.createElement("b");
    number.textContent = value;
    line.append(key, names[index + 1], number);
    return line;
  });
  tip.replaceChildren(head, ...lines);
}

function place(tip, stage, across) {
  const width = stage.clientWidth;
  const own = tip.offsetWidth;
  const first = stage.parentElement.getBoundingClientRect().left - stage.getBoundingClientRect().left;
  const isNarrow = width < NARROW;
  tip.classList.toggle("above", isNarrow);
  let left = isNarrow ? across - own / 2 : across + GAP;
  if (!isNarrow && left + own > width) left = across - GAP - own;
  tip.style.left = `${Math.max(first, Math.min(left, width - own))}px`;
}

// Also of charts that come later than the page.
function prepareAll() {
  for (const cursor of document.querySelectorAll(".cursor[hidden]")) prepare(cursor);
}

new MutationObserver(prepareAll).observe(document.getElementById("main"), { childList: true, subtree: true });
prepareAll();
