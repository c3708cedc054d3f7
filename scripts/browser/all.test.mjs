// The checks in their order, on two boards: one that works, and one without a
// model that can't open one of its cameras; then on a hub.
import { after, before, describe } from "node:test";
import { Board, until } from "./board.mjs";
import { brokenChecks, checks } from "./checks.mjs";
import { launch } from "./browser.mjs";
import { faults } from "./faults.mjs";
import { Hub, hubJoin, hubPages, hubWalks } from "./hub.mjs";
import { hubDrift } from "./hubdrift.mjs";
import { hubPhotos } from "./hubphotos.mjs";
import { hubWork } from "./hubwork.mjs";
import { hubRollouts } from "./hubrollouts.mjs";
import { pages } from "./pages.mjs";
import { selfCheck, walks } from "./walks.mjs";

const rig = {
  good: new Board("good", process.env.GOURDIAN_MODEL, [{ id: "patch", name: "Patch", source: "field:seed=2027&speed=60&fps=3&width=640&height=480" }]),
  broken: new Board("broken", "/nonexistent/model.gourdian", [
    { id: "patch", name: "Patch", source: "field:seed=2028&speed=60&fps=0.5&width=640&height=480" },
    { id: "gone", name: "Gate", source: "device:/dev/video99" },
  ]),
};

describe("the page in a browser", { concurrency: false }, () => {
  before(async () => {
    [rig.browser] = await Promise.all([launch(), rig.good.start(), rig.broken.start()]);
    await until("three sightings", async () => (await rig.good.records()).length >= 3, 180_000);
    await until("the broken board to say what is wrong", async () => {
      const { conditions, cameras } = await rig.broken.status();
      return cameras[0].frame && conditions.some((c) => c.code === "model_missing") && conditions.some((c) => c.subject === "gone");
    });
  });
  after(async () => {
    await rig.browser?.close();
    await Promise.all([rig.good, rig.broken].filter((b) => b.process).map((b) => b.stop()));
  });
  selfCheck(rig);
  walks(rig);
  checks(rig);
  pages(rig);
  brokenChecks(rig);
  faults(rig);
});

const cloud = { hub: new Hub("hub") };

describe("the hub in a browser", { concurrency: false }, () => {
  before(async () => { [cloud.browser] = await Promise.all([launch(), cloud.hub.start()]); });
  after(async () => {
    await cloud.browser?.close();
    if (cloud.hub.process) await cloud.hub.stop();
  });
  hubWalks(cloud);
  hubPages(cloud);
  hubJoin(cloud);
  hubPhotos(cloud);
  hubWork(cloud);
  hubDrift(cloud);
  hubRollouts(cloud);
});
