// Work, settings and actions on many, as people meet them: with keys and scripts,
// and without.
import assert from "node:assert/strict";
import { admin, check, logIn, walk } from "./hub.mjs";
import { Visit } from "./browser.mjs";

async function looks(rig, pages) {
  for (const lang of ["en", "es"]) {
    const visit = await Visit.open(rig.browser, rig.hub, { lang });
    await logIn(visit, admin);
    for (const page of pages) for (const width of [390, 1280]) await check(visit, page, "light", width);
    await visit.close();
  }
}

// hubWork needs a hub with pictures.
export function hubWork(rig) {
  walk(rig, "hub: a page of pictures is chosen with one key, labelled, and taken back", {}, async (visit, page) => {
    await logIn(visit, admin);
    await visit.go("/samples?source=import");
    const n = await page.locator("input[name=pick]").count();
    assert.ok(n >= 3, `${n} pictures`);
    await page.focus("#pick-page");
    await page.keyboard.press("Space");
    assert.equal(await page.locator("input[name=pick]:checked").count(), n);
    assert.equal(await page.innerText("#picked"), `(${n})`);
    await page.locator("input[name=pick]").first().click();
    assert.equal(await page.innerText("#picked"), `(${n - 1})`);
    await page.selectOption("#what", "leave");
    await page.click(`text=${visit.say("hub.many.do")}`);
    await page.waitForSelector("form[action='/samples/many/undo']");
    assert.equal(new URL(page.url()).searchParams.get("source"), "import");
    await visit.go("/samples?mark=left_out");
    assert.equal(await page.locator("input[name=pick]").count(), n - 1);
    await looks(rig, [{ name: "samples-left-out", path: "/samples?mark=left_out" }]);
    await page.goBack();
    await page.click("form[action='/samples/many/undo'] button");
    await page.waitForSelector("[role=status]");
    await visit.go("/samples?mark=left_out");
    assert.equal(await page.locator("input[name=pick]").count(), 0);
  });

  walk(rig, "hub: all that a filter leaves asks once with its number, without JavaScript", { script: false, lang: "es", width: 390, height: 844 }, async (visit, page) => {
    await logIn(visit, admin);
    await visit.go("/samples?source=import");
    await page.check("input[name=scope][value=all]");
    await page.selectOption("#what", "delete");
    await page.click("#many button >> nth=0");
    assert.match(await page.innerText("h1"), /^\d+ imágenes/);
    await visit.shoot("hub-many-ask-es-light-390");
    await page.click(`text=${visit.say("hub.ask.back")}`);
    await visit.go("/samples?source=import");
    assert.ok(await page.locator("input[name=pick]").count() >= 3, "they are gone though nobody said yes");
    await page.locator("input[name=pick]").first().check();
    await page.selectOption("#what", "queue");
    await page.click("#many button >> nth=0");
    await page.waitForSelector("form[action='/samples/many/undo']");
  });

  walk(rig, "hub: work is taken on, noted, done, and brought back", {}, async (visit, page) => {
    await logIn(visit, admin);
    await page.click(`text=${visit.say("hub.work.all")}`);
    await page.click("button[value=take] >> nth=0");
    assert.match(await page.innerText("main"), new RegExp(visit.say("hub.work.owned", { who: admin.name })));
    await page.click("main details summary >> nth=0");
    await page.fill("[name=note] >> nth=0", "before the harvest");
    await page.click("button[value=note] >> nth=0");
    assert.match(await page.innerText("main"), new RegExp(visit.say("hub.work.said.note")));
    await looks(rig, [{ name: "work-some", path: "/work" }]);
    await visit.go("/");
    assert.match(await page.innerText("#start"), new RegExp(visit.say("hub.work.mine")));
    await visit.go("/work?owner=mine");
    const mine = await page.locator(".work > li").count();
    await page.click("button[value=done] >> nth=0");
    await page.waitForSelector("[role=status]");
    assert.equal(await page.locator(".work > li").count(), mine - 1);
    await page.selectOption("#owner", "hidden");
    await page.click(`text=${visit.say("hub.fleet.show")}`);
    await visit.shoot("hub-work-hidden-en-light-1280");
    await page.click("button[value=undo]");
    await page.waitForSelector("[role=status]");
    await visit.go("/work?owner=mine");
    assert.equal(await page.locator(".work > li").count(), mine);
  });

  walk(rig, "hub: a setting is in force at once, refused where it can't be, and taken back", { lang: "es" }, async (visit, page) => {
    await logIn(visit, admin);
    await page.click(`nav >> text=${visit.say("hub.nav.settings")}`);
    await page.fill("#name", "Finca del norte");
    await page.click("form:has(#name) button.main");
    await page.waitForSelector("[role=status]");
    assert.equal(await page.innerText(".brand span"), "Finca del norte");
    await page.fill("#time_zone", "Marte/Olimpo");
    await page.click("form:has(#name) button.main");
    assert.match(await page.innerText("form:has(#name) .fault"), new RegExp(visit.say("hub.setting.time_zone.fault").slice(0, 40)));
    await visit.shoot("hub-settings-fault-es-light-1280");
    await visit.go("/settings");
    await looks(rig, [{ name: "settings-some", path: "/settings" }]);
    await page.selectOption("#predict-access", "off");
    await page.click("form:has(#predict-access) button.main");
    await page.waitForSelector("[role=status]");
    const stranger = await fetch(`${rig.hub.url}/api/v1/predict`, { method: "POST" });
    assert.equal(stranger.status, 404, "verdicts are off, and a stranger has one");
    for (const name of ["Finca del norte", "gourdian"]) {
      await page.click("form[action='/settings/undo'] button");
      await page.waitForSelector("[role=status]");
      assert.equal(await page.innerText(".brand span"), name);
    }
  });
}
