// Play, pause and scrub; under the slider's back, the rewards and the forced actions of the episode.

const STEPS_A_SECOND = 5;
let lastPicture = null;

function advance(now) {
  if (!store.playing) return;
  const end = episodeNow().length;
  const passed = lastPicture === null ? 0 : Math.min(0.25, (now - lastPicture) / 1000);
  lastPicture = now;
  const time = Math.min(end, playedTime + passed * STEPS_A_SECOND * store.speed);
  playedTime = time;
  change({ time: stillPictures.matches ? Math.floor(time) : time, playing: time < end });
  if (store.playing) requestAnimationFrame(advance);
}

let playedTime = 0;
const stillPictures = matchMedia("(prefers-reduced-motion: reduce)");

function play() {
  if (store.playing) return change({ playing: false });
  playedTime = store.time >= episodeNow().length - 1 ? 0 : store.time;
  lastPicture = null;
  change({ time: playedTime, playing: true });
  requestAnimationFrame(advance);
}

function showTime() {
  const step = stepNow(), length = episodeNow().length;
  const scrub = byId("scrub");
  scrub.max = length - 1;
  scrub.value = step;
  scrub.setAttribute("aria-valuetext", `step ${step} of ${length - 1}`);
  byId("clock").replaceChildren(element("span", { class: "word" }, "step "), `${step} / ${length - 1}`);
  byId("play").textContent = store.playing ? "❚❚" : "▶";
  byId("play").setAttribute("aria-label", store.playing ? "Pause" : "Play");
}

const drawRewards = oncePerFrame(() => {
  const { pen, width, height } = prepared(byId("rewards"));
  const episode = episodeNow(), thumb = 8, apart = (width - 2 * thumb) / Math.max(1, episode.length - 1);
  const most = episode.rewards.values.reduce((largest, reward) => Math.max(largest, Math.abs(reward)), 1e-9);
  const bar = Math.max(1, Math.min(10, apart * 0.6));
  episode.rewards.values.forEach((reward, step) => {
    const high = (Math.abs(reward) / most) ** 0.5 * (height - 10), x = thumb + step * apart;
    pen.fillStyle = reward < 0 ? colours.cost : faded(colours.quiet, 0.55);
    pen.fillRect(x - bar / 2, height - high, bar, high);
    if (forcedAt(episode, step).length) ring(pen, x, 4, 3, colours.warn);
  });
});

function startTransport() {
  byId("play").addEventListener("click", play);
  byId("back").addEventListener("click", () => move(-1));
  byId("forth").addEventListener("click", () => move(1));
  byId("scrub").addEventListener("input", () => { change({ playing: false }); goTo(Number(byId("scrub").value)); });
  byId("speed").addEventListener("change", () => change({ speed: Number(byId("speed").value) }));
  listen("time episode playing", showTime);
  listen("episode theme", drawRewards);
  new ResizeObserver(drawRewards).observe(byId("rewards"));
  showTime();
}

function move(steps) {
  change({ playing: false });
  goTo(stepNow() + steps);
}
