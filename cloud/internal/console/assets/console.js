// Pages that show what is now are told by a stream of events. Where it is broken
// they ask every ten seconds, and where that fails too what stands on the page
// is old and the page says so.
"use strict";
(() => {
  const silence = 20_000; // ms without an event: the stream is dead
  let heard = 0;

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
    if (event.target.hasAttribute("sse-connect") && told()) event.preventDefault();
  });
  document.body.addEventListener("htmx:afterRequest", (event) => mark(!event.detail.successful));
  document.body.addEventListener("htmx:sendError", () => mark(true));
  addEventListener("offline", () => { heard = 0; mark(true); });
})();
