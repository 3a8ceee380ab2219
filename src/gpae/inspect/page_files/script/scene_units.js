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

// What to look at in each moment: all that live then, smoothed over time, and never too near.
function camerasOf({ positions, health, sides }) {
  const [moments, units] = positions.shape;
  const whole = frameAround(positions, each(moments, (moment) => moment), each(units, (unit) => unit));
  const frames = each(moments, (moment) => {
    const living = each(units, (unit) => unit).filter((unit) => at(health, moment, unit) > 0 && sides[unit] !== "landmark");
    return living.length ? frameAround(positions, [moment], living) : null;
  });
  const known = frames.map((frame, moment) => frame || frames.slice(0, moment).reverse().find(Boolean) || whole);
  const nearest = 0.3 * Math.max(...whole.half);
  return known.map((_, moment) => {
    const around = known.slice(Math.max(0, moment - 3), moment + 4);
    const mean = (read) => around.reduce((sum, frame) => sum + read(frame), 0) / around.length;
    const half = [0, 1].map((axis) => Math.max(nearest, known[moment].half[axis], mean((frame) => frame.half[axis])));
    return { middle: [0, 1].map((axis) => mean((frame) => frame.middle[axis])), half: half.map((each) => 1.2 * each) };
  });
}

function frameAround(positions, moments, units) {
  const [low, high] = [[Infinity, Infinity], [-Infinity, -Infinity]];
  for (const moment of moments) {
    for (const unit of units) {
      for (const axis of [0, 1]) {
        const value = at(positions, moment, unit, axis);
        [low[axis], high[axis]] = [Math.min(low[axis], value), Math.max(high[axis], value)];
      }
    }
  }
  return { middle: [0, 1].map((axis) => (low[axis] + high[axis]) / 2), half: [0, 1].map((axis) => Math.max(1e-6, (high[axis] - low[axis]) / 2)) };
}

function viewOf(cameras, time, width, height) {
  const moment = Math.min(Math.floor(time), cameras.length - 1), share = time - moment;
  const [from, to] = [cameras[moment], cameras[Math.min(moment + 1, cameras.length - 1)]];
  const between = (name, axis) => from[name][axis] + (to[name][axis] - from[name][axis]) * share;
  const middle = [between("middle", 0), between("middle", 1)];
  const scale = Math.min(width / between("half", 0), (height - 24) / between("half", 1)) / 2;
  const point = (x, y) => [width / 2 + (x - middle[0]) * scale, height / 2 + 10 - (y - middle[1]) * scale];
  return { scale, point, middle };
}

function drawField(pen, view, width, height) {
  const { middle } = view;
  const gap = 2 ** Math.round(Math.log2(width / view.scale / 7));
  const reach = Math.max(width, height) / view.scale / 2;
  for (let axis = 0; axis < 2; axis++) {
    for (let tick = Math.ceil((middle[axis] - reach) / gap); tick * gap < middle[axis] + reach; tick++) {
      const [x, y] = view.point(axis ? middle[0] : tick * gap, axis ? tick * gap : middle[1]);
      line(pen, axis ? [[0, y], [width, y]] : [[x, 0], [x, height]], colours.grid, 1);
    }
  }
}

const CORNERS = { square: [4, Math.PI / 4, 1.15], diamond: [4, 0, 1.25], triangle: [3, -Math.PI / 2, 1.3], hexagon: [6, 0, 1.1] };

function outline(pen, shape, x, y, reach) {
  pen.beginPath();
  if (!CORNERS[shape]) return pen.arc(x, y, reach, 0, 2 * Math.PI);
  const [count, turn, stretch] = CORNERS[shape];
  each(count, (corner) => {
    const angle = turn + (corner * 2 * Math.PI) / count;
    pen.lineTo(x + Math.cos(angle) * reach * stretch, y + Math.sin(angle) * reach * stretch);
  });
  pen.closePath();
}

function ring(pen, x, y, reach, colour, dash = []) {
  pen.beginPath();
  pen.arc(x, y, reach, 0, 2 * Math.PI);
  pen.setLineDash(dash);
  Object.assign(pen, { strokeStyle: colour, lineWidth: 2 });
  pen.stroke();
  pen.setLineDash([]);
}

function drawHealth(pen, x, y, reach, share, colour) {
  for (const [part, stroke] of [[1, colours.hair], [share, colour]]) {
    pen.beginPath();
    pen.arc(x, y, reach, -Math.PI / 2, -Math.PI / 2 + 2 * Math.PI * part);
    Object.assign(pen, { strokeStyle: stroke, lineWidth: 3, lineCap: "butt" });
    pen.stroke();
  }
}

function drawCross(pen, x, y, reach, colour) {
  line(pen, [[x - reach, y - reach], [x + reach, y + reach]], colour, 2);
  line(pen, [[x - reach, y + reach], [x + reach, y - reach]], colour, 2);
}
