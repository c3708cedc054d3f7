// The label page: keys for its buttons, zoom, and no second tap on a form that
// is on its way. Without this file every button still works.
"use strict";
(() => {
  const root = document.getElementById("label-page");
  if (!root) return;
  const picture = document.getElementById("label-picture");
  let sent = false;

  root.addEventListener("submit", (e) => {
    if (sent) e.preventDefault();
    sent = true;
  });
  addEventListener("pageshow", () => { sent = false; });

  function zoom() {
    if (picture) picture.classList.toggle("whole");
  }
  if (picture) picture.addEventListener("click", zoom);

  addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.repeat) return;
    if (e.target.closest && e.target.closest("input, select, textarea")) return;
    const key = e.key.toLowerCase();
    if (key === "z") { zoom(); return; }
    for (const button of root.querySelectorAll("button[data-key]")) {
      if (button.dataset.key === key) { e.preventDefault(); button.click(); return; }
    }
  });
})();
