// A line an agent, with the truth's errors and the forced actions on it.

function lineForm(source) {
  const episode = episodeNow(), steps = stepsOf(episode, source);
  const living = (step, agent) => {
    const value = credit(episode, source, step, agent);
    return at(episode.alive, step, agent) && Number.isFinite(value) ? value : null;
  };
  const lines = agentNumbers.map((agent) => steps.map((step) => living(step, agent)));
  const [low, high] = rangeOf(source);
  const margin = 0.08 * (high - low) || 1;
  const y = { range: [low - margin, high + margin] };
  return {
    data: [steps, ...lines],
    options: timeOptions(y, { size: 48, values: axisNumbers, space: 20 }, agentNumbers.map((agent) => lineOf(source, agent)), {
      drawAxes: [(plot) => drawBase(plot, source)],
      draw: [(plot) => drawErrors(plot, episode, source), (plot) => drawForced(plot, episode, source)],
    }),
    agentAt: (plot, step, height) => nearestLine(plot, episode, source, step, height),
  };
}

// Advantages share one scale, if so wished; ratios and traces have one of their own.
function rangeOf(source) {
  const episode = episodeNow();
  if (source.weight) return [0, extent(episode, source)[1]];
  if (!store.shared) return extent(episode, source);
  const extents = shownSources().filter((each) => !each.weight).map((each) => extent(episode, each));
  return [Math.min(...extents.map(([low]) => low)), Math.max(...extents.map(([, high]) => high))];
}

// As many decimals as the distance between two ticks has.
const axisNumbers = (plot, values) => {
  const apart = values.length > 1 ? values[1] - values[0] : 1;
  const places = [0, 1, 2, 3, 4, 5].find((count) => Math.abs(apart * 10 ** count - Math.round(apart * 10 ** count)) < 1e-6) || 0;
  return values.map((value) => plain(value, places).replace("-", "−"));
};

function lineOf(source, agent) {
  const lit = () => litAgent() === null || litAgent() === agent;
  return {
    stroke: () => (lit() ? colourOf(agent) : faded(colourOf(agent), 0.16)),
    width: page.agents > 8 ? 1.25 : 1.75,
    dash: dashOf(agent),
    spanGaps: Boolean(source.truth),
    points: { show: Boolean(source.truth), size: 4, fill: () => (lit() ? colourOf(agent) : faded(colourOf(agent), 0.16)) },
  };
}

function drawBase(plot, source) {
  const y = plot.valToPos(source.base, "y", true);
  const { left, width } = plot.bbox;
  line(plot.ctx, [[left, y], [left + width, y]], colours.quiet, uPlot.pxRatio);
}

function drawErrors(plot, episode, source) {
  if (!source.truth) return;
  for (const step of stepsOf(episode, source)) {
    for (const agent of agentNumbers) {
      if (!at(episode.alive, step, agent)) continue;
      const opacity = litAgent() === null ? 0.55 : litAgent() === agent ? 1 : 0.1;
      drawError(plot, step, credit(episode, source, step, agent), creditError(episode, source, step, agent), faded(colourOf(agent), opacity));
    }
  }
}

function drawError(plot, step, value, error, colour) {
  const x = plot.valToPos(step, "x", true), foot = 2.5 * uPlot.pxRatio;
  const [low, high] = [value - error, value + error].map((each) => plot.valToPos(each, "y", true));
  line(plot.ctx, [[x, low], [x, high]], colour, 1.25 * uPlot.pxRatio);
  for (const y of [low, high]) line(plot.ctx, [[x - foot, y], [x + foot, y]], colour, 1.25 * uPlot.pxRatio);
}

function drawForced(plot, episode, source) {
  const pen = plot.ctx, ratio = uPlot.pxRatio;
  for (const step of stepsOf(episode, source)) {
    for (const agent of forcedAt(episode, step)) {
      const value = credit(episode, source, step, agent);
      if (!Number.isFinite(value)) continue;
      pen.globalAlpha = litAgent() === null || litAgent() === agent ? 1 : 0.25;
      ring(pen, plot.valToPos(step, "x", true), plot.valToPos(value, "y", true), 5.5 * ratio, colours.warn);
      pen.globalAlpha = 1;
    }
  }
}

function nearestLine(plot, episode, source, step, height) {
  const distances = agentNumbers.map((agent) => {
    const value = at(episode.alive, step, agent) ? credit(episode, source, step, agent) : NaN;
    return Number.isFinite(value) ? Math.abs(plot.valToPos(value, "y") - height) : Infinity;
  });
  const nearest = distances.indexOf(Math.min(...distances));
  return distances[nearest] < 24 ? nearest : null;
}
