// A chart a source, one under the other, with the same time axis and one cursor in all.

let charts = [];

// So high that the charts and the numbers of a small team fit into the window together.
function chartHeight() {
  if (store.view === "map") return 40 + Math.max(80, Math.min(16, 340 / page.agents) * page.agents);
  const free = window.innerHeight - 330 - 30 * Math.min(page.agents, 6);
  return Math.round(Math.max(116, Math.min(210, free / Math.max(1, store.shown.size) - 46)));
}

function buildCharts() {
  charts.forEach((chart) => chart.plot.destroy());
  const home = byId("charts");
  home.replaceChildren();
  charts = shownSources().map((source) => chartOf(source, home));
  moveCursors();
}

function chartOf(source, home) {
  const holder = element("div", { class: "plot" });
  const card = element("figure", { class: "chart", "data-source": source.name, "aria-label": `${source.label} over time` }, headOf(source), holder);
  card.style.margin = 0;
  home.append(card);
  const form = store.view === "map" ? mapForm(source) : lineForm(source);
  const size = { width: Math.max(120, holder.clientWidth), height: chartHeight() };
  const plot = new uPlot({ ...form.options, ...size, legend: { show: false }, cursor: { show: false } }, form.data, holder);
  const now = element("div", { class: "now" });
  plot.over.append(now);
  followPointer(plot, source, form.agentAt);
  return { plot, now, holder };
}

function headOf(source) {
  const agreement = episodeNow().agreement[source.name];
  const title = element("h2", {}, source.label, element("small", {}, source.note));
  const right = element("p", { class: "quiet" });
  if (agreement) {
    right.textContent = `rank correlation with truth ${plain(agreement.rank_correlation, 2).replace("-", "−")}, same sign ${Math.round(100 * agreement.sign_agreement)} %`;
  }
  return element("header", {}, title, right);
}

// Options of both forms: a step is one unit wide, from half a step before it to half a step after.
function timeOptions(y, yAxis, series, hooks) {
  const axis = { stroke: colours.quiet, font: "11px ui-sans-serif, system-ui, sans-serif", ticks: { show: false }, grid: { stroke: colours.grid, width: 1 } };
  return {
    padding: [10, 6, 0, 0],
    scales: { x: { time: false, range: [-0.5, episodeNow().length - 0.5] }, y },
    axes: [
      { ...axis, size: 22, gap: 2, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500] },
      { ...axis, size: 48, gap: 4, ...yAxis },
    ],
    series: [{}, ...series],
    hooks: Object.fromEntries(Object.entries(hooks).map(([name, draws]) => [name, draws.map(leavingNoTrace)])),
  };
}

// uPlot remembers the pen's colours instead of setting them again: a drawing of our own puts them back.
function leavingNoTrace(draw) {
  return (plot) => {
    plot.ctx.save();
    draw(plot);
    plot.ctx.restore();
  };
}

function followPointer(plot, source, agentAt) {
  const over = plot.over;
  const stepUnder = (event) => {
    const x = event.clientX - over.getBoundingClientRect().left;
    return Math.max(0, Math.min(episodeNow().length - 1, Math.round(plot.posToVal(x, "x"))));
  };
  const point = (event) => {
    const y = event.clientY - over.getBoundingClientRect().top;
    change({ hovered: agentAt(plot, stepUnder(event), y) });
  };
  over.addEventListener("pointerdown", (event) => {
    over.setPointerCapture(event.pointerId);
    change({ playing: false });
    goTo(stepUnder(event));
  });
  over.addEventListener("pointermove", (event) => {
    if (event.buttons) goTo(stepUnder(event));
    point(event);
  });
  over.addEventListener("pointerleave", () => change({ hovered: null }));
}

function moveCursors() {
  const time = store.playing ? store.time : stepNow();
  for (const { plot, now } of charts) now.style.transform = `translateX(${plot.valToPos(Math.min(time, episodeNow().length - 0.5), "x")}px)`;
}

const redrawCharts = oncePerFrame(() => charts.forEach(({ plot }) => plot.redraw(false)));
const rebuildCharts = oncePerFrame(buildCharts);

const resizeCharts = oncePerFrame(() => {
  for (const { plot, holder } of charts) {
    if (holder.clientWidth && holder.clientWidth !== plot.width) plot.setSize({ width: holder.clientWidth, height: plot.height });
  }
  moveCursors();
});

function startCharts() {
  listen("episode view shared shown theme", rebuildCharts);
  listen("hovered kept", redrawCharts);
  listen("time playing", moveCursors);
  new ResizeObserver(resizeCharts).observe(byId("charts"));
  buildCharts();
}
