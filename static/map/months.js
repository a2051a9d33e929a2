// Months: the histogram to choose them from, buttons that step, and the map as a film.

/** Between two frames of the film. */
const FRAME_MS = 900;
/** How many months it starts before the last. */
const FILM_MONTHS = 12;

const histogram = byId("histogram");
let playing;

/** The bars as `Histogram::path` of the server draws them. */
function paintHistogram(bars, [first, many]) {
  histogram.querySelector(".bars").setAttribute("d", bars.map((height, i) => `M${i * 4} 40v-${height}h3v${height}z`).join(""));
  paintRange(first, many);
}

function paintRange(first, many) {
  const range = histogram.querySelector(".range");
  range.setAttribute("x", first * 4);
  range.setAttribute("width", many * 4 - 1);
}

/** Months as numbers, as the histogram counts them. */
const indexOf = (month) => month.slice(0, 4) * 12 + Number(month.slice(5)) - 1;
const monthOf = (index) => `${Math.floor(index / 12)}-${String((index % 12) + 1).padStart(2, "0")}`;

/** The months that there are, in order. */
const known = () => [...form.from.options].map((option) => option.value).sort();

/** Chooses months by drawing over them. */
function listenToHistogram() {
  const first = indexOf(histogram.dataset.first);
  const [, , width] = histogram.getAttribute("viewBox").split(" ").map(Number);
  const at = (event) => {
    const { left, width: pixels } = histogram.getBoundingClientRect();
    const bar = Math.floor(((event.clientX - left) / pixels) * (width / 4));
    return Math.max(0, Math.min(Math.round((width + 1) / 4) - 1, bar));
  };
  let start;
  const range = (event) => [Math.min(start, at(event)), Math.max(start, at(event))];
  histogram.addEventListener("pointerdown", (event) => {
    start = at(event);
    histogram.setPointerCapture(event.pointerId);
    paintRange(start, 1);
  });
  histogram.addEventListener("pointermove", (event) => {
    if (start === undefined) return;
    const [from, to] = range(event);
    paintRange(from, to - from + 1);
  });
  // A finger that scrolls the page has chosen nothing.
  histogram.addEventListener("pointercancel", () => {
    start = undefined;
    const [from, to] = [indexOf(form.from.value) - first, indexOf(form.to.value) - first];
    paintRange(from, to - from + 1);
  });
  histogram.addEventListener("pointerup", (event) => {
    if (start === undefined) return;
    const [from, to] = range(event).map((index) => monthOf(first + index));
    start = undefined;
    const months = known().filter((month) => from <= month && month <= to);
    if (months.length) choosePeriod(months[0], months.at(-1));
    else show(queryOf(), { announce: false });
  });
}

function choosePeriod(from, to, options) {
  [form.from.value, form.to.value] = [from, to];
  return show(queryOf(), options);
}

/** The known months before or after the chosen ones, as many as these; none where there are too few. */
function beside(direction) {
  const months = known();
  const [from, to] = [months.indexOf(form.from.value), months.indexOf(form.to.value)];
  const by = direction * (to - from + 1);
  return months[from + by] && months[to + by] && [months[from + by], months[to + by]];
}

function step(direction) {
  const period = beside(direction);
  if (period) choosePeriod(...period);
}

/** Says at which end there is nothing to step to. */
function paintSteps() {
  byId("earlier").ariaDisabled = String(!beside(-1));
  byId("later").ariaDisabled = String(!beside(1));
}

/** Shows the months up to the chosen one, one after the other; the address changes at the end only. */
async function play(button) {
  const [months, chosen] = [known(), [form.from.value, form.to.value]];
  const last = months.indexOf(form.to.value);
  const film = (playing = months.slice(Math.max(0, last - FILM_MONTHS + 1), last + 1));
  button.textContent = "Pause";
  for (const month of film) {
    await choosePeriod(month, month, { push: false, announce: false });
    await new Promise((next) => setTimeout(next, FRAME_MS));
    if (playing !== film) break;
  }
  if (playing === film) pause(button, chosen);
}

/** Stays at the month that is shown, or at a period. */
function pause(button, period = [form.from.value, form.to.value]) {
  playing = undefined;
  button.textContent = "Play";
  choosePeriod(...period);
}

function offerSteps() {
  const button = (textContent, press, more) => {
    const made = Object.assign(document.createElement("button"), { type: "button", textContent, ...more });
    made.addEventListener("click", () => press(made));
    return made;
  };
  const steps = Object.assign(document.createElement("div"), { className: "steps" });
  steps.append(
    button("‹", () => step(-1), { id: "earlier", ariaLabel: "Earlier months" }),
    button("›", () => step(1), { id: "later", ariaLabel: "Later months" }),
  );
  // Nobody who asked for less movement is offered a film.
  if (!calm()) steps.append(button("Play", (made) => (playing ? pause(made) : play(made))));
  histogram.after(steps);
  paintSteps();
}
