// Every page as a person may meet it: two widths, two languages, light and dark.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Visit } from "./browser.mjs";

const pin = "2468";

// The pages of a board that works, then those of one that does not.
async function pagesOf({ good, broken }) {
  const [newest] = await good.records("?limit=1");
  const day = newest.captured_at.slice(0, 10);
  return [
    { name: "now", board: good, path: "/" },
    { name: "history", board: good, path: "/history" },
    { name: "day", board: good, path: `/history/${day}` },
    { name: "sighting", board: good, path: `/sightings/${newest.seq}` },
    { name: "settings-locked", board: good, path: "/settings" },
    { name: "health", board: good, path: "/health" },
    { name: "check", board: good, path: "/check" },
    { name: "pin-ask", board: good, path: "/pin" },
    { name: "error", board: good, path: "/nowhere", status: 404 },
    { name: "settings", board: good, path: "/settings", signedIn: true },
    { name: "sighting-open", board: good, path: `/sightings/${newest.seq}`, signedIn: true },
    { name: "pin-change", board: good, path: "/pin/change", signedIn: true },
    { name: "broken-now", board: broken, path: "/" },
    { name: "broken-camera", board: broken, path: "/?camera=gone" },
    { name: "broken-health", board: broken, path: "/health" },
    { name: "broken-check", board: broken, path: "/check" },
    { name: "broken-history", board: broken, path: "/history" },
    { name: "broken-day", board: broken, path: "/history/2026-10-05" },
    { name: "broken-settings", board: broken, path: "/settings" },
    { name: "pin-first", board: broken, path: "/pin" },
  ];
}

const names = ["now", "history", "day", "sighting", "settings-locked", "health", "check", "pin-ask", "error", "settings", "sighting-open",
  "pin-change", "broken-now", "broken-camera", "broken-health", "broken-check", "broken-history", "broken-day", "broken-settings", "pin-first"];

export function pages(rig) {
  let all;
  before(async () => {
    all = await pagesOf(rig);
    assert.deepEqual(all.map((page) => page.name), names);
  });
  for (const lang of ["en", "es"]) {
    for (const theme of ["light", "dark"]) {
      describe(`${lang} ${theme}`, () => {
        const visits = new Map(); // by board, signed in or not
        const visitOf = async (page) => {
          const key = `${page.board.name} ${page.signedIn}`;
          if (!visits.has(key)) {
            const visit = await Visit.open(rig.browser, page.board, { lang, theme });
            if (page.signedIn) await visit.givePIN(pin);
            visits.set(key, visit);
          }
          return visits.get(key);
        };
        after(async () => { for (const visit of visits.values()) await visit.close(); });
        names.forEach((name, n) => {
          for (const width of [390, 1280]) {
            test(`page ${name}, ${lang}, ${theme}, ${width} px`, async () => { await check(await visitOf(all[n]), all[n], theme, width); });
          }
        });
      });
    }
  }
}

async function check(visit, page, theme, width) {
  visit.faults = [];
  await visit.page.setViewportSize({ width, height: width < 800 ? 844 : 800 });
  const answer = await visit.go(page.path);
  assert.equal(answer.status(), page.status ?? 200);
  assert.equal(await visit.page.locator("html").getAttribute("lang"), visit.lang);
  assert.equal(await visit.page.evaluate(() => matchMedia("(prefers-color-scheme: dark)").matches), theme === "dark");
  assert.ok(!/\[[a-z_]+\.[a-z_.]+\]/.test(await visit.page.innerText("body")), "a text is missing in the catalogue");
  await visit.shoot(`${page.name}-${visit.lang}-${theme}-${width}`);
  const faults = [...await visit.findings(), await visit.sideways(), ...visit.faults].filter(Boolean);
  assert.deepEqual(faults, []);
}
