// From one view to another without leaving the page: the values of the new view are fetched, about a kilobyte, and
// painted onto what is there. Other areas need other shapes, and come with their page.

let pending;
let shown = location.pathname + location.search;

/** The query that the form says; what is empty is left out, and the server leaves out the rest. */
function queryOf(changes = {}) {
  const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
  if (selected() && form.geo.value === geography) query.set("area", selected());
  const pinned = new URLSearchParams(location.search).get("release");
  if (pinned) query.set("release", pinned);
  for (const [name, value] of Object.entries(changes)) value ? query.set(name, value) : query.delete(name);
  return query;
}

let geography = form.geo.value;

/** Shows the view of a query. */
async function show(query, { push = true, announce = true } = {}) {
  pending?.abort();
  const { signal } = (pending = new AbortController());
  const view = byId("view");
  view.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(`/values?${query}`, { signal });
    if (response.status === 400) return refuse(await response.text());
    if (!response.ok) return location.assign(`/?${query}`);
    const values = await response.json();
    if (values.release !== release(document)) return location.assign(`/?${query}`);
    const address = `/${values.query && "?"}${values.query}`;
    if (values.set === byId("map").dataset.set) paint(values);
    else {
      await leaflet;
      take(await pageOf(address, signal), values);
    }
    if (push && address !== location.pathname + location.search) history.pushState(null, "", address);
    shown = address;
    view.removeAttribute("aria-busy");
    // Not its `innerText`, for which the page would have to be laid out first.
    if (announce) say([...byId("header").children].map((part) => part.textContent).join(". "));
  } catch (error) {
    if (error.name !== "AbortError") location.assign(`/?${query}`);
  }
}

/** Goes back to what is shown, and says why a choice can't be, in the words of the page of errors. */
async function refuse(page) {
  await show(shown.split("?")[1] ?? "", { push: false, announce: false });
  const notice = Object.assign(document.createElement("div"), { className: "warning" });
  notice.append(...new DOMParser().parseFromString(page, "text/html").querySelector("main .why").children);
  byId("header").append(notice);
  say(notice.innerText);
}

const release = (page) => page.querySelector("footer.site").dataset.release;

async function pageOf(address, signal) {
  const response = await fetch(address, { signal, headers: { accept: "text/html" } });
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

/** Puts the values of a view onto the page. */
function paint(values) {
  const focused = document.activeElement?.name;
  document.title = `${values.title} · Toronto 311`;
  byId("header").innerHTML = values.header;
  byId("legend").innerHTML = values.legend;
  byId("table").dataset.unit = values.unit;
  document.querySelector("#table caption").textContent = values.title;
  paintHeads(values.columns);
  document.querySelector("#table tbody").append(...values.rows.map(paintRow));
  paintControls(values);
  // What had the focus may have been replaced by another of its name.
  if (focused && document.activeElement === document.body) form.elements[focused]?.focus();
}

function paintHeads(columns) {
  const heads = columns.map((text, i) => Object.assign(document.createElement("th"), { scope: "col", textContent: text, className: i > 1 ? "n" : "" }));
  document.querySelector("#table thead tr").replaceChildren(...heads);
}

/** Paints an area on the map and in the table, and returns its row. */
function paintRow([code, rank, name, numbers]) {
  const [path, row] = [pathOf(code), rowOf(code)];
  draw(path, name);
  const [first, area, ...cells] = row.children;
  first.firstChild.data = rank;
  area.querySelector("rect").setAttribute("class", name);
  cells.splice(numbers.length).forEach((cell) => cell.remove());
  numbers.forEach((text, i) => (cells[i] ? (cells[i].firstChild.data = text) : row.append(numberCell(text))));
  return row;
}

const numberCell = (text) => Object.assign(document.createElement("td"), { className: "n", textContent: text });

function paintControls({ controls, measures, bars, chosen, query }) {
  const words = ({ options }) => [...options].map(({ text }) => text).join();
  if (words(form.measure) !== measures.map(([, text]) => text).join()) {
    form.measure.replaceChildren(...measures.map(([value, text]) => new Option(text, value)));
  }
  for (const [name, value] of controls) {
    if (name === "area") mark(value);
    else if (name === "type") chooseType(value);
    else form.elements[name].value = value;
  }
  geography = form.geo.value;
  wasSingle = single();
  paintHistogram(bars, chosen);
  paintSteps();
  document.querySelectorAll("a[data-path]").forEach((link) => (link.href = link.dataset.path + asQuery(query, link.dataset.pinned)));
  paintSnippet(query);
}

/** A query with its question mark, pinned to a release if one is given. */
function asQuery(query, release) {
  const pinned = release && !query.includes("release=") ? [query, `release=${release}`].filter(Boolean).join("&") : query;
  return pinned && `?${pinned}`;
}

/** The HTML that puts this map into another page. */
function paintSnippet(query) {
  const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
  const put = (html, name, value) => html.replace(new RegExp(`${name}="[^"]*"`), () => `${name}="${escaped(value)}"`);
  const title = document.title.replace(/ · [^·]*$/, "");
  byId("snippet").value = put(put(byId("snippet").value, "src", `${location.origin}/embed${asQuery(query)}`), "title", title);
}

/** Shows which area the address points out. */
function mark(code) {
  document.querySelectorAll(".selected").forEach((element) => element.classList.remove("selected"));
  if (!code) return;
  pathOf(code).classList.add("selected");
  rowOf(code).classList.add("selected");
}

/** Points an area out in the address; one that was already, no longer. */
function select(code) {
  show(queryOf({ area: code === selected() ? "" : code }), { announce: false });
}

/** Takes the parts of another page, for other areas. */
function take(page, values) {
  map.remove();
  for (const id of ["map", "table"]) byId(id).replaceWith(page.getElementById(id));
  document.querySelectorAll(".find, .found").forEach((element) => element.remove());
  enhance();
  paint(values);
}

const single = () => form.from.value === form.to.value;
let wasSingle = single();

/** A single month stays one, and a period never ends before it begins. */
function keepPeriodWhole(changed) {
  const other = changed === form.from ? form.to : form.from;
  if ((changed === form.from && wasSingle) || form.from.value > form.to.value) other.value = changed.value;
}

function listenToForm() {
  document.addEventListener("change", (event) => {
    if (event.target.form !== form || !event.target.name) return;
    if (event.target === form.from || event.target === form.to) keepPeriodWhole(event.target);
    show(queryOf());
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show(queryOf());
  });
  addEventListener("popstate", () => {
    if (shown !== location.pathname + location.search) show(location.search.slice(1), { push: false });
  });
  document.addEventListener("pointerover", (event) => {
    const code = event.target.closest?.("#table tbody tr") && codeOf(event.target, "row-");
    if (code) activate(code);
  });
}
