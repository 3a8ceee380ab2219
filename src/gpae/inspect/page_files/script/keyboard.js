// Keys, wherever the focus is, but in fields that need them themselves.

const KEYS = {
  " ": play,
  ArrowLeft: (event) => move(event.shiftKey ? -10 : -1),
  ArrowRight: (event) => move(event.shiftKey ? 10 : 1),
  Home: () => move(-Infinity),
  End: () => move(Infinity),
  Escape: () => change({ kept: null, hovered: null }),
  "[": () => keepNext(-1),
  "]": () => keepNext(1),
  f: nextForced,
  m: () => change({ view: store.view === "map" ? "lines" : "map" }),
  "?": () => byId("help").click(),
};

function keepNext(direction) {
  const from = store.kept === null ? (direction > 0 ? -1 : 0) : store.kept;
  change({ kept: (from + direction + page.agents) % page.agents });
}

function nextForced() {
  const steps = stepsOf(episodeNow(), page.sources[0]).filter((step) => forcedAt(episodeNow(), step).length);
  const later = steps.find((step) => step > stepNow());
  if (!steps.length) return;
  change({ playing: false });
  goTo(later === undefined ? steps[0] : later);
}

function startKeyboard() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === "SELECT") return;
    if (event.key === " " && ["BUTTON", "INPUT"].includes(event.target.tagName) && event.target.type !== "range") return;
    const digit = /^[0-9]$/.test(event.key) ? Number(event.key) : null;
    const act = digit === null ? KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key] : digit < page.agents ? () => keep(digit) : null;
    if (!act) return;
    event.preventDefault();
    act(event);
  });
  byId("help").addEventListener("click", () => {
    byId("keys").hidden = !byId("keys").hidden;
    byId("help").setAttribute("aria-expanded", String(!byId("keys").hidden));
  });
}
