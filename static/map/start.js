document.documentElement.classList.add("enhanced");
enhance();
offerTypes();
offerSteps();
listenToHistogram();
listenToForm();
