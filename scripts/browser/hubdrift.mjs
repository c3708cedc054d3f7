// Changes in the field, as people meet them: a month of usual days of two
// cameras, then a muddied lens on one; the hub judges them, a person looks, says
// that he knows, and closes the alarm.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { admin, logIn, walk } from "./hub.mjs";
import { looks } from "./hubphotos.mjs";
import { until } from "./board.mjs";

const day = 86_400_000_000; // in microseconds

// varint and signed are as docs/formats/sketch.md has them.
function varint(value) {
  const bytes = [];
  let rest = BigInt(value);
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 128 : low);
  } while (rest > 0n);
  return bytes;
}
const signed = (value) => varint(value < 0 ? -2n * BigInt(value) - 1n : 2n * BigInt(value));
const word = (text) => [...varint(text.length), ...Buffer.from(text)];

// bins of which one holds n.
function bins(at, n) {
  const empty = (count) => (count > 0 ? [0, ...varint(count - 1)] : []);
  return [...empty(at), ...varint(n), ...empty(31 - at)];
}

// sketch sums up n alike sightings: places on the scales of the signals, 0..1.
function sketch(n, places) {
  const fixed = places.map((u) => Math.round(u * 65535));
  const bytes = [1, ...varint(n), ...varint(n), 1, ...word("good"), ...word(""), ...varint(n)];
  for (const f of fixed) bytes.push(...varint(n * f), ...varint(n * f * f), ...bins(Math.floor(f * 32 / 65536), n));
  for (let axis = 0; axis < 16; axis++) bytes.push(...signed(n * 100), ...varint(n * 10_000));
  bytes.push(...varint(n), ...varint(n * fixed[0]), ...varint(n * fixed[2]));
  for (let axis = 0; axis < 16; axis++) bytes.push(...signed(n * 100));
  for (let other = 1; other < 9; other++) bytes.push(0);
  return Buffer.from(bytes).toString("base64");
}

// write puts days into the hub's database as ingest does.
const write = `
import base64, json, sqlite3, sys
given = json.load(sys.stdin)
d = sqlite3.connect(given["path"], timeout=30)
for r in given["days"]:
    d.execute("INSERT INTO drift_day (device, camera, day, model, n, data) VALUES (?, 'north', ?, ?, 60, ?)", (r["device"], r["day"], "a" * 64 + "/int8", base64.b64decode(r["data"])))
    d.execute("INSERT OR REPLACE INTO drift_clock (device, until) VALUES (?, ?)", (r["device"], (r["day"] + 1) * ${day}))
    d.execute("INSERT OR IGNORE INTO drift_todo (device, day) VALUES (?, ?)", (r["device"], r["day"]))
d.commit()
`;

function live(rig, from, to, muddied) {
  const days = [];
  for (let at = from; at < to; at++) {
    for (const device of ["driftbarn", "driftgate"]) {
      const wobble = 0.002 * ((at * 7 + device.length + (device === "driftgate" ? 3 : 0)) % 11);
      const sharpness = device === "driftgate" && at >= muddied ? 0.2 : 0.45 + wobble;
      days.push({ device, day: at, data: sketch(60, [0.9, 0.2, 0.35, sharpness, 0.5 - wobble, 0.7, 0, 0]) });
    }
  }
  execFileSync("python3", ["-c", write], { input: JSON.stringify({ path: join(rig.hub.dir, "data", "hub.sqlite"), days }) });
}

export function hubDrift(rig) {
  walk(rig, "hub: a muddied lens raises an alarm that says so, and a person closes it", {}, async (visit, page) => {
    const mud = Math.floor(Date.now() * 1000 / day) - 4;
    await logIn(visit, admin);
    live(rig, mud - 30, mud + 3, mud);
    await until("the alarm", async () => {
      await visit.go("/health/drift");
      return (await page.innerText("main")).includes(visit.say("hub.drift.reason.lens"));
    }, 60_000);
    await page.click(`main a.button >> text=${visit.say("hub.drift.look")}`);
    const alarm = new URL(page.url()).pathname;
    assert.match(await page.innerText("main"), new RegExp(visit.say("hub.drift.measure.sharpness")));
    await visit.go("/health/drift/driftgate/north");
    await page.waitForSelector("[data-plot] canvas");
    assert.match(await page.innerText("main"), new RegExp(visit.say("hub.drift.finding.below", { measure: visit.say("hub.drift.measure.sharpness") })));
    await looks(rig, [
      { name: "drift", path: "/health/drift" }, { name: "drift-camera", path: "/health/drift/driftgate/north" }, { name: "alarm", path: alarm },
      { name: "health-alarm", path: "/health" },
    ]);
    await visit.go(alarm);
    await page.click(`text=${visit.say("hub.drift.acknowledge")}`);
    assert.match(await page.innerText("main"), new RegExp(visit.say("hub.drift.state.acknowledged")));
    await page.check("input[value=mended]");
    await page.click(`text=${visit.say("hub.drift.close_button")}`);
    assert.match(await page.innerText("main"), new RegExp(visit.say("hub.drift.outcome.mended")));
    await visit.go("/health/drift");
    assert.match(await page.innerText("main"), new RegExp(visit.say("hub.drift.none_open")));
  });

  walk(rig, "hub: without JavaScript the table of a camera says what its plots would", { script: false, width: 390, height: 844 }, async (visit, page) => {
    await logIn(visit, admin);
    await visit.go("/health/drift/driftgate/north");
    assert.equal(await page.locator("[data-plot] canvas").count(), 0);
    await page.click("main summary >> nth=0");
    assert.match(await page.innerText("main details >> nth=0"), new RegExp(visit.say("hub.drift.usual_range")));
  });
}
