// The best ratio so far over the trials of a run, live: the picture of the server gives way to one that can be zoomed.
"use strict";
(() => {
  const HEIGHT = 270;
  const WHOLE = [...Array(9).keys()].flatMap((power) => [1, 2, 5].map((step) => step * 10 ** power));
  let chart = null;

  const read = () => {
    const told = document.getElementById("points");
    if (!told) return null;
    const rows = new Map(JSON.parse(told.dataset.points).map(([number, ratio]) => [number, [ratio, null]]));
    const steps = JSON.parse(told.dataset.steps), last = Number(told.dataset.last);
    for (const [number, ratio] of steps) rows.set(number, [rows.get(number)?.[0] ?? ratio, ratio]);
    if (!rows.has(last)) rows.set(last, [null, null]);
    const numbers = [...rows.keys()].sort((a, b) => a - b);
    let best = null;
    const line = numbers.map((number) => (best = rows.get(number)[1] ?? best));
    return [numbers, numbers.map((number) => rows.get(number)[0]), line];
  };

  const options = (holder) => {
    const font = `12px ${getComputedStyle(document.body).fontFamily}`;
    const axis = { font, labelFont: font, stroke: ink("muted"), grid: { stroke: ink("line"), width: 1 }, ticks: { stroke: ink("line"), width: 1 } };
    return {
      width: holder.clientWidth,
      height: HEIGHT,
      scales: { x: { time: false }, y: { range: (_, low, high) => [Math.min(low, 0.98) - 0.02, Math.max(1, Math.min(high, 2)) + 0.02] } },
      axes: [{ ...axis, incrs: WHOLE, label: "trial", labelSize: 18, size: 34 }, { ...axis, size: 52 }],
      legend: { markers: { show: false } },
      series: [
        { label: "trial" },
        { label: "ratio", stroke: ink("muted"), paths: () => null, points: { show: true, size: 5, fill: ink("muted"), stroke: ink("muted") }, value: (_, v) => v?.toFixed(3) ?? "–" },
        { label: "best so far", stroke: ink("accent"), width: 2, paths: uPlot.paths.stepped({ align: 1 }), points: { show: false }, value: (_, v) => v?.toFixed(3) ?? "–" },
      ],
    };
  };

  const draw = () => {
    const data = read(), holder = document.getElementById("curve");
    if (!data || !holder) return;
    if (chart) chart.destroy();
    holder.replaceChildren();
    chart = new uPlot(options(holder), data, holder);
    holder.dataset.shown = data[0].length;
  };

  const update = () => {
    const data = read(), holder = document.getElementById("curve");
    if (!chart || !holder?.contains(chart.root)) return draw();
    chart.setData(data);
    holder.dataset.shown = data[0].length;
  };

  document.addEventListener("htmx:after:swap", update);
  document.addEventListener("theme", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  addEventListener("resize", () => chart && chart.setSize({ width: chart.root.parentElement.clientWidth, height: HEIGHT }));
  draw();
  document.fonts.ready.then(() => chart && chart.redraw(false, true)); // letters that were drawn before their font had come
})();
