// Where to look in the plane: a frame around what lives, and points of it on the canvas.

// What to look at in each moment: all that live then, smoothed over time, and never too near.
function camerasOf({ positions, health }) {
  const [moments, units] = positions.shape;
  const whole = frameAround(positions, each(moments, (moment) => moment), each(units, (unit) => unit));
  const frames = each(moments, (moment) => {
    const living = each(units, (unit) => unit).filter((unit) => at(health, moment, unit) > 0);
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
