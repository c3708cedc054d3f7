// Keeps what a swap of live parts must not disturb: the picture does not blink,
// an open table stays open, a screen reader hears what changed and only that.
// It also says when the line to the board is broken.
"use strict";
(() => {
  const silence = 40_000; // ms without any event, the board's beat included: the line is dead
  const said = new Map();
  const open = new Set();
  let heard = Date.now();

  const online = (yes) => {
    if (yes) heard = Date.now();
    if (yes) delete document.body.dataset.offline;
    else document.body.dataset.offline = "";
  };

  // The old picture stays until the new one is there; one is fetched at a time.
  const showPicture = (stamp) => {
    const picture = document.getElementById(stamp.dataset.for);
    if (!picture || !picture.complete || picture.getAttribute("src") === stamp.dataset.frame) return;
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
  addEventListener("offline", () => online(false));
  setInterval(() => { if (Date.now() - heard > silence) online(false); }, 5_000);
})();
