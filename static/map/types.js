// The request type as a text field with a list below it (the combobox pattern of the ARIA practices). The select stays
// what the form is sent from; the list of all types is fetched when somebody first goes to the field.

const MOST_OPTIONS = 60;
const typeSelect = form.type;
let typeField, typeList, allTypes;

function offerTypes() {
  typeField = Object.assign(document.createElement("input"), { id: "type-field", autocomplete: "off", spellcheck: false });
  for (const [name, value] of [["role", "combobox"], ["aria-expanded", "false"], ["aria-controls", "type-list"], ["aria-autocomplete", "list"]]) {
    typeField.setAttribute(name, value);
  }
  typeList = Object.assign(document.createElement("div"), { id: "type-list", hidden: true });
  typeList.setAttribute("role", "listbox");
  typeList.tabIndex = -1; // it scrolls, and what scrolls would be a stop for the tabulator
  typeList.setAttribute("aria-label", "Request types");
  document.querySelector("label[for=type]").htmlFor = "type-field";
  typeSelect.after(typeField, typeList);
  typeSelect.hidden = true;
  chooseType(typeSelect.value);
  typeField.addEventListener("focus", () => typeField.select());
  typeField.addEventListener("click", openTypes);
  typeField.addEventListener("input", openTypes);
  typeField.addEventListener("blur", closeTypes);
  typeField.addEventListener("keydown", typeKey);
  typeList.addEventListener("pointerdown", (event) => {
    event.preventDefault(); // the field keeps the focus
    const option = event.target.closest("[role=option]");
    if (option) takeType(option.dataset.id);
  });
}

/** Shows a type in the field, and has the form send it. */
function chooseType(id) {
  if (![...typeSelect.options].some((option) => option.value === id)) {
    const [, label] = allTypes?.flatMap((group) => group.types).find(([known]) => known === id) ?? [];
    typeSelect.add(new Option(label ?? document.querySelector("h1").textContent, id));
  }
  typeSelect.value = id;
  typeField.value = chosenLabel();
}

function takeType(id) {
  closeTypes();
  chooseType(id);
  show(queryOf());
}

async function openTypes() {
  allTypes ??= await (await fetch("/types.json")).json();
  if (document.activeElement !== typeField) return;
  const words = typeField.value === chosenLabel() ? [] : typeField.value.toLowerCase().split(/\s+/).filter(Boolean);
  fillTypes(words);
  typeList.hidden = false;
  typeField.setAttribute("aria-expanded", "true");
}

/** The chosen type without its number of requests. */
const chosenLabel = () => typeSelect.selectedOptions[0].textContent.replace(/ \([\d,]+\)$/, "");

function closeTypes() {
  typeList.hidden = true;
  typeField.setAttribute("aria-expanded", "false");
  typeField.removeAttribute("aria-activedescendant");
  typeField.value = chosenLabel();
}

/** Lists the types that have all words in their name or division, by division; the most frequent ones of each. */
function fillTypes(words) {
  const matches = (text) => words.every((word) => text.toLowerCase().includes(word) || letters(text).includes(letters(word)));
  const groups = allTypes.map(({ division, types }) => ({ division, types: types.filter(([, label]) => matches(`${label} ${division}`)) }));
  const found = groups.flatMap((group) => group.types);
  const least = found.map(([, , requests]) => requests).sort((a, b) => b - a)[MOST_OPTIONS - 1] ?? 0;
  const parts = words.length ? [] : [optionOf(["", "All types"])];
  for (const { division, types } of groups) {
    const shown = types.filter(([, , requests]) => requests >= least);
    if (!shown.length) continue;
    const group = document.createElement("div");
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", division);
    group.append(Object.assign(document.createElement("span"), { className: "division", textContent: division, ariaHidden: "true" }));
    group.append(...shown.map(optionOf));
    parts.push(group);
  }
  typeList.replaceChildren(...parts);
  const more = found.length - typeList.querySelectorAll("[data-id]:not([data-id=''])").length;
  const note = !found.length ? "No request type has these words." : more > 0 ? `${more} rarer ones: type more letters.` : "";
  if (note) typeList.append(Object.assign(document.createElement("p"), { textContent: note }));
  if (!found.length) say(note);
  // What Enter takes.
  const [most] = found.toSorted(([, , a], [, , b]) => b - a);
  const options = [...typeList.querySelectorAll("[role=option]")];
  if (words.length && most) pointType(options, options.findIndex((option) => option.dataset.id === most[0]));
}

/** A text without what stands between its letters: "Pot hole" is found by "pothole". */
const letters = (text) => text.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, "");

function optionOf([id, label, requests]) {
  const option = document.createElement("div");
  option.id = `type-${id || "all"}`;
  option.dataset.id = id;
  option.setAttribute("role", "option");
  option.setAttribute("aria-selected", String(id === typeSelect.value));
  option.append(label);
  if (requests) option.append(Object.assign(document.createElement("span"), { className: "count", textContent: requests.toLocaleString("en-CA") }));
  return option;
}

function typeKey(event) {
  const options = [...typeList.querySelectorAll("[role=option]")];
  const at = options.findIndex((option) => option.id === typeField.getAttribute("aria-activedescendant"));
  const open = !typeList.hidden;
  if (event.key === "Escape" && open) closeTypes();
  else if (event.key === "Enter" && open) takeType((options[at] ?? options[0])?.dataset.id ?? typeSelect.value);
  else if (event.key === "ArrowDown" && !open) openTypes();
  else if (event.key === "ArrowDown") pointType(options, (at + 1) % options.length);
  else if (event.key === "ArrowUp" && open) pointType(options, at <= 0 ? -1 : at - 1);
  else return;
  event.preventDefault();
}

function pointType(options, at) {
  const option = options.at(at);
  if (!option) return;
  options.forEach((other) => other.classList.toggle("pointed", other === option));
  typeField.setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
}
