// The picture of the episode: drawn when anything in it changes, and asked for agents.

const SCENES = { units: unitScene, frames: frameScene, none: barScene };
const scenes = new Map();

function sceneNow() {
  const episode = episodeNow();
  if (!scenes.has(episode)) scenes.set(episode, SCENES[episode.scene.kind](episode.scene));
  return scenes.get(episode);
}

const drawBattle = oncePerFrame(() => {
  const { pen, width, height } = prepared(byId("battle"));
  const scene = sceneNow();
  scene.draw(pen, width, height, scene.smooth ? store.time : Math.floor(store.time));
});

function describeBattle() {
  const episode = episodeNow(), alive = agentNumbers.filter((agent) => at(episode.alive, stepNow(), agent));
  byId("battle").setAttribute(
    "aria-label", `${page.task}, step ${stepNow()} of ${episode.length - 1}, ${alive.length} of ${page.agents} agents alive`,
  );
}

function startBattle() {
  const canvas = byId("battle");
  const agentUnder = (event) => {
    const box = canvas.getBoundingClientRect();
    return sceneNow().find(event.clientX - box.left, event.clientY - box.top, store.time);
  };
  canvas.addEventListener("pointermove", (event) => {
    const agent = agentUnder(event);
    canvas.style.cursor = agent === null ? "" : "pointer";
    change({ hovered: agent });
  });
  canvas.addEventListener("pointerleave", () => change({ hovered: null }));
  canvas.addEventListener("click", (event) => {
    const agent = agentUnder(event);
    if (agent === null) change({ kept: null });
    else keep(agent);
  });
  listen("time episode hovered kept lens theme", drawBattle);
  listen("time episode", describeBattle);
  new ResizeObserver(drawBattle).observe(canvas);
  describeBattle();
}
