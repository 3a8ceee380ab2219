// What is shown: one object, changed by change() alone; listeners are told which names changed.

const store = {
  episode: 0, time: 0, playing: false, speed: 1, hovered: null, kept: null, lens: null, shown: new Set(),
  view: "lines", shared: true, span: "step", theme: "light",
};
const listeners = [];

function listen(names, listener) {
  listeners.push({ names: names.split(" "), listener });
}

function change(changes) {
  const changed = Object.keys(changes).filter((name) => store[name] !== changes[name]);
  Object.assign(store, changes);
  if (!changed.length) return;
  for (const { names, listener } of listeners) if (names.some((name) => changed.includes(name))) listener();
}

const litAgent = () => (store.hovered === null ? store.kept : store.hovered);
const stepNow = () => Math.min(Math.floor(store.time), episodeNow().length - 1);
const goTo = (time) => change({ time: Math.max(0, Math.min(time, episodeNow().length - 1)) });
const keep = (agent) => change({ kept: store.kept === agent ? null : agent });

function each(count, make) {
  return [...Array(count).keys()].map(make);
}

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const byId = (id) => document.getElementById(id);

// Runs a drawing once before the next picture, however often it is asked for.
function oncePerFrame(draw) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; draw(); });
  };
}
