// One address of each template, and of each where it looks unlike itself.
export const PAGES = [
  "/",
  "/?geo=fsa&measure=change&area=M5V",
  "/wards/13-toronto-centre",
  "/fsas/M5V",
  "/wards/13/2025-11",
  "/types",
  "/types/road-pothole-road-damage",
  "/months",
  "/search?q=york",
  "/search?q=nothing%20at%20all",
  "/data",
  "/status",
  "/api",
  "/embed?geo=fsa",
  "/nothing",
];
