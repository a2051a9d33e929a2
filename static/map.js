// Makes the page nicer to use; everything on it works without. The server's HTML is the only source of numbers: a changed
// filter fetches the page of the new view and takes its parts, so map, legend and table can't disagree.
"use strict";

(() => {
  const form = document.getElementById("filters");
  const single = () => form.from.value === form.to.value;
  let map, wasSingle = single(), pending;

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
    map.setMinZoom(map.getZoom() - 0.5);
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

  const codeOf = (element, prefix) => {
    const found = element.closest(`[id^="${prefix}"]`);
    return found && found.id.slice(prefix.length);
  };

  /** What the table says of an area. */
  function describe(code) {
    const row = document.getElementById(`row-${code}`);
    const heads = document.querySelectorAll("thead th");
    const box = document.createElement("div");
    box.append(Object.assign(document.createElement("strong"), { textContent: row.cells[1].textContent.trim() }));
    [...row.cells].slice(2).forEach((cell, i) => {
      box.append(`${heads[i + 2].textContent}: ${cell.textContent}`, document.createElement("br"));
    });
    box.append(/\d/.test(row.cells[0].textContent) ? `Rank ${row.cells[0].textContent} of ${ranked()}` : "Not ranked");
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
