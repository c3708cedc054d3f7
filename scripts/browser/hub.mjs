// The hub's console, as people meet it: the set-up link, logging in, people, and
// every page at two widths, in two languages, light and dark.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Visit } from "./browser.mjs";
import { Board, until } from "./board.mjs";

const bin = process.env.GOURDIAN_BIN;
export const admin = { name: "ana", password: "seven green pumpkins" };

// freePort asks the system: a join token names the port, so it is fixed before.
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

// Hub is a real hub of its own on free ports, with an empty data folder.
export class Hub {
  constructor(name) {
    this.dir = join(process.env.GOURDIAN_BOARDS, name);
    mkdirSync(this.dir, { recursive: true });
  }

  async start() {
    const config = join(this.dir, "hub.yaml"), said = join(this.dir, "said"), logged = join(this.dir, "hub.log");
    writeFileSync(config, JSON.stringify({ // JSON is YAML
      data: join(this.dir, "data"), listen_plain: "127.0.0.1:0",
      listen: `127.0.0.1:${await freePort()}`, listen_mqtt: `127.0.0.1:${await freePort()}`,
    }));
    const out = openSync(said, "w"), log = openSync(logged, "w");
    this.process = spawn(join(bin, "gourdian-hub"), ["--config", config], { stdio: ["ignore", out, log] });
    closeSync(out);
    closeSync(log);
    this.ended = new Promise((resolve) => { this.process.once("exit", resolve); });
    this.link = await until(`the set-up link of the hub (see ${logged})`, () => {
      if (this.process.exitCode !== null) throw new Error(readFileSync(logged, "utf8"));
      return /http:\/\/\S+\/link\/\S+/.exec(readFileSync(said, "utf8"))?.[0];
    });
    this.url = new URL(this.link).origin;
  }

  async stop() {
    this.process.kill("SIGTERM");
    await this.ended;
  }
}

export async function logIn(visit, who) {
  await visit.go("/login");
  await visit.page.fill("#name", who.name);
  await visit.page.fill("#password", who.password);
  await visit.page.click("main button");
  await visit.page.waitForURL(`${visit.board.url}/`);
}

export function walk(rig, name, options, steps) {
  test(name, async () => {
    const visit = await Visit.open(rig.browser, rig.hub, options);
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

const path = (address) => new URL(address).pathname;

export function hubWalks(rig) {
  walk(rig, "hub: before the set-up, every way leads to the login page, which says what to do", { lang: "es" }, async (visit, page) => {
    await visit.go("/people?x=1");
    assert.equal(path(page.url()), "/login");
    assert.match(await page.innerText("main"), new RegExp(visit.say("hub.login.empty")));
  });

  walk(rig, "hub: set-up link, first admin, the start page", { width: 390, height: 844 }, async (visit, page) => {
    await visit.go(path(rig.hub.link));
    await visit.shoot("hub-link-first-en-light-390");
    assert.deepEqual(await visit.findings(), []);
    await page.fill("#name", admin.name);
    await page.fill("#password", admin.password);
    await page.fill("#again", "something else");
    await page.click("main button");
    assert.match(await page.innerText(".fault"), new RegExp(visit.say("hub.people.fault.differ")));
    await page.fill("#password", admin.password);
    await page.fill("#again", admin.password);
    await page.click("main button");
    await page.waitForURL(`${rig.hub.url}/`);
    assert.match(await page.innerText("main"), new RegExp(visit.say("hub.link.welcome", admin)));
    await page.reload();
    assert.ok(!(await page.innerText("main")).includes(visit.say("hub.link.welcome", admin)), "said twice");
    assert.equal((await visit.go(path(rig.hub.link))).status(), 410, "the set-up link works twice");
  });

  walk(rig, "hub: a person is added, opens the link, may label and no more, and is disabled", { lang: "es" }, async (visit, page) => {
    await logIn(visit, admin);
    await page.click(`nav >> text=${visit.say("hub.nav.people")}`);
    await page.fill("#name", "luz");
    await page.check("input[value=labeller]");
    await page.click("main button");
    const link = await page.inputValue("#link");
    const other = await Visit.open(rig.browser, rig.hub, { lang: "es", width: 390, height: 844 });
    await other.go(path(link));
    await other.shoot("hub-link-es-light-390");
    await other.page.evaluate(() => { document.querySelector("main form").noValidate = true; }); // the hub looks itself
    await other.page.fill("#password", "corto");
    await other.page.fill("#again", "corto");
    await other.page.click("main button");
    assert.equal(await other.page.innerText(".fault"), visit.say("hub.people.fault.short", { least: 10, most: 200 }));
    await other.page.fill("#password", "cuatro calabazas");
    await other.page.fill("#again", "cuatro calabazas");
    await other.page.click("main button");
    await other.page.waitForURL(`${rig.hub.url}/`);
    assert.ok(!(await other.page.innerText("nav")).includes(visit.say("hub.nav.people")), "people are in the menu of one who may not see them");
    assert.equal((await other.go("/people")).status(), 403);

    await visit.go("/people");
    await page.click("main >> text=luz");
    await page.click(`text=${visit.say("hub.people.disable_button")}`);
    assert.match(await page.innerText("h1"), /luz/);
    await visit.shoot("hub-ask-es-light-1280");
    assert.deepEqual(await visit.findings(), []);
    await page.click("button.danger");
    await page.waitForURL(/people\/one/);
    assert.match(await page.innerText("main"), new RegExp(visit.say("hub.people.disabled", { name: "luz" })));
    await other.go("/");
    assert.equal(path(other.page.url()), "/login", "a disabled person is still in");
    await other.close();
    await visit.go("/people/changes");
    assert.match(await page.innerText("main"), new RegExp(visit.say("hub.did.person.add")));
  });

  walk(rig, "hub: an API token is shown once, works, and ends when it is revoked", {}, async (visit, page) => {
    await logIn(visit, admin);
    await page.click(".me a");
    await page.fill("#token-name", "push of models");
    await page.click(`text=${visit.say("hub.account.token_make")}`);
    const token = await page.inputValue("#token");
    await visit.go("/account");
    assert.ok(!(await page.content()).includes(token), "the token is shown again");
    const ask = async () => (await fetch(`${rig.hub.url}/api/v1/me`, { headers: { authorization: `Bearer ${token}` } })).status;
    assert.equal(await ask(), 200);
    await page.click("tbody button");
    await page.waitForSelector("[role=status]");
    assert.equal(await ask(), 401);
  });

  walk(rig, "hub: the start page changes by itself, says when the hub is gone, and leaves with the session", { lang: "es" }, async (visit, page) => {
    await logIn(visit, admin);
    const other = await Visit.open(rig.browser, rig.hub, {});
    await logIn(other, admin);
    await other.go("/people");
    await other.page.fill("#name", "nora");
    await other.page.click("main button");
    await other.page.waitForSelector("#link");
    await visit.wait(() => document.querySelector("#start").innerText.includes("nora"));
    visit.down = true; // what the browser says of it is no fault
    await visit.context.setOffline(true);
    await page.waitForSelector(".offline", { state: "visible" });
    await visit.shoot("hub-start-offline-es-light-1280");
    await visit.context.setOffline(false);
    await page.waitForSelector(".offline", { state: "hidden" });
    visit.faults = [];
    await visit.context.clearCookies({ name: "gourdian_hub" });
    await page.waitForURL(/\/login/, { timeout: 60_000 });
    visit.faults = visit.faults.filter((fault) => !/401/.test(fault));
    await other.close();
  });

  walk(rig, "hub: everything works by keyboard and without JavaScript", { script: false, width: 390, height: 844 }, async (visit, page) => {
    await visit.go("/login");
    await page.focus("#name");
    await page.keyboard.type(admin.name);
    await page.keyboard.press("Tab");
    await page.keyboard.type(admin.password);
    await page.keyboard.press("Enter");
    await page.waitForURL(`${rig.hub.url}/`);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter"); // to the content
    assert.equal(new URL(page.url()).hash, "#main");
    assert.match(await page.innerText("main"), new RegExp(visit.say("hub.start.changes")));
    assert.match(await page.innerText("main"), new RegExp(visit.say("page.no_script")));
    await page.click(`footer >> text=${visit.say("hub.logout")}`);
    await page.waitForURL(/\/login/);
  });

  walk(rig, "hub: the last admin can't be disabled, a wrong password is not let in", {}, async (visit, page) => {
    await visit.go("/login");
    await page.fill("#name", admin.name);
    await page.fill("#password", "seven green gourds");
    await page.click("main button");
    assert.match(await page.innerText(".fault"), new RegExp(visit.say("hub.people.fault.wrong")));
    await logIn(visit, admin);
    await visit.go("/people");
    await page.click(`main >> text=${admin.name}`);
    await page.click(`text=${visit.say("hub.people.disable_button")}`);
    await page.click("button.danger");
    assert.equal(await page.innerText(".fault"), visit.say("hub.people.fault.last_admin"));
  });
}

// hubJoin lets a real board join by what the page says, and looks at its page.
export function hubJoin(rig) {
  walk(rig, "hub: a board joins with a token of the page, and is renamed", {}, async (visit, page) => {
    const board = new Board("joins", "/nonexistent/model.gourdian", [{ id: "patch", name: "Patch", source: "field:seed=2029&fps=0.5&width=640&height=480" }]);
    await board.start();
    try {
      await logIn(visit, admin);
      await page.click(`text=${visit.say("hub.step.boards.first")}`);
      await page.click("main a.button");
      await page.fill("#site", "North field");
      await page.click("main button.main");
      const token = await page.inputValue("#token");
      assert.deepEqual(await visit.findings(), []);
      await visit.shoot("hub-token-en-light-1280");
      execFileSync(join(bin, "gourdian-agent"), ["--config", join(board.dir, "agent.yaml"), "join", token, "--name", "By the gate"], { stdio: "pipe" });
      await until("the board on the hub's list", async () => {
        await visit.go("/fleet");
        return (await page.innerText("main")).includes(visit.say("hub.fleet.health.failing"));
      });
      await page.click("tbody a >> text=By the gate");
      const at = page.url();
      await page.fill("[name=name]", "By the old gate");
      await page.click("form[action$='/name'] button");
      await page.waitForSelector(".line.well[role=status]");
      assert.match(await page.innerText("h1"), /By the old gate/);
      for (const lang of ["en", "es"]) {
        const other = await Visit.open(rig.browser, rig.hub, { lang });
        await logIn(other, admin);
        for (const width of [390, 1280]) await check(other, { name: "board", path: path(at) }, "light", width);
        for (const width of [390, 1280]) await check(other, { name: "fleet-one", path: "/fleet" }, "light", width);
        await other.close();
      }
    } finally {
      await board.stop();
    }
  });
}

const pages = [
  { name: "start", path: "/" },
  { name: "work", path: "/work" },
  { name: "settings", path: "/settings" },
  { name: "fleet", path: "/fleet" },
  { name: "tokens", path: "/fleet/tokens" },
  { name: "samples", path: "/samples" },
  { name: "label", path: "/label" },
  { name: "task", path: "/task" },
  { name: "doubtful", path: "/task/doubtful" },
  { name: "datasets", path: "/datasets" },
  { name: "training", path: "/training" },
  { name: "models", path: "/models" },
  { name: "rollouts", path: "/rollouts" },
  { name: "predict", path: "/predict" },
  { name: "health", path: "/health" },
  { name: "drift-empty", path: "/health/drift" },
  { name: "log", path: "/health/log" },
  { name: "config", path: "/health/config" },
  { name: "people", path: "/people" },
  { name: "changes", path: "/people/changes" },
  { name: "account", path: "/account" },
  { name: "error", path: "/nowhere", status: 404 },
  { name: "login", path: "/login", out: true },
  { name: "link-void", path: "/link/old", out: true, status: 410 },
];

export function hubPages(rig) {
  for (const lang of ["en", "es"]) {
    for (const theme of ["light", "dark"]) {
      describe(`hub, ${lang} ${theme}`, () => {
        let inside, outside;
        before(async () => {
          inside = await Visit.open(rig.browser, rig.hub, { lang, theme });
          outside = await Visit.open(rig.browser, rig.hub, { lang, theme });
          await logIn(inside, admin);
        });
        after(async () => { await inside?.close(); await outside?.close(); });
        for (const page of pages) {
          for (const width of [390, 1280]) {
            test(`hub page ${page.name}, ${lang}, ${theme}, ${width} px`, async () => { await check(page.out ? outside : inside, page, theme, width); });
          }
        }
      });
    }
  }
}

export async function check(visit, page, theme, width) {
  visit.faults = [];
  await visit.page.setViewportSize({ width, height: width < 800 ? 844 : 800 });
  const answer = await visit.go(page.path);
  assert.equal(answer.status(), page.status ?? 200);
  assert.equal(await visit.page.locator("html").getAttribute("lang"), visit.lang);
  assert.ok(!/\[[a-z_]+\.[a-z_.]+\]/.test(await visit.page.innerText("body")), "a text is missing in the catalogue");
  await visit.shoot(`hub-${page.name}-${visit.lang}-${theme}-${width}`);
  const faults = [...await visit.findings(), await visit.sideways(), ...visit.faults].filter(Boolean);
  assert.deepEqual(faults, []);
}
