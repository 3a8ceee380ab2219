// A canvas in CSS pixels, sharp on every screen.

function prepared(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const { width, height } = canvas.getBoundingClientRect();
  const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, { width: wide, height: high });
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  return { pen, width, height };
}

function write(pen, text, x, y, { size = 12, weight = 500, colour = colours.ink, align = "center" } = {}) {
  pen.font = `${weight} ${size}px ui-sans-serif, system-ui, sans-serif`;
  pen.textAlign = align;
  pen.textBaseline = "middle";
  pen.fillStyle = colour;
  pen.fillText(text, x, y);
}

function line(pen, points, colour, width = 1, dash = []) {
  pen.beginPath();
  points.forEach(([x, y], place) => (place ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  Object.assign(pen, { strokeStyle: colour, lineWidth: width });
  pen.setLineDash(dash);
  pen.stroke();
  pen.setLineDash([]);
}

// A number on a card of its own, for an agent in the picture, above the cards that are there.
function label(pen, text, x, y, colour, frame, width, taken) {
  pen.font = "600 12px ui-sans-serif, system-ui, sans-serif";
  const half = pen.measureText(text).width / 2 + 5;
  x = Math.max(half + 2, Math.min(x, width - half - 2));
  const overlaps = (box) => Math.abs(box.x - x) < box.half + half + 1 && Math.abs(box.y - y) < 19;
  while (y > 30 && taken.some(overlaps)) y -= 4;
  y = Math.max(11, y);
  taken.push({ x, y, half });
  pen.beginPath();
  pen.roundRect(x - half, y - 9, 2 * half, 18, 5);
  pen.fillStyle = faded(colours.card, 0.92);
  pen.fill();
  pen.strokeStyle = frame;
  pen.lineWidth = 1.5;
  pen.stroke();
  write(pen, text, x, y + 0.5, { weight: 600, colour });
}
