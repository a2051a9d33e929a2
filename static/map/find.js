// "Find my ward": a button on the map. Nobody is asked for a position before it is pressed.

/** By the set of areas that is shown: the member of what `locate` answers, and words for it. */
const SETS = {
  wards: { member: "ward", word: "ward" },
  "wards-44": { member: "former_ward", word: "former ward" },
  fsas: { member: "fsa", word: "postal area" },
};
const shownSet = () => SETS[byId("map").dataset.set];

let here;

function offerToFind() {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "find" });
  button.textContent = `Find my ${shownSet().word}`;
  // What is seen; what is heard is the page's own live region.
  const unheard = { className: "found", ariaHidden: "true", hidden: true };
  const sentence = Object.assign(document.createElement("p"), unheard);
  button.addEventListener("click", async () => {
    if (button.ariaBusy) return;
    button.ariaBusy = "true";
    sentence.textContent = await find();
    say(sentence.textContent);
    sentence.hidden = false;
    button.ariaBusy = null;
  });
  L.DomEvent.disableClickPropagation(button);
  map.getContainer().append(button);
  map.getContainer().after(sentence);
}

/** Shows the area one is in, and says which it is, or why that can't be said. */
async function find() {
  const asked = { timeout: 10_000, maximumAge: 60_000 };
  try {
    const { coords } = await new Promise((take, fail) => navigator.geolocation.getCurrentPosition(take, fail, asked));
    const [lat, lon] = [coords.latitude.toFixed(5), coords.longitude.toFixed(5)];
    const response = await fetch(`/api/v1/locate?lat=${lat}&lon=${lon}`);
    if (!response.ok) throw new Error(response.statusText);
    const [answer, { member, word }] = [await response.json(), shownSet()];
    if (!answer.in_city) return "You are outside the City of Toronto.";
    if (!answer[member]) return `You are in Toronto, but in no ${word}.`;
    const { code } = answer[member];
    showArea(code, [lat, lon]);
    const km = (coords.accuracy / 1000).toFixed(1);
    const roughly = coords.accuracy > 500 ? ` Your position is known to ${km} km only.` : "";
    return `You are in ${word} ${nameOf(code)}. ${factsOf(code).join(". ")}.${roughly}`;
  } catch (error) {
    return error.code === 1
      ? "Your browser keeps your position to itself. The map and the table name all areas."
      : "Your position could not be found. The map and the table name all areas.";
  }
}

/** Marks an area and a place in it, and moves the map there. */
function showArea(code, place) {
  const bounds = boundsOf(code);
  activate(code);
  here?.remove();
  here = L.circleMarker(place, { className: "here", pane: "markerPane", radius: 7, interactive: false }).addTo(map);
  map.fitBounds(bounds.pad(0.3), { animate: !calm() });
}

/** Whether somebody asked for less movement. */
const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
