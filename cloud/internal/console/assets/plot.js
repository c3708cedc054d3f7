// Draws the plots over time: a line, the band of what is usual, a ring around
// days that stood out, and what happened. The table beside a plot says the same.
"use strict";
(() => {
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const height = 200;

  // marks draws what happened as lines with a word each.
  const marks = (list) => (plot) => {
    const { ctx } = plot;
    const ratio = window.devicePixelRatio || 1;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = colour("--accent");
    ctx.font = `${12 * ratio}px system-ui, sans-serif`;
    ctx.lineWidth = ratio;
    ctx.setLineDash([4 * ratio, 3 * ratio]);
    list.forEach((mark, row) => {
      const x = plot.valToPos(mark.at, "x", true);
      if (x < plot.bbox.left || x > plot.bbox.left + plot.bbox.width) return;
      ctx.beginPath();
      ctx.moveTo(x, plot.bbox.top);
      ctx.lineTo(x, plot.bbox.top + plot.bbox.height);
      ctx.stroke();
      const right = x > plot.bbox.left + plot.bbox.width / 2;
      ctx.textAlign = right ? "right" : "left";
      ctx.fillText(mark.text, x + (right ? -4 : 4) * ratio, plot.bbox.top + (12 + 14 * (row % 3)) * ratio);
    });
    ctx.restore();
  };

  // within gives a scale some room, and a share none beyond its ends.
  const within = (low, high, unit) => {
    const room = Math.max((high - low) * 0.1, Math.abs(high) * 0.02, 1e-3);
    return unit.trim() === "%" ? [Math.max(0, low - room), Math.min(100, Math.max(high + room, 1))] : [Math.max(0, low - room), high + room];
  };

  const draw = (box) => {
    const data = JSON.parse(box.dataset.plot);
    const column = (i) => data.points.map((point) => point[i]);
    const stood = data.points.map((point) => (point[4] ? point[1] : null));
    const language = document.documentElement.lang;
    const first = data.points[0]?.[0] ?? 0, short = (data.points.at(-1)?.[0] ?? 0) - first < 3 * 86_400;
    const form = short ? { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } : { day: "numeric", month: "short" };
    const day = new Intl.DateTimeFormat(language, { ...form, timeZone: "UTC" });
    const value = new Intl.NumberFormat(language, { maximumSignificantDigits: 3 });
    const axis = { stroke: colour("--faint"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 } };
    const none = { stroke: "transparent", points: { show: false } };
    const plot = new uPlot({
      width: box.clientWidth, height,
      legend: { show: false }, cursor: { show: false },
      scales: { x: { time: true }, y: { range: (_, low, high) => within(low, high, data.unit) } },
      tzDate: (stamp) => uPlot.tzDate(new Date(stamp * 1e3), "Etc/UTC"),
      series: [{}, none, none, { stroke: colour("--ink"), width: 2, points: { size: 5, fill: colour("--ink") } },
        { stroke: "transparent", points: { show: true, size: 11, width: 2, stroke: colour("--bad"), fill: "transparent" } }],
      bands: [{ series: [2, 1], fill: colour("--line") }],
      axes: [{ ...axis, values: (_, stamps) => stamps.map((stamp) => day.format(stamp * 1e3)), space: 72 },
        { ...axis, size: 64, values: (_, list) => list.map((one) => value.format(one) + data.unit) }],
      hooks: { draw: [marks(data.marks)] },
    }, [column(0), column(2), column(3), column(1), stood], box);
    box.hidden = false;
    return plot;
  };

  for (const box of document.querySelectorAll("[data-plot]")) {
    if (typeof uPlot === "undefined") return;
    const plot = draw(box);
    new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height })).observe(box);
  }
})();
