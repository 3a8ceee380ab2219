// Episodes of units in the plane: allies in their colours with health and credit, the others grey.

function unitScene(scene) {
  const { positions, health, shapes, radii, sides, agents, targets, notes } = scene;
  const moments = positions.shape[0], units = positions.shape[1];
  const crowded = units > 24;
  const cameras = camerasOf(scene);
  const foes = each(units, (unit) => unit).filter((unit) => sides[unit] === "opponent");
  let view = null;

  const place = (moment, unit) => [0, 1].map((axis) => at(positions, moment, unit, axis));

  // Where a unit is at a moment between two steps.
  function whereabouts(time, unit) {
    const moment = Math.min(Math.floor(time), moments - 1), next = Math.min(moment + 1, moments - 1);
    const [from, to] = [place(moment, unit), place(next, unit)];
    const share = time - moment;
    return view.point(from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * share);
  }

  const healthAt = (time, unit) => at(health, Math.min(Math.floor(time), moments - 1), unit);
  const colourOfUnit = (unit) => (agents[unit] < 0 ? colours.foe : colourOf(agents[unit]));
  const size = (unit) => {
    const reach = radii[unit] * view.scale;
    return sides[unit] === "landmark" ? Math.max(4, reach) : Math.max(crowded ? 7 : 10, Math.min(crowded ? 13 : 22, reach));
  };

  function draw(pen, width, height, time) {
    view = viewOf(cameras, time, width, height);
    drawField(pen, view, width, height);
    each(units, (unit) => drawTrail(pen, unit, time));
    each(units, (unit) => drawTarget(pen, unit, time));
    if (crowded) each(units, (unit) => drawGlow(pen, unit, time));
    each(units, (unit) => drawUnit(pen, unit, time));
    const labels = [];
    const byHeight = each(units, (unit) => unit).sort((first, second) => whereabouts(time, second)[1] - whereabouts(time, first)[1]);
    byHeight.forEach((unit) => drawCredit(pen, unit, time, width, labels));
    const note = notes[Math.min(Math.floor(time), moments - 1)];
    if (note) write(pen, note, 12, height - 14, { align: "left", colour: colours.quiet });
  }

  const opacity = (unit) => (litAgent() === null || agents[unit] === litAgent() ? 1 : agents[unit] < 0 ? 0.55 : 0.35);

  function drawTrail(pen, unit, time) {
    if (healthAt(time, unit) <= 0) return;
    const begin = Math.max(0, Math.floor(time) - 5);
    const points = each(Math.floor(time) - begin + 1, (step) => whereabouts(begin + step, unit));
    line(pen, [...points, whereabouts(time, unit)], faded(colourOfUnit(unit), 0.22 * opacity(unit)), 2);
  }

  function drawTarget(pen, unit, time) {
    const step = Math.floor(time);
    if (!targets || step >= targets.shape[0]) return;
    const target = at(targets, step, unit);
    if (target < 0 || healthAt(time, unit) <= 0) return;
    line(pen, [whereabouts(time, unit), whereabouts(time, target)], faded(colourOfUnit(unit), 0.75 * opacity(unit)), 1.5, [2, 4]);
  }

  function drawUnit(pen, unit, time) {
    const [x, y] = whereabouts(time, unit), reach = size(unit), share = healthAt(time, unit);
    pen.globalAlpha = share > 0 ? opacity(unit) : 0.4 * opacity(unit);
    if (share <= 0) drawCross(pen, x, y, reach * 0.5, colourOfUnit(unit));
    else drawBody(pen, unit, x, y, reach, share);
    pen.globalAlpha = 1;
  }

  function drawBody(pen, unit, x, y, reach, share) {
    const colour = colourOfUnit(unit), mine = agents[unit] >= 0;
    outline(pen, shapes[unit], x, y, reach);
    pen.fillStyle = mine ? colour : faded(colour, 0.3);
    pen.fill();
    Object.assign(pen, { strokeStyle: colour, lineWidth: 1.5 });
    pen.stroke();
    if (scene.has_health) drawHealth(pen, x, y, reach + 4, share, colour);
    const number = mine ? agents[unit] : foes.indexOf(unit);
    const text = mine ? { weight: 700, colour: colours["on-agent"] } : { weight: 500, colour: colours.quiet };
    if (number >= 0) write(pen, number, x, y + 0.5, { size: Math.max(9, reach * (mine ? 1.05 : 0.85)), ...text });
    if (mine && agents[unit] === litAgent()) ring(pen, x, y, reach + 8, colours.ink);
    if (mine && isForced(unit)) ring(pen, x, y, reach + 8, colours.warn, [3, 3]);
  }

  // In a crowd, where numbers would cover everything, the ground under an agent shows its credit.
  function drawGlow(pen, unit, time) {
    const agent = agents[unit], source = sourceNamed(store.lens);
    if (agent < 0 || healthAt(time, unit) <= 0) return;
    const value = credit(episodeNow(), source, stepNow(), agent);
    if (!Number.isFinite(value)) return;
    const [x, y] = whereabouts(time, unit);
    pen.beginPath();
    pen.arc(x, y, size(unit) + 13, 0, 2 * Math.PI);
    pen.fillStyle = faded(value < 0 ? colours.cost : colours.gain, 0.6 * opacity(unit) * Math.min(1, (3 * Math.abs(value)) / (largest(source) || 1)));
    pen.fill();
  }

  const largestOf = new Map();

  function largest(source) {
    if (!largestOf.has(source.name)) largestOf.set(source.name, largestCredit(episodeNow(), source));
    return largestOf.get(source.name);
  }

  const isForced = (unit) => at(episodeNow().forced, stepNow(), agents[unit]);

  function drawCredit(pen, unit, time, width, labels) {
    const agent = agents[unit], source = sourceNamed(store.lens);
    if (agent < 0 || healthAt(time, unit) <= 0 || (crowded && agent !== litAgent())) return;
    const value = credit(episodeNow(), source, stepNow(), agent);
    if (!Number.isFinite(value)) return;
    pen.globalAlpha = opacity(unit);
    const [x, y] = whereabouts(time, unit);
    label(pen, signed(value), x, y - size(unit) - 18, value < 0 ? colours.cost : colours.gain, colourOf(agent), width, labels);
    pen.globalAlpha = 1;
  }

  function find(x, y, time) {
    if (!view) return null;
    const distances = each(units, (unit) => {
      const [left, top] = whereabouts(time, unit);
      return agents[unit] < 0 ? Infinity : Math.hypot(left - x, top - y) - size(unit);
    });
    const nearest = distances.indexOf(Math.min(...distances));
    return distances[nearest] < 14 ? agents[nearest] : null;
  }

  return { draw, find, smooth: true };
}
