// Pages that show what is now are told by a stream of events. Where it is broken
// they ask every ten seconds, and where that fails too what stands on the page
// is old and the page says so.
"use strict";
(() => {
  const silence = 20_000; // ms without an event: the stream is dead
  const pause = 30_000; // ms after which a page asks all the same: who logged out elsewhere leaves
  let heard = 0;
  let asked = Date.now();

  const mark = (offline) => {
    if (offline) document.body.dataset.offline = "";
    else delete document.body.dataset.offline;
  };
  const told = () => Date.now() - heard < silence;

  document.body.addEventListener("htmx:sseMessage", () => { heard = Date.now(); mark(false); });
  // What a reader has his finger on does not move under it.
  document.body.addEventListener("htmx:sseBeforeMessage", (event) => {
    if (event.target.contains(document.activeElement)) { heard = Date.now(); event.preventDefault(); }
  });
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    if (!event.target.hasAttribute("sse-connect")) return;
    if (told() && Date.now() - asked < pause) event.preventDefault();
    else asked = Date.now();
  });
  document.body.addEventListener("htmx:afterRequest", (event) => mark(!event.detail.successful));
  document.body.addEventListener("htmx:sendError", () => mark(true));
  addEventListener("offline", () => { heard = 0; mark(true); });
})();
