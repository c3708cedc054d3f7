// Chromium with eyes open: everything that a page does beyond showing itself is
// noted (requests to other hosts, errors in the console, broken content policy).
import { createRequire } from "node:module";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const root = new URL("../../", import.meta.url).pathname;
const require = createRequire(join(root, ".cache/npm/"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const texts = Object.assign({}, ...readdirSync(join(root, "internal/web/texts"))
  .map((name) => JSON.parse(readFileSync(join(root, "internal/web/texts", name), "utf8"))));

// say returns a text of the catalogue as the page writes it.
export function say(lang, key, values = {}) {
  if (!texts[key]) throw new Error(`the catalogue has no ${key}`);
  return texts[key][lang].replaceAll(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

const brokenStream = "[object Event]"; // what htmx logs of a stream that ended

export function launch() {
  const flags = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"];
  if (process.getuid() === 0) flags.push("--no-sandbox");
  return chromium.launch({ executablePath: "/usr/bin/chromium", args: flags });
}

// Visit is one reader with one window.
export class Visit {
  static async open(browser, board, options = {}) {
    const visit = new Visit();
    visit.board = board;
    visit.faults = [];
    visit.lang = options.lang ?? "en";
    visit.context = await browser.newContext({
      locale: visit.lang === "es" ? "es-ES" : "en-GB",
      colorScheme: options.theme ?? "light",
      viewport: { width: options.width ?? 1280, height: options.height ?? 800 },
      javaScriptEnabled: options.script ?? true,
    });
    visit.context.setDefaultTimeout(60_000);
    visit.context.on("request", (request) => visit.note(request));
    visit.page = await visit.context.newPage();
    visit.page.on("console", (message) => visit.hear(message));
    visit.page.on("framenavigated", () => visit.left());
    visit.page.on("pageerror", (error) => visit.faults.push(`script: ${error.message}`));
    return visit;
  }

  note(request) {
    const url = new URL(request.url());
    if (url.origin !== new URL(this.board.url).origin) this.faults.push(`a request left the host: ${url.href.slice(0, 100)}`);
  }

  hear(message) {
    if (message.type() !== "error" && message.type() !== "warning") return;
    // The browser says that an error page is one; that is what it is for.
    if (message.location().url === this.page.url() && /status of 4\d\d/.test(message.text())) return;
    // While the board is down, its reader can only try again.
    if (this.down && (message.text() === brokenStream || /net::ERR_|Failed to load/.test(message.text()))) return;
    if (message.text() === brokenStream) this.brokenAt = Date.now();
    this.faults.push(`console: ${message.text()}`);
  }

  // left forgives a page that its stream broke off as it was left.
  left() {
    if (Date.now() - this.brokenAt < 2000) this.faults = this.faults.filter((fault) => fault !== `console: ${brokenStream}`);
  }

  async go(path) {
    const answer = await this.page.goto(this.board.url + path, { waitUntil: "load" });
    await this.page.evaluate(() => document.fonts.ready);
    return answer;
  }

  say(key, values) { return say(this.lang, key, values); }

  // wait waits until a function, run in the page, gives true.
  wait(look, argument) { return this.page.waitForFunction(look, argument, { polling: 100, timeout: 90_000 }); }

  // findings are the accessibility faults that keep people out.
  async findings() {
    await this.page.evaluate(`if (!window.axe) { ${axe} }`);
    const { violations } = await this.page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"], preload: false }));
    return violations.filter((v) => v.impact === "serious" || v.impact === "critical")
      .map((v) => `${v.impact} ${v.id}: ${v.help}; ${v.nodes.slice(0, 3).map((n) => `${n.target.join(" ")} ${n.any[0]?.message ?? ""}`).join("; ")}`);
  }

  // sideways names what makes the page scroll sideways, "" when nothing does.
  sideways() {
    return this.page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.documentElement;
      if (scrollWidth <= clientWidth) return "";
      const wide = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > clientWidth + 1)
        .map((e) => e.tagName.toLowerCase() + (e.className?.baseVal ?? e.className ? `.${e.className?.baseVal ?? e.className}` : ""));
      return `${scrollWidth} px wide in ${clientWidth}: ${wide.slice(0, 5).join(", ")}`;
    });
  }

  // shoot takes the whole page, in a window as high as it is: bars that stick to
  // the window's edge then stand where they belong.
  async shoot(name) {
    const window = this.page.viewportSize();
    const height = await this.page.evaluate(async () => {
      for (const image of document.images) image.loading = "eager";
      await Promise.all([...document.images].map((image) => image.decode().catch(() => {})));
      return document.documentElement.scrollHeight;
    });
    await this.page.setViewportSize({ width: window.width, height: Math.max(height, window.height) });
    await this.page.screenshot({ path: join(root, ".cache/screenshots", `${name}.png`), animations: "disabled" });
    await this.page.setViewportSize(window);
  }

  // choosePIN chooses the board's PIN or gives it.
  async givePIN(pin, next = "/settings") {
    await this.go(`/pin?next=${encodeURIComponent(next)}`);
    await this.page.fill("#pin", pin);
    if (await this.page.locator("#again").count()) await this.page.fill("#again", pin);
    await this.page.click("main button");
    await this.page.waitForURL(this.board.url + next);
  }

  close() { return this.context.close(); }
}
