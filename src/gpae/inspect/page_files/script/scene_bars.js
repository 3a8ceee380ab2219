// Episodes without a picture: a row an agent, its credit to the right of the middle or to the left.

function barScene() {
  const rowHeight = (height) => (height - 24) / page.agents;

  function draw(pen, width, height, time) {
    const source = sourceNamed(store.lens), episode = episodeNow(), step = stepNow();
    const most = largestCredit(episode, source) || 1, high = rowHeight(height), middle = width / 2;
    line(pen, [[middle, 12], [middle, height - 12]], colours.hair, 1);
    for (const agent of agentNumbers) {
      const value = credit(episode, source, step, agent), y = 12 + (agent + 0.5) * high;
      const lit = litAgent() === null || litAgent() === agent;
      const reach = Number.isFinite(value) ? (value / most) * (width / 2 - 84) : 0;
      pen.fillStyle = faded(colourOf(agent), lit ? 1 : 0.3);
      pen.fillRect(Math.min(middle, middle + reach), y - high * 0.3, Math.abs(reach), high * 0.6);
      const text = { size: Math.max(8, Math.min(13, high * 0.6)), colour: faded(colours.ink, lit ? 1 : 0.4) };
      write(pen, `agent ${agent}`, 12, y, { ...text, align: "left" });
      write(pen, signed(value), width - 12, y, { ...text, align: "right" });
    }
  }

  function find(x, y) {
    const canvas = byId("battle").getBoundingClientRect();
    const agent = Math.floor((y - 12) / rowHeight(canvas.height));
    return agent >= 0 && agent < page.agents ? agent : null;
  }

  return { draw, find, smooth: false };
}
