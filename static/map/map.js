// The drawn map in Leaflet, which adds zooming and panning, and its use by pointer and keyboard.

let map;

/** Leaflet, fetched once the page has been seen, which is complete without. */
const leaflet = new Promise((loaded) => {
  const { script, style } = document.currentScript.dataset;
  new PerformanceObserver((_, observer) => {
    observer.disconnect();
    loaded(Promise.all([addToHead("link", { rel: "stylesheet", href: style }), addToHead("script", { src: script })]));
  }).observe({ type: "paint", buffered: true });
}).then(() => new Promise((next) => setTimeout(next))); // a slow phone can take a tap between Leaflet and its use

/** Puts an element into the head, before our own style sheet, which changes some of Leaflet's. */
function addToHead(name, attributes) {
  return new Promise((onload) => document.head.prepend(Object.assign(document.createElement(name), { ...attributes, onload })));
}

/** Puts the drawn map into Leaflet. */
function enhance() {
  const box = byId("map");
  const svg = box.querySelector("svg");
  const [west, south, east, north] = box.dataset.bbox.split(",").map(Number);
  const bounds = L.latLngBounds([south, west], [north, east]);
  svg.setAttribute("preserveAspectRatio", "none");
  // The wheel scrolls the page; on touch screens one finger does, and two move the map.
  map = L.map(box, {
    attributionControl: false,
    scrollWheelZoom: false,
    keyboard: false, // the arrow keys go from area to area
    dragging: !L.Browser.mobile,
    zoomSnap: 0.25,
    maxZoom: 15,
    maxBounds: bounds.pad(0.5),
  });
  L.svgOverlay(svg, bounds, { interactive: true }).addTo(map);
  map.fitBounds(bounds, { padding: [8, 8] });
  const whole = map.getZoom();
  map.setMinZoom(whole - 0.5);
  copyPatterns(svg);
  const copies = [...svg.querySelectorAll("pattern[id^=map-]")].map((copy) => [copy, copy.getAttribute("patternTransform") ?? ""]);
  map.on("zoomend", () => keepSize(svg, copies, 2 ** (whole - map.getZoom())));
  if (isSecureContext && navigator.geolocation) offerToFind();
  listenToPointer(svg);
  listenToKeys(svg);
}

/** Gives the map copies of the patterns, which legend and table go on using as they are. */
function copyPatterns(svg) {
  for (const pattern of svg.querySelectorAll("pattern")) {
    const copy = pattern.cloneNode(true);
    copy.id = `map-${pattern.id}`;
    pattern.after(copy);
  }
  svg.querySelectorAll(".areas path").forEach((path) => draw(path, path.classList[0]));
}

/** Draws an area as a class of the style sheet says; hatched ones with the map's own patterns. */
function draw(path, name) {
  path.classList.replace(path.classList[0], name);
  const pattern = /^h[cd]\d$/.test(name) ? name : name === "no_data" && "dots";
  path.style.fill = map && pattern ? `url(#map-${pattern})` : "";
}

/** Numbers and hatching are marks on the map and not things in the city: they don't grow with it. */
function keepSize(svg, patterns, scale) {
  svg.style.setProperty("--scale", scale);
  for (const [pattern, turned] of patterns) pattern.setAttribute("patternTransform", `${turned} scale(${scale})`);
}

function listenToPointer(svg) {
  const tooltip = L.tooltip({ className: "area" });
  const point = (event) => {
    const code = codeOf(event.target, "area-");
    activate(code);
    if (!code) return map.closeTooltip(tooltip);
    const isLow = map.mouseEventToContainerPoint(event).y > map.getSize().y / 2;
    Object.assign(tooltip.options, isLow ? { direction: "top", offset: [0, -8] } : { direction: "bottom", offset: [0, 20] });
    tooltip.setContent(describe(code)).setLatLng(map.mouseEventToLatLng(event)).openOn(map);
  };
  svg.addEventListener("pointermove", point);
  svg.addEventListener("click", (event) => {
    event.stopPropagation(); // Leaflet closes tooltips on a click, and this one is a tap that opens one
    point(event);
    const code = codeOf(event.target, "area-");
    if (code) select(code);
  });
  svg.addEventListener("pointerleave", (event) => {
    if (event.pointerType !== "mouse") return;
    activate();
    map.closeTooltip(tooltip);
  });
}

function describe(code) {
  const box = document.createElement("div");
  box.append(Object.assign(document.createElement("strong"), { textContent: nameOf(code) }));
  for (const fact of factsOf(code)) box.append(fact, document.createElement("br"));
  return box;
}

/** By key: the direction to go, right and down being positive. */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** One stop for the tabulator; the arrow keys go from area to area, and each is said. */
function listenToKeys(svg) {
  const word = byId("table").dataset.word;
  svg.setAttribute("tabindex", "0");
  svg.setAttribute("role", "application");
  svg.setAttribute("aria-roledescription", "map");
  svg.setAttribute("aria-label", `Map by ${word}. Arrow keys go to the next one, Home and End to the highest and lowest, Enter chooses.`);
  svg.addEventListener("focus", () => svg.matches(":focus-visible") && goTo(active() ?? selected() ?? firstCode()));
  svg.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const from = active() ?? firstCode();
    if (event.key in ARROWS) goTo(neighbour(from, ARROWS[event.key]));
    else if (event.key === "Home") goTo(firstCode());
    else if (event.key === "End") goTo(codeOf(rows().at(-1), "row-"));
    else if (event.key === "Enter" || event.key === " ") select(from);
    else if (event.key === "Escape") activate();
    else if (event.key === "+") map.zoomIn();
    else if (event.key === "-") map.zoomOut();
    else return;
    event.preventDefault();
  });
}

const firstCode = () => codeOf(rows()[0], "row-");

/** Goes to an area by keyboard: it is marked, said, and in sight. */
function goTo(code) {
  activate(code);
  say(sentenceOf(code));
  map.panInside(centreOf(code), { padding: [60, 60], animate: false });
  const table = byId("table");
  // Where it has no scroll box of its own, the page would scroll away from the map.
  if (table.scrollHeight > table.clientHeight) rowOf(code).scrollIntoView({ block: "nearest" });
}

/** The nearest area in a direction; the same where there is none. */
function neighbour(code, [right, down]) {
  const middle = (of) => {
    const { x, y, width, height } = pathOf(of).getBBox();
    return [x + width / 2, y + height / 2];
  };
  const [x, y] = middle(code);
  const distance = (other) => {
    const [dx, dy] = [middle(other)[0] - x, middle(other)[1] - y];
    const [along, aside] = [dx * right + dy * down, Math.abs(dx * down) + Math.abs(dy * right)];
    return along > aside / 2 ? along + 2 * aside : Infinity;
  };
  const others = rows().map((row) => codeOf(row, "row-")).filter((other) => other !== code);
  const nearest = others.reduce((best, other) => (distance(other) < distance(best) ? other : best));
  return distance(nearest) === Infinity ? code : nearest;
}

/** A place on the screen as one on the map. */
function placeOf(x, y) {
  const box = map.getContainer().getBoundingClientRect();
  return map.containerPointToLatLng([x - box.left, y - box.top]);
}

function boundsOf(code) {
  const { left, right, top, bottom } = pathOf(code).getBoundingClientRect();
  return L.latLngBounds(placeOf(left, bottom), placeOf(right, top));
}

const centreOf = (code) => boundsOf(code).getCenter();
