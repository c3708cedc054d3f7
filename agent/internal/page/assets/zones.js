// Draws the zones of each camera on its picture, to be moved and sized by
// pointer or keys. The number fields stay the truth: a drag writes them, typing
// moves the square, and without this script they are the whole editor.
"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const least = 5; // per cent of the shorter edge
  const make = (name, attributes, parent) => {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    parent.append(element);
    return element;
  };
  const clamp = (v, low, high) => Math.min(Math.max(v, low), high);
  // As the reader's language writes it; the board reads both.
  const written = (v) => {
    const text = String(Math.round(v * 100) / 100);
    return document.documentElement.lang === "es" ? text.replace(".", ",") : text;
  };

  class Zone {
    constructor(editor, row) {
      this.editor = editor;
      this.row = row;
      this.field = (name) => row.querySelector(`input[name$=".${name}"]`);
      this.group = make("g", { tabindex: 0, role: "button" }, editor.svg);
      this.under = make("rect", { class: "square under" }, this.group);
      this.square = make("rect", { class: "square" }, this.group);
      this.label = make("text", {}, this.group);
      this.corner = make("rect", { class: "corner", width: 12, height: 12 }, this.group);
      this.touch = make("circle", { class: "touch" }, this.group);
      row.addEventListener("input", () => this.draw());
      this.group.addEventListener("keydown", (event) => this.key(event));
      this.group.addEventListener("pointerdown", (event) => this.grab(event));
      this.draw();
    }

    // read returns the square in the picture's units, moved inside as the board does it.
    read() {
      const { w, h } = this.editor;
      const number = (name) => parseFloat(this.field(name).value.replace(",", ".")) || 0;
      const side = (clamp(number("side"), least, 100) / 100) * Math.min(w, h);
      return {
        side,
        x: clamp((number("x") / 100) * w, 0, w - side),
        y: clamp((number("y") / 100) * h, 0, h - side),
      };
    }

    write({ x, y, side }) {
      const { w, h } = this.editor;
      const short = Math.min(w, h);
      side = clamp(side, (least / 100) * short, short);
      this.field("side").value = written((side / short) * 100);
      this.field("x").value = written((clamp(x, 0, w - side) / w) * 100);
      this.field("y").value = written((clamp(y, 0, h - side) / h) * 100);
      this.draw();
    }

    draw() {
      const { x, y, side } = this.read();
      const name = this.field("id").value;
      for (const rect of [this.under, this.square]) {
        for (const [key, value] of [["x", x], ["y", y], ["width", side], ["height", side]]) rect.setAttribute(key, value);
      }
      this.label.textContent = name;
      this.label.setAttribute("x", x + 6);
      this.label.setAttribute("y", y + 16);
      this.corner.setAttribute("x", x + side - 6);
      this.corner.setAttribute("y", y + side - 6);
      this.touch.setAttribute("cx", x + side);
      this.touch.setAttribute("cy", y + side);
      this.touch.setAttribute("r", 22 / this.editor.scale());
      this.group.setAttribute("aria-label", name || this.row.getAttribute("aria-label"));
      this.group.classList.toggle("gone", this.field("remove").checked);
    }

    key(event) {
      const step = this.editor.w / 100;
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (way) {
        const { x, y, side } = this.read();
        if (event.shiftKey) this.write({ x, y, side: side + (way[0] + way[1]) * step });
        else this.write({ x: x + way[0] * step, y: y + way[1] * step, side });
      } else if (event.key === "Delete" || event.key === "Backspace") {
        this.field("remove").checked = !this.field("remove").checked;
        this.draw();
      } else return;
      event.preventDefault();
    }

    grab(event) {
      const size = event.target === this.corner || event.target === this.touch;
      const from = this.editor.point(event);
      const was = this.read();
      const move = (e) => {
        const to = this.editor.point(e);
        const dx = to.x - from.x, dy = to.y - from.y;
        if (size) this.write({ ...was, side: Math.min(was.side + Math.max(dx, dy), this.editor.w - was.x, this.editor.h - was.y) });
        else this.write({ ...was, x: was.x + dx, y: was.y + dy });
      };
      const target = event.target;
      target.setPointerCapture(event.pointerId);
      target.addEventListener("pointermove", move);
      const end = () => target.removeEventListener("pointermove", move);
      target.addEventListener("pointerup", end, { once: true });
      target.addEventListener("pointercancel", end, { once: true });
      this.group.focus();
      event.preventDefault();
    }
  }

  class Editor {
    constructor(fieldset, svg) {
      this.svg = svg;
      const box = svg.viewBox.baseVal;
      this.w = box.width;
      this.h = box.height;
      svg.removeAttribute("aria-hidden");
      this.blank = fieldset.querySelector("[data-new]");
      this.pattern = this.blank.querySelector(".zone-row");
      this.pattern.remove();
      this.rows = [...fieldset.querySelectorAll(".zone-row")];
      if (this.rows.length) svg.replaceChildren();
      this.zones = this.rows.map((row) => new Zone(this, row));
      fieldset.querySelector("[data-how]").hidden = false;
      const add = fieldset.querySelector("[data-add]");
      add.hidden = false;
      add.addEventListener("click", () => this.add());
      addEventListener("resize", () => this.zones.forEach((zone) => zone.draw()));
    }

    scale() { return this.svg.clientWidth / this.w || 1; }

    point(event) {
      const at = this.svg.getBoundingClientRect();
      return { x: ((event.clientX - at.left) / at.width) * this.w, y: ((event.clientY - at.top) / at.height) * this.h };
    }

    // add makes a row of the empty one, with the next number and a free name.
    add() {
      const row = this.pattern.cloneNode(true);
      const old = this.pattern.dataset.row, next = Number(old) + this.zones.length - this.rows.length;
      row.dataset.row = next;
      for (const element of row.querySelectorAll("*")) {
        for (const name of ["id", "name", "for", "aria-describedby"]) {
          const value = element.getAttribute(name);
          if (value) element.setAttribute(name, value.replaceAll(`.zone.${old}.`, `.zone.${next}.`));
        }
      }
      row.querySelectorAll("[hidden]").forEach((element) => { element.hidden = false; });
      row.querySelectorAll("[data-hint]").forEach((element) => element.remove());
      this.blank.append(row);
      const names = this.zones.map((zone) => zone.field("id").value);
      let n = this.zones.length + 1;
      while (names.includes(String(n))) n++;
      row.querySelector('input[name$=".id"]').value = n;
      if (!this.zones.length) this.svg.replaceChildren(); // the middle of the picture, used without a zone
      const zone = new Zone(this, row);
      this.zones.push(zone);
      const side = Math.min(this.w, this.h) / 2;
      zone.write({ side, x: (this.w - side) / 2, y: (this.h - side) / 2 });
      zone.group.focus();
    }
  }

  for (const fieldset of document.querySelectorAll("[data-zones]")) {
    const svg = fieldset.querySelector(".editor svg");
    if (svg) new Editor(fieldset, svg);
  }
})();
