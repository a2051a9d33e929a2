// Areas as the page has them: a path on the map, a row in the table. The server's numbers are read from the table, so
// map, sentence and table can't disagree.

const form = document.getElementById("filters");
const byId = (id) => document.getElementById(id);
const pathOf = (code) => byId(`area-${code}`);
const rowOf = (code) => byId(`row-${code}`);
const rows = () => [...document.querySelectorAll("#table tbody tr")];
const say = (text) => (byId("said").textContent = text);

/** The code of the area that an element belongs to; the prefix is that of its id: `area-` or `row-`. */
function codeOf(element, prefix) {
  const found = element.closest?.(`[id^="${prefix}"]`);
  return found && found.id.slice(prefix.length);
}

const nameOf = (code) => rowOf(code).cells[1].textContent.trim();

/** What the table says of an area, a phrase a column. */
function factsOf(code) {
  const [rank, , ...cells] = rowOf(code).cells;
  const heads = document.querySelectorAll("#table thead th");
  const numbers = cells.map((cell, i) => `${heads[i + 2].textContent}: ${cell.textContent}`);
  return [...numbers, /\d/.test(rank.textContent) ? `Rank ${rank.textContent} of ${ranked()}` : "Not ranked"];
}

const ranked = () => rows().filter((row) => /\d/.test(row.cells[0].textContent)).length;

/** `1st`, `2nd`, `3rd`, `4th`: English has four forms. */
function ordinal(n) {
  const suffixes = { one: "st", two: "nd", few: "rd", other: "th" };
  return n + suffixes[new Intl.PluralRules("en-CA", { type: "ordinal" }).select(n)];
}

/** An area in a sentence: `Ward 13 Toronto Centre: 41.2 per 1,000 residents, 3rd of 25`. */
function sentenceOf(code) {
  const { word, unit } = byId("table").dataset;
  const [rank, , value] = rowOf(code).cells;
  const place = /\d/.test(rank.textContent) ? `${ordinal(Number(rank.textContent))} of ${ranked()}` : "not ranked";
  return `${word} ${nameOf(code)}: ${value.textContent} ${unit}, ${place}`;
}

/** Marks an area on the map and in the table; without a code, none. */
function activate(code) {
  if (code && pathOf(code).classList.contains("active")) return;
  document.querySelectorAll(".active").forEach((element) => element.classList.remove("active"));
  if (!code) return;
  const path = pathOf(code);
  path.classList.add("active");
  path.parentNode.append(path); // drawn last, so that the whole outline shows
  rowOf(code).classList.add("active");
}

const active = () => codeOf(document.querySelector(".areas .active") ?? form, "area-");

/** The area that the address points out. */
const selected = () => codeOf(document.querySelector(".areas .selected") ?? form, "area-");
