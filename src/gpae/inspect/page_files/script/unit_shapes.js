// Shapes of units, their rings of health, and crosses for the dead.

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
