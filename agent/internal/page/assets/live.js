// Keeps what a swap of live parts must not disturb: the picture does not blink,
// an open table stays open, a screen reader hears what changed and only that.
// It also says when the line to the board is broken.
"use strict";
(() => {
  const silence = 40_000; // ms without any event, the board's beat included: the line is dead
  const pause = 400; // ms between two pictures: a phone at the edge of the field shares its line
  const said = new Map();
  const open = new Set();
  let heard = Date.now();
  let shown = 0;
  let leaving = false;

  const online = (yes) => {
    if (yes) {
      heard = Date.now();
      delete document.body.dataset.offline;
    } else if (!leaving && !("offline" in document.body.dataset)) {
      document.body.dataset.offline = "";
      document.getElementById("said").textContent = document.querySelector(".offline").textContent;
    }
  };

  // The old picture stays until the new one is there; one is fetched at a time,
  // and none for a page that nobody sees.
  const showPicture = (stamp) => {
    const picture = document.getElementById(stamp.dataset.for);
    if (!picture || !picture.complete || picture.getAttribute("src") === stamp.dataset.frame) return;
    if (document.hidden || Date.now() - shown < pause) return;
    shown = Date.now();
    picture.setAttribute("src", stamp.dataset.frame);
  };

  const say = (part, name) => {
    const words = part.querySelector("[data-say]");
    if (!words) return;
    const text = words.dataset.say;
    if (said.has(name) && said.get(name) !== text) document.getElementById("said").textContent = text;
    said.set(name, text);
  };

  document.querySelectorAll("[sse-swap]").forEach((part) => say(part, part.getAttribute("sse-swap")));

  document.body.addEventListener("toggle", (event) => {
    if (event.target.id) open[event.target.open ? "add" : "delete"](event.target.id);
  }, true);

  document.body.addEventListener("htmx:sseMessage", (event) => {
    const part = event.target;
    online(true);
    part.querySelectorAll("[data-frame]").forEach(showPicture);
    part.querySelectorAll("details[id]").forEach((d) => { if (open.has(d.id)) d.open = true; });
    say(part, part.getAttribute("sse-swap"));
  });
  document.body.addEventListener("htmx:sseOpen", () => online(true));
  document.body.addEventListener("htmx:sseError", () => online(false));
  addEventListener("pagehide", () => { leaving = true; }); // which breaks the line too
  addEventListener("pageshow", () => { leaving = false; });
  addEventListener("offline", () => online(false));
  setInterval(() => { if (Date.now() - heard > silence) online(false); }, 5_000);
})();
