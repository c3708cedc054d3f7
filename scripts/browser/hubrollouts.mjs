// Rollouts on the hub, as an admin meets them: one is started, paused, resumed
// and aborted; all pages as they look with one on them. The board that joined
// before is away, so nothing ends by itself.
import assert from "node:assert/strict";
import { admin, logIn, walk } from "./hub.mjs";
import { looks } from "./hubphotos.mjs";

export function hubRollouts(rig) {
  walk(rig, "hub: a rollout is started, paused, resumed and aborted", { lang: "es" }, async (visit, page) => {
    await logIn(visit, admin);
    await visit.go("/rollouts");
    await page.click("main a.button");
    await page.fill("#reason", "la semana húmeda");
    assert.deepEqual(await visit.findings(), []);
    await page.click("main button.main");
    await page.waitForURL(/\/rollouts\/one\//);
    const at = new URL(page.url()).pathname;
    const state = (key) => page.waitForFunction((text) => document.querySelector("#rollout")?.innerText.includes(text), visit.say(key));
    await state("hub.rollouts.told_away"); // htmx brings it
    await page.click(`form[action$="/pause"] button`);
    await state("hub.rollouts.state.paused");
    await page.click(`form[action$="/resume"] button`);
    await state("hub.rollouts.state.running");
    await looks(rig, [{ name: "rollouts-one", path: "/rollouts" }, { name: "rollout", path: at }, { name: "rollout-new", path: "/rollouts/new" }]);
    await page.click("main details summary");
    await page.fill("#abort-reason", "ve barro");
    await page.check("[name=revert]");
    await page.click(`form[action$="/abort"] button`);
    assert.ok((await page.innerText("h1")).startsWith(visit.say("hub.rollouts.abort_ask").split("{")[0]), "aborting is not asked about");
    assert.deepEqual(await visit.findings(), []);
    await visit.shoot("hub-rollout-abort-es-light-1280");
    await page.click("button.danger");
    await state("hub.rollouts.state.aborted");
    assert.match(await page.innerText("#rollout"), /ve barro/);
  });
}
