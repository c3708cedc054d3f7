// A real board of its own: started from the built programs on a free port with
// an empty data folder, asked by its interface, killed in parts.
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const bin = process.env.GOURDIAN_BIN;
const boards = process.env.GOURDIAN_BOARDS;
const patience = 90_000; // ms; the machine may be slow and busy

// until asks again and again until look gives something, and fails with the
// last fault when it never does.
export async function until(what, look, limit = patience) {
  const end = Date.now() + limit;
  let fault = "";
  for (;;) {
    try {
      const seen = await look();
      if (seen) return seen;
    } catch (error) {
      fault = `: ${error.message}`;
    }
    if (Date.now() > end) throw new Error(`waited ${limit / 1000} s for ${what}${fault}`);
    await new Promise((resolve) => { setTimeout(resolve, 150); });
  }
}

export class Board {
  // cameras are {id, name, source, fps}.
  constructor(name, model, cameras) {
    Object.assign(this, { name, model, cameras, listen: "127.0.0.1:0", dir: join(boards, name) });
    mkdirSync(this.dir, { recursive: true });
  }

  async start() {
    const config = join(this.dir, "agent.yaml");
    writeFileSync(config, JSON.stringify({ // JSON is YAML
      data: join(this.dir, "data"), listen: this.listen, model: { bundle: this.model }, cameras: this.cameras,
    }));
    const path = join(this.dir, `agent-${Date.now()}.log`), log = openSync(path, "w");
    this.process = spawn(join(bin, "gourdian-agent"), ["--config", config], { stdio: ["ignore", "ignore", log] });
    closeSync(log);
    this.ended = new Promise((resolve) => { this.process.once("exit", resolve); });
    const address = await until(`the page of board ${this.name} (see ${path})`, () => {
      if (this.process.exitCode !== null) throw new Error(readFileSync(path, "utf8"));
      return /device page is served.*address=(\S+)/.exec(readFileSync(path, "utf8"))?.[1];
    });
    this.listen = address; // the same one after a restart
    this.url = `http://${address}`;
  }

  async stop() {
    this.process.kill("SIGTERM");
    await this.ended;
  }

  async get(path) {
    const answer = await fetch(this.url + path);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  status() { return this.get("/api/v1/status"); }

  async records(query = "") { return (await this.get(`/api/v1/records${query}`)).records; }

  // worker returns the process of one of this board's own workers.
  worker(program) {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      try {
        const parent = /^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1];
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")[0];
        if (Number(parent) === this.process.pid && command.endsWith(program)) return Number(pid);
      } catch { /* it ended while we looked */ }
    }
    return null;
  }
}
