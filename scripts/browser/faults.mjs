// Parts of the board die while its page is open.
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "./board.mjs";
import { Visit } from "./browser.mjs";
import { settings } from "./walks.mjs";

// watchHealth remembers every text that the line of health shows from now on:
// what heals within a second must still have been said.
const watchHealth = (page) => page.evaluate(() => {
  const part = document.querySelector("[sse-swap=health]");
  window.healthSaid = [part.textContent];
  new MutationObserver(() => window.healthSaid.push(part.textContent)).observe(part, { childList: true, subtree: true, characterData: true });
});

const hasSaid = (visit, text) => visit.wait((words) => window.healthSaid.some((said) => said.includes(words)), text);
const saysNoMore = (visit, text) => visit.wait((words) => !document.querySelector("[sse-swap=health]").textContent.includes(words), text);

function killed(rig, program, key, came) {
  test(`${program} killed with SIGKILL: the page says so and recovers`, async () => {
    const visit = await Visit.open(rig.browser, rig.good);
    try {
      await visit.go("/");
      await watchHealth(visit.page);
      const pid = await until(program, () => rig.good.worker(program));
      const before = await rig.good.status();
      process.kill(pid, "SIGKILL");
      await hasSaid(visit, visit.say(key));
      await visit.shoot(`fault-${program}`);
      assert.equal((await fetch(`${rig.good.url}/`)).status, 200, "the page went down with it");
      const next = await until(`another ${program}`, () => rig.good.worker(program));
      assert.notEqual(next, pid);
      await until("new frames to be judged", async () => came(before, await rig.good.status()));
      await saysNoMore(visit, visit.say(key));
      assert.deepEqual(visit.faults, []);
    } finally {
      await visit.close();
    }
  });
}

export function faults(rig) {
  killed(rig, "gourdian-infer", "health.model_restarting", (before, now) =>
    now.model.worker_restarts > before.model.worker_restarts && now.cameras[0].scored > before.cameras[0].scored);
  killed(rig, "gourdian-camera", "health.camera_restarting", (before, now) =>
    now.cameras[0].frame.seq > 0 && Date.parse(now.cameras[0].frame.at) > Date.parse(before.cameras[0].frame.at) + 2000);

  test("board stopped: the page says offline, greys the picture, and comes back by itself", async () => {
    const visit = await Visit.open(rig.browser, rig.good);
    const { page } = visit;
    try {
      await visit.go("/");
      assert.ok(!await page.isVisible(".offline"), "offline is shown while all is well");
      assert.ok(await page.isVisible(".stamp .on"), "the live picture is not called live");
      visit.down = true;
      await rig.good.stop();
      await page.waitForSelector(".offline", { state: "visible" });
      assert.ok((await page.innerText(".offline")).includes(visit.say("page.offline")));
      assert.match(await page.evaluate(() => getComputedStyle(document.querySelector("[data-picture]")).filter), /grayscale/);
      assert.ok(!await page.isVisible(".stamp .on"), "an old picture is called live");
      assert.ok(!(await page.innerText(".stamp")).includes(visit.say("time.now")), "an old picture is called new");
      assert.ok(!(await page.innerText("main")).includes(visit.say("health.well")), "all is said to be well");
      assert.deepEqual(await visit.findings(), []);
      await visit.shoot("fault-offline");
      await rig.good.start();
      await page.waitForSelector(".offline", { state: "hidden" });
      await visit.wait(() => document.querySelector(".stamp .on"));
      assert.equal((await page.innerText(".brand")).trim(), settings.boardName, "a setting was lost");
      assert.deepEqual(visit.faults, []);
    } finally {
      await visit.close();
    }
  });
}
