// Of one agent: each action that it could have taken, its probability and its true advantage.

function drawAlternatives() {
  const episode = episodeNow(), agent = litAgent(), home = byId("alternatives");
  const row = episode.truth && episode.alternatives && store.span === "step" ? Array.from(episode.truth.steps.values).indexOf(stepNow()) : -1;
  home.hidden = agent === null || row < 0 || !at(episode.alive, stepNow(), agent);
  if (home.hidden) return;
  const choices = each(episode.alternatives.advantages.shape[2], (action) => ({
    action, value: at(episode.alternatives.advantages, row, agent, action), chance: at(episode.alternatives.probabilities, row, agent, action),
  })).filter((choice) => Number.isFinite(choice.value));
  choices.sort((first, second) => second.value - first.value);
  const taken = at(episode.actions, stepNow(), agent);
  home.replaceChildren(
    element("h3", {}, `Agent ${agent}: true advantage of each action it had`),
    element("ul", {}, ...choices.map((choice) => alternative(choice, choice.action === taken))),
  );
}

function alternative({ action, value, chance }, taken) {
  const entry = element("li", taken ? { class: "taken" } : {}, element("span", {}, nameOfAction(action) + (taken ? " ←" : "")));
  entry.append(element("span", { class: "number quiet" }, `π ${plain(chance, 2)}`), element("span", { class: `number ${signOf(value)}` }, signed(value)));
  return entry;
}

function startAlternatives() {
  listen("time episode hovered kept span", oncePerFrame(drawAlternatives));
}
