// Episodes as pictures, one for every so many moments, scaled to fit.

function frameScene(scene) {
  const pictures = scene.frames.map((address) => Object.assign(new Image(), { src: address }));
  pictures.forEach((picture) => picture.addEventListener("load", drawBattle));

  function draw(pen, width, height, time) {
    const picture = pictures[Math.min(Math.floor(time / scene.every), pictures.length - 1)];
    if (!picture.complete || !picture.naturalWidth) return;
    const scale = Math.min(width / picture.naturalWidth, height / picture.naturalHeight);
    const [wide, high] = [picture.naturalWidth * scale, picture.naturalHeight * scale];
    pen.imageSmoothingEnabled = scale < 4;
    pen.drawImage(picture, (width - wide) / 2, (height - high) / 2, wide, high);
  }

  return { draw, find: () => null, smooth: false };
}
