// The best ratio so far over the trials of a run, live: the picture of the server gives way to one that can be zoomed.
"use strict";
(() => {
  const holder = document.getElementById("curve");
  const HEIGHT = 270;
  let chart = null;

  const columns = ({ points, last }) => {
    const numbers = [], ratios = [], best = [];
    let least = Infinity;
    for (const [number, ratio] of points) {
      least = Math.min(least, ratio);
      numbers.push(number);
      ratios.push(ratio);
      best.push(least);
    }
    if (points.length && last > numbers.at(-1)) {
      numbers.push(last);
      ratios.push(null);
      best.push(least);
    }
    return [numbers, ratios, best];
  };

  const options = () => {
    const axis = { stroke: ink("muted"), grid: { stroke: ink("line"), width: 1 }, ticks: { stroke: ink("line"), width: 1 } };
    return {
      width: holder.clientWidth,
      height: HEIGHT,
      scales: { x: { time: false }, y: { range: (_, low, high) => [Math.min(low, 0.98) - 0.02, Math.max(1.02, Math.min(high, 2))] } },
      axes: [{ ...axis, label: "trial", labelSize: 18, size: 34 }, { ...axis, size: 52 }],
      series: [
        { label: "trial" },
        { label: "ratio", stroke: ink("muted"), paths: () => null, points: { show: true, size: 5, fill: ink("muted"), stroke: ink("muted") }, value: (_, v) => v?.toFixed(3) ?? "–" },
        { label: "best so far", stroke: ink("accent"), width: 2, paths: uPlot.paths.stepped({ align: 1 }), points: { show: false }, value: (_, v) => v?.toFixed(3) ?? "–" },
      ],
    };
  };

  let data = null;
  const draw = () => {
    if (!data || !data[0].length) return;
    if (chart) chart.destroy();
    holder.replaceChildren();
    chart = new uPlot(options(), data, holder);
  };

  const load = async () => {
    const answer = await fetch(holder.dataset.url, { headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    data = columns(await answer.json());
    holder.dataset.points = data[0].length;
    if (chart) chart.setData(data);
    else draw();
  };

  document.addEventListener("changed", load);
  document.addEventListener("theme", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  addEventListener("resize", () => chart && chart.setSize({ width: holder.clientWidth, height: HEIGHT }));
  load();
})();
