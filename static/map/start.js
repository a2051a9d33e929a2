document.documentElement.classList.add("enhanced");
leaflet.then(enhance);
offerTypes();
offerSteps();
listenToHistogram();
listenToForm();
paintSnippet(byId("view").dataset.query);
byId("snippet").addEventListener("focus", (event) => event.target.select());
