// The predict page: a photo that was chosen, dropped or taken has its verdict
// without a further tap. Without this file the form does the same in two.
"use strict";
(() => {
  const form = document.getElementById("ask");
  if (!form) return;
  const photo = document.getElementById("photo");
  const shot = document.getElementById("shot");
  const seen = document.getElementById("seen");
  const preview = document.getElementById("preview");
  const answer = document.getElementById("answer");
  const waiting = document.getElementById("waiting");
  let asked = 0;

  if (matchMedia("(pointer: coarse)").matches) document.getElementById("camera").hidden = false;

  // A photo that is given goes with its own form, which gets the same file.
  function pass() {
    const give = document.getElementById("give-photo");
    if (!give || !photo.files.length) return;
    give.files = photo.files;
    give.closest(".field").hidden = true;
  }

  function show(html) {
    answer.innerHTML = html;
    pass();
  }

  async function ask() {
    if (!photo.files.length) return;
    const mine = ++asked;
    if (preview.src) URL.revokeObjectURL(preview.src);
    preview.src = URL.createObjectURL(photo.files[0]);
    seen.hidden = false;
    waiting.hidden = false;
    answer.replaceChildren();
    try {
      const got = await fetch(form.action, { method: "POST", body: new FormData(form), headers: { "X-Part": "answer" } });
      const html = await got.text();
      if (mine !== asked) return; // a newer photo was chosen meanwhile
      if ((got.headers.get("Content-Type") || "").startsWith("text/html")) show(html);
      else answer.textContent = answer.dataset.broken;
    } catch {
      if (mine === asked) answer.textContent = answer.dataset.broken;
    }
    if (mine === asked) waiting.hidden = true;
  }

  function take(files) {
    const list = new DataTransfer();
    if (files.length) list.items.add(files[0]);
    photo.files = list.files;
    ask();
  }

  photo.addEventListener("change", ask);
  shot.addEventListener("change", () => take(shot.files));
  form.addEventListener("submit", (e) => { e.preventDefault(); ask(); });
  addEventListener("dragover", (e) => e.preventDefault());
  addEventListener("drop", (e) => { e.preventDefault(); if (e.dataTransfer.files.length) take(e.dataTransfer.files); });
})();
