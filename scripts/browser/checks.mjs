// The board examines itself: begun with the PIN, shown while it goes on, kept.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { Visit } from "./browser.mjs";

const pin = "2468";

export function checks(rig) {
  describe("check this board", () => {
    const open = [];
    const visitOf = async (options, board = rig.good) => {
      const visit = await Visit.open(rig.browser, board, options);
      open.push(visit);
      return visit;
    };
    after(async () => { for (const visit of open) await visit.close(); });

    test("a stranger is asked for the PIN, then a press of the button is enough", async () => {
      const visit = await visitOf({ width: 390, height: 844 });
      await visit.go("/health");
      await visit.page.click("a[href='/check']");
      await visit.page.waitForURL("**/check");
      assert.equal((await rig.good.get("/api/v1/doctor")).report, null);
      await visit.page.click("#checks button");
      await visit.page.waitForURL("**/pin?*");
      assert.equal((await rig.good.get("/api/v1/doctor")).report, null, "a stranger began a check");
      await visit.givePIN(pin, "/check");
      await visit.page.evaluate(() => { window.sameVisit = true; });
      await visit.page.click("#checks button");
      await visit.wait(() => document.querySelectorAll("#checks dt").length >= 10);
      const { report } = await rig.good.get("/api/v1/doctor");
      for (const id of ["config", "data", "disk", "space", "memory", "camera", "library", "model", "page"]) {
        assert.ok(report.checks.some((c) => c.id === id), `${id} was not looked at`);
      }
      assert.equal(report.checks.find((c) => c.id === "camera").code, "camera_ok");
      const text = await visit.page.innerText("#checks");
      for (const c of report.checks) assert.ok(text.includes(c.text), `the page does not say: ${c.text}`);
      assert.deepEqual(visit.faults, []);
    });

    test("without JavaScript: begin it and see it end", async () => {
      const visit = await visitOf({ script: false, width: 390, height: 844 });
      await visit.givePIN(pin, "/check");
      const before = (await rig.good.get("/api/v1/doctor")).report.began;
      await visit.page.click("#checks button");
      await visit.page.waitForSelector("#checks dl", { timeout: 90_000 }); // the page loads itself again
      assert.notEqual((await rig.good.get("/api/v1/doctor")).report.began, before);
      await visit.shoot("no-script-check");
    });
  });
}

// brokenChecks comes after everything that needs a board without a PIN.
export function brokenChecks(rig) {
  test("check a broken board: what fails comes first, with its remedy", async () => {
    const visit = await Visit.open(rig.browser, rig.broken, { width: 390, height: 844, theme: "dark", lang: "es" });
    try {
      await visit.givePIN(pin, "/check");
      await visit.page.click("#checks button");
      await visit.wait(() => document.querySelectorAll("#checks li.line.serious").length >= 2);
      const answer = await fetch(`${rig.broken.url}/api/v1/doctor`, { headers: { "Accept-Language": "es" } });
      const { report } = await answer.json();
      const failed = report.checks.filter((c) => c.verdict === "failed");
      const names = failed.map((c) => `${c.id} ${c.subject ?? ""}`);
      assert.ok(!report.ok && names.includes("camera gone") && names.includes("model "), names.join(", "));
      const first = await visit.page.innerText("#checks section:first-of-type");
      for (const c of failed) assert.ok(first.includes(c.text) && first.includes(c.remedy), `${c.text} ${c.remedy}`);
      await visit.shoot("broken-checked-es-dark-390");
      await visit.page.setViewportSize({ width: 1280, height: 800 });
      assert.deepEqual([...await visit.findings(), await visit.sideways(), ...visit.faults].filter(Boolean), []);
    } finally {
      await visit.close();
    }
  });
}
