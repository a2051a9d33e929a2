// Makes the page nicer to use; everything on it works without. The server's HTML is the only source of numbers: a
// changed filter fetches the page of the new view and takes its parts, so map, legend and table can't disagree.
"use strict";

(() => {
  const form = document.getElementById("filters");
  const single = () => form.from.value === form.to.value;
  let map, found, wasSingle = single(), pending;

  /** Puts the drawn map into Leaflet, which adds zooming and panning. */
  function enhance() {
    const box = document.getElementById("map");
    const svg = box.querySelector("svg");
    const [west, south, east, north] = box.dataset.bbox.split(",").map(Number);
    const bounds = L.latLngBounds([south, west], [north, east]);
    svg.querySelectorAll("title").forEach((title) => title.remove());
    svg.setAttribute("preserveAspectRatio", "none");
    // The wheel scrolls the page; on touch screens one finger does, and two move the map.
    map = L.map(box, {
      attributionControl: false,
      scrollWheelZoom: false,
      dragging: !L.Browser.mobile,
      zoomSnap: 0.25,
      maxZoom: 15,
      maxBounds: bounds.pad(0.5),
    });
    L.svgOverlay(svg, bounds, { interactive: true }).addTo(map);
    map.fitBounds(bounds, { padding: [8, 8] });
    const whole = map.getZoom();
    map.setMinZoom(whole - 0.5);
    const patterns = ownPatterns(svg);
    map.on("zoomend", () => keepSize(svg, patterns, 2 ** (whole - map.getZoom())));
    if (isSecureContext && navigator.geolocation) offerToFind();
    const tooltip = L.tooltip({ className: "area", direction: "top", offset: [0, -8] });
    const point = (event) => {
      const code = codeOf(event.target, "area-");
      activate(code);
      if (!code) return map.closeTooltip(tooltip);
      tooltip.setContent(describe(code)).setLatLng(map.mouseEventToLatLng(event)).openOn(map);
    };
    svg.addEventListener("pointermove", point);
    svg.addEventListener("click", (event) => {
      event.stopPropagation(); // Leaflet closes tooltips on a click, and this one is a tap that opens one
      point(event);
    });
    svg.addEventListener("pointerleave", (event) => {
      if (event.pointerType !== "mouse") return;
      activate();
      map.closeTooltip(tooltip);
    });
  }

  /** Gives the map copies of the patterns, which legend and table go on using as they are. */
  function ownPatterns(svg) {
    const isHatched = (path) => /^(u\d|no_data)$/.test(path.classList[0]);
    const hatched = [...svg.querySelectorAll(".areas path")].filter(isHatched);
    const fills = hatched.map((path) => getComputedStyle(path).fill);
    const copies = [...svg.querySelectorAll("pattern")].map((pattern) => {
      const copy = pattern.cloneNode(true);
      copy.id = `map-${pattern.id}`;
      pattern.after(copy);
      return [copy, pattern.getAttribute("patternTransform") ?? ""];
    });
    hatched.forEach((path, i) => (path.style.fill = fills[i].replace("#", "#map-")));
    return copies;
  }

  /** Numbers and hatching are marks on the map and not things in the city: they don't grow with it. */
  function keepSize(svg, patterns, scale) {
    svg.style.setProperty("--scale", scale);
    for (const [pattern, turned] of patterns) pattern.setAttribute("patternTransform", `${turned} scale(${scale})`);
  }

  const codeOf = (element, prefix) => {
    const found = element.closest(`[id^="${prefix}"]`);
    return found && found.id.slice(prefix.length);
  };

  const nameOf = (code) => document.getElementById(`row-${code}`).cells[1].textContent.trim();

  /** What the table says of an area. */
  function factsOf(code) {
    const [rank, , ...cells] = document.getElementById(`row-${code}`).cells;
    const heads = document.querySelectorAll("thead th");
    const numbers = cells.map((cell, i) => `${heads[i + 2].textContent}: ${cell.textContent}`);
    return [...numbers, /\d/.test(rank.textContent) ? `Rank ${rank.textContent} of ${ranked()}` : "Not ranked"];
  }

  function describe(code) {
    const box = document.createElement("div");
    box.append(Object.assign(document.createElement("strong"), { textContent: nameOf(code) }));
    for (const fact of factsOf(code)) box.append(fact, document.createElement("br"));
    return box;
  }

  const ranked = () => [...document.querySelectorAll("tbody tr")].filter((row) => /\d/.test(row.cells[0].textContent)).length;

  /** Marks an area on the map and in the table. */
  function activate(code) {
    if (code && document.getElementById(`area-${code}`).classList.contains("active")) return;
    document.querySelectorAll(".active").forEach((element) => element.classList.remove("active"));
    if (!code) return;
    const path = document.getElementById(`area-${code}`);
    path.classList.add("active");
    path.parentNode.append(path); // drawn last, so that the whole outline shows
    document.getElementById(`row-${code}`).classList.add("active");
  }

  /** By the set of areas that is shown: the member of what `locate` answers, and words for it. */
  const SETS = {
    wards: { member: "ward", word: "ward" },
    "wards-44": { member: "former_ward", word: "former ward" },
    fsas: { member: "fsa", word: "postal area" },
  };
  const shownSet = () => SETS[document.getElementById("map").dataset.set];

  /** Puts a button on the map that finds the area one is in. Nobody is asked for a position before it is pressed. */
  function offerToFind() {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "find" });
    button.textContent = `Find my ${shownSet().word}`;
    // What is seen; what is heard is the page's own live region.
    const unheard = { className: "found", ariaHidden: "true", hidden: true };
    const sentence = Object.assign(document.createElement("p"), unheard);
    button.addEventListener("click", async () => {
      if (button.ariaBusy) return;
      button.ariaBusy = "true";
      document.getElementById("said").textContent = sentence.textContent = await find();
      sentence.hidden = false;
      button.ariaBusy = null;
    });
    map.getContainer().after(button, sentence);
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
    const area = document.getElementById(`area-${code}`).getBoundingClientRect();
    const box = map.getContainer().getBoundingClientRect();
    const corner = (x, y) => map.containerPointToLatLng([x - box.left, y - box.top]);
    const bounds = L.latLngBounds(corner(area.left, area.bottom), corner(area.right, area.top));
    activate(code);
    found?.remove();
    found = L.circleMarker(place, { className: "here", pane: "markerPane", radius: 7, interactive: false }).addTo(map);
    map.fitBounds(bounds.pad(0.3), { animate: !matchMedia("(prefers-reduced-motion: reduce)").matches });
  }

  /** The address of what the form says; what is empty is left out, and the server leaves out the rest. */
  function address() {
    const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
    return `/?${query}`;
  }

  /** Shows the view of an address: the page is fetched and its parts put in place. */
  async function show(url, push) {
    pending?.abort();
    const { signal } = (pending = new AbortController());
    const view = document.getElementById("view");
    view.setAttribute("aria-busy", "true");
    try {
      const response = await fetch(url, { signal, headers: { accept: "text/html" } });
      if (!response.ok) return location.assign(url);
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      if (release(page) !== release(document)) return location.assign(url);
      take(page);
      if (push) history.pushState(null, "", response.url);
      shown = location.pathname + location.search;
    } catch (error) {
      if (error.name !== "AbortError") location.assign(url);
    }
  }

  const release = (page) => page.querySelector("footer.site").dataset.release;

  function take(page) {
    const focused = document.activeElement?.name;
    const [center, zoom, sameAreas] = [map.getCenter(), map.getZoom(), form.geo.value === shownGeography];
    map.remove();
    document.title = page.title;
    document.getElementById("view").replaceWith(page.getElementById("view"));
    document.querySelector("footer.site").replaceWith(page.querySelector("footer.site"));
    form.measure.replaceChildren(...page.querySelector("select[name=measure]").children);
    for (const select of page.querySelectorAll("#filters select")) form.elements[select.name].value = select.value;
    wasSingle = single();
    enhance();
    if (sameAreas) map.setView(center, zoom, { animate: false });
    shownGeography = form.geo.value;
    if (focused) form.elements[focused]?.focus();
    document.getElementById("said").textContent = document.querySelector("header.view").innerText;
  }

  /** A single month stays one, and a period never ends before it begins. */
  function keepPeriodWhole(changed) {
    const other = changed === form.from ? form.to : form.from;
    if (wasSingle || form.from.value > form.to.value) other.value = changed.value;
  }

  let shownGeography = form.geo.value;
  let shown = location.pathname + location.search;
  document.documentElement.classList.add("enhanced");
  enhance();
  document.addEventListener("change", (event) => {
    if (event.target.form !== form) return;
    if (event.target === form.from) keepPeriodWhole(event.target);
    if (event.target === form.to && form.from.value > form.to.value) form.from.value = form.to.value;
    show(address(), true);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show(address(), true);
  });
  addEventListener("popstate", () => {
    if (shown !== location.pathname + location.search) show(location.href, false);
  });
  document.addEventListener("pointerover", (event) => {
    const code = event.target.closest?.("tbody tr") && codeOf(event.target, "row-");
    if (code) activate(code);
  });
})();
