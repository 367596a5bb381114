// The list of a lineage as a tree: a node for each entry, coloured by its score; a click shows what it is.
"use strict";
(() => {
  const holder = document.getElementById("tree");
  const entries = [...document.querySelectorAll("#nodes [data-id]")].map(({ dataset }) => ({
    id: dataset.id,
    parents: dataset.parents.split(" ").filter(Boolean),
    ratio: dataset.ratio === "" ? null : Number(dataset.ratio),
    state: dataset.state,
    card: dataset.card,
    best: "best" in dataset,
  }));
  const known = new Map(entries.map((entry) => [entry.id, entry]));
  const GAP = { x: 44, y: 92 };
  const LETTERS = { most: 34, shown: 12, least: 7 }; // px, of the drawing, and on the screen
  let graph = null;

  // First parents make a forest: leaves stand side by side, and whoever has children stands above their middle. Each
  // second leaf stands lower, so that there is room for what is written below it.
  const places = () => {
    const children = new Map(entries.map(({ id }) => [id, []]));
    const roots = [];
    for (const { id, parents } of entries) {
      const first = parents.find((parent) => known.has(parent) && parent !== id);
      (first ? children.get(first) : roots).push(id);
    }
    const found = new Map();
    let column = 0;
    const stack = roots.reverse().map((id) => ({ id, depth: 0, done: false }));
    while (stack.length) {
      const { id, depth, done } = stack.pop();
      const below = children.get(id);
      if (!done) {
        if (found.has(id)) continue;
        found.set(id, { x: 0, y: (depth + (below.length ? 0 : (column % 2) / 2)) * GAP.y });
        stack.push({ id, depth, done: true });
        for (const child of below.toReversed()) stack.push({ id: child, depth: depth + 1, done: false });
      } else {
        const xs = below.map((child) => found.get(child).x);
        found.get(id).x = xs.length ? (Math.min(...xs) + Math.max(...xs)) / 2 : column++ * GAP.x;
      }
    }
    return found;
  };

  const mixed = (from, to, share) => {
    const parts = (colour) => colour.match(/[\d.]+/g).slice(0, 3).map(Number);
    const [a, b] = [parts(from), parts(to)];
    return `rgb(${a.map((value, i) => Math.round(value + (b[i] - value) * share)).join(",")})`;
  };
  const scores = entries.map(({ ratio }) => ratio).filter((ratio) => ratio !== null);
  const least = Math.min(...scores, 0.99), most = Math.min(Math.max(...scores, 1.01), 2);
  const colour = (ratio) => {
    if (ratio === null) return ink("line-strong");
    if (ratio <= 1) return mixed(ink("even"), ink("cheap"), (1 - ratio) / (1 - least));
    return mixed(ink("even"), ink("dear"), Math.min(1, (ratio - 1) / (most - 1)));
  };
  document.getElementById("least").textContent = least.toFixed(2);
  document.getElementById("most").textContent = most.toFixed(2) + (scores.some((ratio) => ratio > most) ? " and more" : "");

  const letters = () => Math.min(LETTERS.most, LETTERS.shown / (graph?.zoom() ?? 1)); // as large as the room between nodes lets them be
  const style = () => [
    { selector: "node", style: { "background-color": (node) => colour(node.data("ratio")), width: (node) => (node.data("ratio") === null ? 14 : 28), height: (node) => (node.data("ratio") === null ? 14 : 28), label: (node) => (node.data("ratio") === null ? "" : node.data("ratio").toFixed(2).replace(/^0/, "")), "font-size": letters, "min-zoomed-font-size": LETTERS.least, color: ink("muted"), "text-valign": "bottom", "text-margin-y": 4, "text-background-color": ink("sunken"), "text-background-opacity": 0.8, "border-width": 0 } },
    { selector: "node[?best]", style: { width: 40, height: 40, "border-width": 3, "border-color": ink("text"), "font-weight": "bold", color: ink("text") } },
    { selector: "node:selected", style: { "border-width": 3, "border-color": ink("accent") } },
    { selector: "edge", style: { width: 1.4, "line-color": ink("line-strong"), "curve-style": "straight" } },
    { selector: "edge[?further]", style: { "line-style": "dotted", "line-color": ink("line"), "curve-style": "unbundled-bezier" } },
  ];

  const at = places();
  const wide = Math.max(1, ...[...at.values()].map(({ x }) => x)), deep = Math.max(1, ...[...at.values()].map(({ y }) => y));
  const stretch = Math.min(3, Math.max(1, (0.7 * wide * holder.clientHeight) / holder.clientWidth / deep));
  for (const place of at.values()) place.y *= stretch;
  graph = cytoscape({
    container: holder,
    elements: [
      ...entries.map((entry) => ({ data: entry, position: at.get(entry.id) })),
      ...entries.flatMap(({ id, parents }) =>
        parents.filter((parent) => known.has(parent) && parent !== id).map((parent, i) => ({ data: { source: parent, target: id, further: i > 0 } })),
      ),
    ],
    layout: { name: "preset", fit: true, padding: 44 },
    style: style(),
    minZoom: 0.05,
    maxZoom: 3,
  });
  if (graph.zoom() > 1.4) graph.zoom(1.4), graph.center();
  graph.on("zoom", () => graph.style().update());
  graph.style().update();
  holder.dataset.nodes = graph.nodes().length;

  const show = (node) => {
    graph.elements().unselect();
    node.select();
    htmx.ajax("GET", node.data("card"), { target: "#card", swap: "innerHTML" });
  };
  graph.on("tap", "node", (event) => show(event.target));
  document.addEventListener("theme", () => graph.style(style()));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => graph.style(style()));
  const fit = () => graph.fit(graph.nodes().boundingBox({ includeLabels: false }), 44); // letters depend on the zoom
  document.getElementById("fit").addEventListener("click", fit);
  const best = graph.nodes("[?best]");
  if (best.length) show(best.first());
})();
