// Lists with actions on many: one box for the whole page, and how many are
// chosen. Without this file the boxes and the form do the same.
"use strict";
(() => {
  const form = document.getElementById("many");
  if (!form) return;
  const picks = [...form.querySelectorAll("input[name=pick]")];
  const page = document.getElementById("pick-page");
  const picked = document.getElementById("picked");
  document.getElementById("page-row").hidden = false;
  let last = -1;

  function count() {
    const n = picks.filter((p) => p.checked).length;
    picked.textContent = n ? `(${n})` : "";
    page.checked = n > 0 && n === picks.length;
    page.indeterminate = n > 0 && n < picks.length;
  }

  page.addEventListener("change", () => {
    for (const p of picks) p.checked = page.checked;
    count();
  });
  // With the shift key held a click chooses all between it and the one before.
  form.addEventListener("click", (e) => {
    const at = picks.indexOf(e.target);
    if (at < 0) return;
    if (e.shiftKey && last >= 0) {
      for (let i = Math.min(at, last); i <= Math.max(at, last); i++) picks[i].checked = e.target.checked;
    }
    last = at;
    form.querySelector("input[name=scope][value=chosen]").checked = true;
    count();
  });
  addEventListener("pageshow", count);
  count();
})();
