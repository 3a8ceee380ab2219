// A row an agent and a column a step, coloured by credit: for large teams and long episodes.

function mapForm(source) {
  const episode = episodeNow(), steps = stepsOf(episode, source);
  const picture = pictureOf(episode, source);
  const y = { range: [-0.5, page.agents - 0.5], dir: -1 };
  const whole = { incrs: [1, 2, 5, 10], values: (plot, values) => values.map((value) => (Number.isInteger(value) && value >= 0 && value < page.agents ? `agent ${value}` : "")), space: 16, size: 56, grid: { show: false } };
  return {
    data: [steps, ...agentNumbers.map((agent) => steps.map(() => agent))],
    options: timeOptions(y, whole, agentNumbers.map(() => ({ paths: () => null, points: { show: false } })), {
      draw: [(plot) => drawPicture(plot, picture), dimOthers, (plot) => markForced(plot, episode, source)],
    }),
    agentAt: (plot, step, height) => {
      const agent = Math.round(plot.posToVal(height, "y"));
      return agent >= 0 && agent < page.agents ? agent : null;
    },
  };
}

function pictureOf(episode, source) {
  const canvas = element("canvas", { width: episode.length, height: page.agents });
  const pen = canvas.getContext("2d"), most = Math.max(...rangeOf(source).map((each) => Math.abs(each - source.base))) || 1;
  const steps = stepsOf(episode, source);
  steps.forEach((step, place) => {
    const [begin, width] = blockOf(steps, place);
    for (const agent of agentNumbers) {
      const value = credit(episode, source, step, agent) - source.base;
      if (!at(episode.alive, step, agent) || !Number.isFinite(value)) continue;
      pen.fillStyle = faded(value < 0 ? colours.cost : colours.gain, Math.min(1, Math.abs(value) / most) ** 0.6);
      pen.fillRect(begin, agent, width, 1);
    }
  });
  return canvas;
}

// Where steps are left out, a step stands for half of those around it, so that it can be seen.
function blockOf(steps, place) {
  const apart = Math.min(steps[place + 1] - steps[place] || Infinity, steps[place] - steps[place - 1] || Infinity);
  const width = apart < Infinity ? Math.max(1, Math.floor(apart / 2)) : 1;
  return [steps[place] - Math.floor((width - 1) / 2), width];
}

function drawPicture(plot, picture) {
  const { left, top, width, height } = plot.bbox;
  plot.ctx.imageSmoothingEnabled = false;
  plot.ctx.drawImage(picture, left, top, width, height);
}

function dimOthers(plot) {
  if (litAgent() === null) return;
  const { left, top, width, height } = plot.bbox, row = height / page.agents;
  plot.ctx.fillStyle = faded(colours.card, 0.75);
  plot.ctx.fillRect(left, top, width, row * litAgent());
  plot.ctx.fillRect(left, top + row * (litAgent() + 1), width, height - row * (litAgent() + 1));
}

function markForced(plot, episode, source) {
  const pen = plot.ctx, { width, height } = plot.bbox;
  const [wide, high] = [width / episode.length, height / page.agents];
  const narrow = wide < 4 * uPlot.pxRatio;
  Object.assign(pen, { strokeStyle: colours.warn, lineWidth: (narrow ? 1 : 1.5) * uPlot.pxRatio });
  for (const step of stepsOf(episode, source)) {
    for (const agent of forcedAt(episode, step)) {
      const [x, y] = [plot.valToPos(step, "x", true), plot.valToPos(agent, "y", true)];
      if (narrow) line(pen, [[x, y - high / 2], [x, y + high / 2]], colours.warn, uPlot.pxRatio);
      else pen.strokeRect(x - wide / 2, y - high / 2, wide, high);
    }
  }
}
