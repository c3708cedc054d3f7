// Says when the hub does not answer any more: what stands on the page is old then.
"use strict";
(() => {
  const mark = (offline) => {
    if (offline) document.body.dataset.offline = "";
    else delete document.body.dataset.offline;
  };
  document.body.addEventListener("htmx:afterRequest", (event) => mark(!event.detail.successful));
  document.body.addEventListener("htmx:sendError", () => mark(true));
  addEventListener("offline", () => mark(true));
})();
