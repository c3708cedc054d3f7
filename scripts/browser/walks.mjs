// What people do on the page, step by step.
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "./board.mjs";
import { Visit } from "./browser.mjs";

const pin = "2468";
const settings = { boardName: "Huerto de Ana" };

// walk is a test with one visit, which must end without a fault of the page.
function walk(rig, name, options, steps) {
  test(name, async () => {
    const visit = await Visit.open(rig.browser, options.board ?? rig.good, options);
    try {
      await steps(visit, visit.page);
      assert.deepEqual(visit.faults, []);
    } catch (error) {
      await visit.shoot(`failed-${name.replaceAll(/\W+/g, "-")}`).catch(() => {});
      throw error;
    } finally {
      await visit.close();
    }
  });
}

// focused describes what has the focus, and whether a person can see it.
const focused = (page) => page.evaluate(() => {
  const e = document.activeElement, style = getComputedStyle(e), box = e.getBoundingClientRect();
  const inner = e.querySelector?.(".square:not(.under)");
  const top = document.elementFromPoint(box.left + box.width / 2, Math.min(box.top + box.height / 2, innerHeight - 1));
  return {
    covered: !!top && !e.contains(top) && !top.contains(e) && !top.closest("label")?.contains(e) && !inner,
    href: e.getAttribute("href"), id: e.id, tag: e.tagName.toLowerCase(), inMain: !!e.closest("main"),
    shown: box.width > 0 && box.top >= 0 && box.top < innerHeight,
    ringed: (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2) || (!!inner && getComputedStyle(inner).stroke !== "rgb(255, 255, 255)"),
  };
});

// tabTo presses Tab until something that matches has the focus.
async function tabTo(page, what, matches) {
  for (let n = 0; n < 120; n++) {
    await page.keyboard.press("Tab");
    const now = await focused(page);
    assert.ok(now.shown && now.ringed && !now.covered, `Tab ${n + 1} is on something that can't be seen: ${JSON.stringify(now)}`);
    if (matches(now)) return now;
  }
  return assert.fail(`no Tab leads to ${what}`);
}

export function walks(rig) {
  walk(rig, "first PIN: choose it, change a setting, see it kept", { width: 390, height: 844 }, async (visit, page) => {
    await visit.go("/settings");
    assert.ok(await page.locator("[name=board_name]").isDisabled(), "settings are open without a PIN");
    await page.click("main .line a.button");
    await page.fill("#pin", pin);
    await page.fill("#again", "1357");
    await page.click("main button");
    await page.waitForSelector("#pin\\.fault");
    await page.fill("#pin", pin);
    await page.fill("#again", pin);
    await page.click("main button");
    await page.waitForURL("**/settings");
    await page.fill("[name=board_name]", "");
    await page.click(".save button");
    await page.waitForSelector("[aria-invalid=true]");
    await page.fill("[name=board_name]", settings.boardName);
    await page.click(".save button");
    await page.waitForSelector(".line.well");
    await page.reload();
    assert.equal(await page.inputValue("[name=board_name]"), settings.boardName);
    assert.equal((await page.innerText(".brand")).trim(), settings.boardName);
    visit.faults = visit.faults.filter((fault) => !/status of 4(22|03)/.test(fault)); // the refused forms
  });

  walk(rig, "keyboard: skip link, then to settings and through the form", {}, async (visit, page) => {
    await visit.go("/");
    const skip = await tabTo(page, "the skip link", () => true);
    assert.equal(skip.href, "#main");
    await page.keyboard.press("Enter");
    const inside = await tabTo(page, "the main part", () => true);
    assert.ok(inside.inMain, `after the skip link comes ${JSON.stringify(inside)}`);
    await visit.givePIN(pin, "/");
    await tabTo(page, "the settings", (e) => e.href === "/settings");
    await page.keyboard.press("Enter");
    await page.waitForURL("**/settings");
    await tabTo(page, "the fields", (e) => e.tag === "input" || e.tag === "select");
    await tabTo(page, "the save button", (e) => e.tag === "button" && e.inMain && e.id === "" && !e.href);
  });

  walk(rig, "zone by keyboard and pointer: add, move, size, save, remove", {}, async (visit, page) => {
    await visit.givePIN(pin);
    await page.focus("[data-add]");
    await page.keyboard.press("Enter");
    const field = (name) => page.locator(`[data-new] input[name$=".${name}"]`);
    const before = { x: await field("x").inputValue(), y: await field("y").inputValue(), side: await field("side").inputValue() };
    assert.equal((await focused(page)).tag, "g", "the new square does not have the focus");
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Shift+ArrowLeft");
    assert.ok(Number(await field("x").inputValue()) < Number(before.x), "ArrowLeft does not move it");
    assert.ok(Number(await field("y").inputValue()) < Number(before.y), "ArrowUp does not move it");
    assert.ok(Number(await field("side").inputValue()) < Number(before.side), "Shift and ArrowLeft do not shrink it");
    const at = await page.locator(".editor .square:not(.under)").boundingBox();
    const [x, y, left] = [at.x + at.width / 2, at.y + at.height / 2, Number(await field("x").inputValue())];
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x + 30, y + 20, { steps: 3 });
    await page.mouse.up();
    assert.ok(Number(await field("x").inputValue()) > left, "dragging does not move it");
    const want = await field("x").inputValue(), zone = await field("id").inputValue();
    await visit.shoot("walk-zone");
    await page.click(".save button");
    await page.waitForSelector(".line.well");
    await page.reload();
    assert.equal(await page.locator("[data-new] .zone-row").count(), 0, "the empty row is shown beside the editor");
    assert.equal(Number(await page.inputValue('.zone-row input[name$=".x"]')), Number(want));
    await until("the camera to look at the new zone", async () => (await rig.good.status()).cameras[0].zones[0]?.zone === zone);
    await visit.go("/");
    assert.equal(await page.locator(".view .zones").count(), 1, "the live picture shows no zone");
    await visit.go("/settings");
    await page.check('.zone-row input[name$=".remove"]');
    await page.click(".save button");
    await page.waitForSelector(".line.well");
    assert.equal(await page.locator(".zone-row").count(), 0);
  });

  walk(rig, "correct a sighting, undo it", { width: 390, height: 844 }, async (visit, page) => {
    const [record] = await rig.good.records("?limit=1");
    const right = record.verdict === "bad" ? "good" : "bad";
    const kept = async () => (await rig.good.get(`/api/v1/records/${record.seq}`)).correction?.verdict;
    await visit.go(`/sightings/${record.seq}`);
    await page.click("#wrong a");
    await page.fill("#pin", pin);
    await page.click("main button");
    await page.waitForURL(`**/sightings/${record.seq}`);
    await page.click(`#wrong button[value=${right}]`);
    await page.waitForSelector("form[action$='/undo']");
    assert.equal(await kept(), right);
    await visit.shoot("walk-corrected");
    await page.click("form[action$='/undo'] button");
    await page.waitForSelector("form[action$='/correct']");
    assert.equal(await kept(), undefined);
  });

  walk(rig, "live: picture, verdict and counts change without a reload", {}, async (visit, page) => {
    await visit.go("/");
    await page.evaluate(() => { window.sameVisit = true; });
    const picture = await page.getAttribute("[data-picture]", "src");
    const count = Number(await page.innerText(".total .number"));
    await visit.wait((was) => {
      const now = document.querySelector("[data-picture]");
      return now.getAttribute("src") !== was && now.complete && now.naturalWidth > 0;
    }, picture);
    await visit.wait((was) => Number(document.querySelector(".total .number").textContent.replaceAll(/\D/g, "")) > was, count);
    assert.equal(await page.evaluate(() => window.sameVisit), true, "the page was loaded again");
  });

  walk(rig, "language and theme stay as chosen", {}, async (visit, page) => {
    await visit.go("/history");
    await page.click("button[name=language][value=es]");
    await page.waitForSelector("html[lang=es]");
    assert.ok(page.url().endsWith("/history"), `the choice led to ${page.url()}`);
    const light = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await page.click("button[name=theme][value=dark]");
    await page.waitForSelector("html[data-theme=dark]");
    await visit.go("/health");
    assert.equal(await page.getAttribute("html", "lang"), "es");
    assert.notEqual(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), light);
  });

  walk(rig, "first visit weighs under 100 KB without pictures", {}, async (visit, page) => {
    let bytes = 0;
    const sizes = [];
    page.on("requestfinished", (request) => {
      if (request.resourceType() === "image" && !/\.svg$/.test(request.url())) return;
      const size = request.sizes();
      size.catch(() => {}); // one that ends as the window closes is asked for no longer
      sizes.push(size);
    });
    await visit.go("/");
    for (const size of await Promise.all(sizes)) bytes += size.responseBodySize + size.responseHeadersSize;
    assert.ok(sizes.length >= 4, `${sizes.length} answers only`);
    assert.ok(bytes < 100_000, `${bytes} bytes`);
  });

  for (const [name, path, parts] of [
    ["now", "/", [".now .view img", ".huge, .zone-list", ".total", ".cards, .lead", ".chart"]],
    ["history", "/history", ["table", "form[action='/history/export']"]],
    ["health", "/health", ["#model", "#cameras", "#store"]],
    ["settings", "/settings", ["[name=board_name]", ".zone-edit"]],
  ]) {
    walk(rig, `without JavaScript: ${name} is whole`, { script: false, width: 390, height: 844 }, async (visit, page) => {
      await visit.go(path);
      for (const part of parts) assert.ok(await page.locator(part).first().isVisible(), `${part} is not there`);
      for (const image of await page.locator("main img").all()) {
        await image.scrollIntoViewIfNeeded();
        await until("a picture", () => image.evaluate((e) => e.complete && e.naturalWidth > 0));
      }
      await visit.shoot(`no-script-${name}`);
    });
  }

  walk(rig, "without JavaScript: a zone is written by its numbers", { script: false }, async (visit, page) => {
    await visit.givePIN(pin);
    for (const [name, value] of [["id", "gate"], ["x", "10"], ["y", "20"], ["side", "40"]]) await page.fill(`[data-new] input[name$=".${name}"]`, value);
    await page.click(".save button");
    await page.waitForSelector(".line.well");
    assert.equal(await page.inputValue('.zone-row input[name$=".id"]'), "gate");
    await page.check('.zone-row input[name$=".remove"]');
    await page.click(".save button");
    await page.waitForSelector(".line.well");
  });
}

// selfCheck shows bad pages to the eyes of the other checks, which must see
// every fault.
export function selfCheck(rig) {
  test("the checks see what they look for", async () => {
    const visit = await Visit.open(rig.browser, rig.good, { width: 390 });
    try {
      await visit.go("/history");
      assert.deepEqual([...await visit.findings(), await visit.sideways(), ...visit.faults].filter(Boolean), []);
      await visit.page.evaluate(() => {
        document.querySelector("main").insertAdjacentHTML("beforeend",
          `<img src="/nowhere.png"><p class="good" id="pale">pale</p><div id="wide">wide</div>`);
        document.querySelector("#pale").style.color = "#bbbbbb";
        document.querySelector("#wide").style.width = "2000px";
        const script = document.createElement("script");
        script.textContent = "1";
        document.body.append(script);
      });
      const findings = (await visit.findings()).join("\n");
      assert.match(findings, /critical image-alt/);
      assert.match(findings, /serious color-contrast/);
      assert.match(await visit.sideways(), /2\d{3} px wide in 390.*div/);
      assert.match(visit.faults.join("\n"), /Content Security Policy/);
      assert.match(visit.faults.join("\n"), /404/);
      await visit.page.goto("about:blank");
      await visit.page.setContent('<img src="http://localhost:9/elsewhere.png"><script>throw new Error("broken")</script>');
      assert.match(visit.faults.join("\n"), /left the host: http:\/\/localhost:9/);
      assert.match(visit.faults.join("\n"), /script: broken/);
    } finally {
      await visit.close();
    }
  });
}

export { settings };
