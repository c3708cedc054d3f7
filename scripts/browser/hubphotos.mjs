// Pictures on the hub, as people meet them: a model is pushed and answers, photos
// are brought in and labelled with keys, one is tried; all pages as they look with
// something on them.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { admin, check, logIn, walk } from "./hub.mjs";
import { until } from "./board.mjs";
import { Visit } from "./browser.mjs";

const bin = process.env.GOURDIAN_BIN;
const folder = join(process.env.GOURDIAN_BOARDS, "photos");

function ctl(rig, ...args) {
  return execFileSync(join(bin, "gourdianctl"), [...args, "--hub", rig.hub.url], { stdio: "pipe", env: { ...process.env, GOURDIAN_TOKEN: rig.token } });
}

// looks holds that a page is well in both languages at both widths.
export async function looks(rig, pages) {
  for (const lang of ["en", "es"]) {
    const visit = await Visit.open(rig.browser, rig.hub, { lang });
    await logIn(visit, admin);
    for (const page of pages) for (const width of [390, 1280]) await check(visit, page, "light", width);
    await visit.close();
  }
}

export function hubPhotos(rig) {
  walk(rig, "hub: a model is pushed, made champion with a reason, and answers", {}, async (visit, page) => {
    await logIn(visit, admin);
    await visit.go("/account");
    await page.fill("#token-name", "photos");
    await page.click(`text=${visit.say("hub.account.token_make")}`);
    rig.token = await page.inputValue("#token");
    const said = ctl(rig, "model", "push", process.env.GOURDIAN_MODEL, "--notes", "for the browser").toString();
    assert.match(said, /^version 1/);
    ctl(rig, "model", "promote", "1", "--reason", "the first one");
    await until("a model that answers", async () => {
      await visit.go("/predict");
      return await page.locator("#photo").count() === 1;
    });
    await looks(rig, [{ name: "models-one", path: "/models" }]);
  });

  walk(rig, "hub: photos are brought in, labelled with keys, and one label is taken back", { lang: "es" }, async (visit, page) => {
    execFileSync(join(bin, "gourdianctl"), ["render", "--out", folder, "--count", "8", "--seed", "77", "--size", "320"], { stdio: "pipe" });
    execFileSync("python3", ["-m", "zipfile", "-c", `${folder}.zip`, ...readdirSync(folder).map((name) => join(folder, name))], { stdio: "pipe" });
    await logIn(visit, admin);
    await visit.go("/samples");
    await page.setInputFiles("form[action='/samples/import'] input[type=file]", `${folder}.zip`);
    await page.click("form[action='/samples/import'] button.plain");
    await page.waitForURL(/\/jobs\/\d+$/); // it is a job, which says its end by itself
    const job = new URL(page.url()).pathname;
    await page.waitForSelector("#job .k.good");
    await until("the photos on the page", async () => {
      await visit.go("/samples");
      return await page.locator("main .thumb, main img").count() >= 3;
    });
    await visit.go("/label");
    const hash = async () => page.inputValue("[name=hash]");
    const first = await hash();
    await page.keyboard.press("1");
    await page.waitForFunction((old) => document.querySelector("[name=hash]")?.value !== old, first);
    const second = await hash();
    await page.keyboard.press("u"); // and back
    await page.waitForFunction((old) => document.querySelector("[name=hash]")?.value !== old, second);
    assert.equal(await hash(), first, "undo shows another picture");
    await page.keyboard.press("3");
    await page.waitForFunction((old) => document.querySelector("[name=hash]")?.value !== old, first);
    await page.keyboard.press("1");
    await page.waitForLoadState();
    const answer = await fetch(`${rig.hub.url}/api/v1/samples?label=any`, { headers: { authorization: `Bearer ${rig.token}` } });
    const { samples } = await answer.json();
    assert.equal(samples.find((s) => s.hash === first)?.label, "bad", JSON.stringify(samples));
    await looks(rig, [{ name: "jobs", path: "/jobs" }, { name: "job", path: job }, { name: "samples-some", path: "/samples" }, { name: "label-some", path: "/label" },
      { name: "sample", path: `/samples/${first}` }, { name: "start-some", path: "/" }]);
  });

  walk(rig, "hub: labels become a data set, another label another one, and what changed is shown", { width: 1280, height: 800 }, async (visit, page) => {
    await logIn(visit, admin);
    await visit.go("/task");
    assert.match(await page.innerText("main"), new RegExp(visit.say("hub.task.too_little")));
    await page.click("form[action='/datasets'] button");
    await page.waitForURL("**/datasets/1");
    await visit.go("/label");
    const shown = await page.inputValue("[name=hash]");
    await page.keyboard.press("2");
    await page.waitForFunction((old) => document.querySelector("[name=hash]")?.value !== old, shown);
    await visit.go("/datasets");
    await page.click("form[action='/datasets'] button");
    await page.waitForURL("**/datasets/2");
    await page.click("form[action$='/changes'] button");
    await page.waitForURL("**/datasets/2/changes?since=1");
    assert.equal(await page.locator("ul.cards > li").count(), 1);
    await looks(rig, [{ name: "task-some", path: "/task" }, { name: "datasets-some", path: "/datasets" }, { name: "dataset", path: "/datasets/2" },
      { name: "dataset-changes", path: "/datasets/2/changes?since=1" }]);
  });

  for (const lang of ["en", "es"]) {
    walk(rig, `hub: a photo has its verdict at once, and is given with consent, ${lang}`, { lang, width: 390, height: 844 }, async (visit, page) => {
      await visit.go("/predict"); // nobody has logged in
      const sort = readdirSync(folder, { withFileTypes: true }).find((entry) => entry.isDirectory()).name;
      await page.setInputFiles("#photo", join(folder, sort, readdirSync(join(folder, sort))[0]));
      await page.waitForSelector("#answer .verdict");
      assert.deepEqual(await visit.findings(), []);
      for (const width of [390, 1280]) {
        await page.setViewportSize({ width, height: 844 });
        await visit.shoot(`hub-predict-answer-${lang}-light-${width}`);
        assert.ok(!await visit.sideways());
      }
      await page.click("#give summary");
      await page.selectOption("#correction", "good");
      await page.check("#give [name=consent]");
      await page.click("#give button");
      await page.waitForSelector(".line.well");
      await visit.shoot(`hub-predict-given-${lang}-light-1280`);
    });
  }
}
