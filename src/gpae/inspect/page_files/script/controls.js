// The head of the page, the choice of episode, sources and view, and the agents.

function dotOf(agent) {
  const dot = element("span", { class: "dot" }, String(agent));
  dot.style.background = `var(--agent-${agent % PALETTE})`;
  return dot;
}

function showHead() {
  byId("task").textContent = page.task;
  byId("run").textContent = page.subtitle;
  byId("notes").textContent = page.notes.join(" ");
}

function showEpisodes() {
  byId("episodes").replaceChildren(...page.episodes.map((episode, number) => {
    const button = element("button", { type: "button", "aria-pressed": String(number === store.episode) }, episode.label);
    button.title = episode.description;
    button.addEventListener("click", () => change({ episode: number, time: 0, playing: false }));
    return button;
  }));
}

function showSources() {
  byId("sources").replaceChildren(...page.sources.map((source) => {
    const button = element("button", { type: "button", "data-source": source.name, "aria-pressed": String(store.shown.has(source.name)) }, source.label);
    button.addEventListener("click", () => {
      const shown = new Set(store.shown);
      if (!shown.delete(source.name)) shown.add(source.name);
      change({ shown });
    });
    return button;
  }));
}

function showViews() {
  document.querySelectorAll("[data-view]").forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.view === store.view)));
}

function showAgents() {
  const source = sourceNamed(store.lens);
  byId("agents").replaceChildren(...agentNumbers.map((agent) => {
    const sum = creditSum(episodeNow(), source, stepsOf(episodeNow(), source), agent);
    const button = element("button", { type: "button", "data-agent": agent, "aria-label": `agent ${agent}, credit ${signed(sum)} over the episode` }, dotOf(agent));
    button.title = `Agent ${agent}: sum over the episode by ${source.label}`;
    button.append(element("span", { class: `sum ${signOf(sum)}` }, signed(sum, 2)));
    button.addEventListener("click", () => keep(agent));
    button.addEventListener("pointerenter", () => change({ hovered: agent }));
    button.addEventListener("pointerleave", () => change({ hovered: null }));
    return button;
  }));
  byId("agents").prepend(element("span", { class: "quiet" }, "sum over the episode"));
  lightAgents();
}

function lightAgents() {
  document.querySelectorAll("#agents button").forEach((button) => {
    const agent = Number(button.dataset.agent);
    button.classList.toggle("lit", agent === litAgent());
    button.setAttribute("aria-pressed", String(agent === store.kept));
  });
}

function startControls() {
  const lens = byId("lens");
  lens.append(...page.sources.filter((source) => !source.weight).map((source) => element("option", { value: source.name }, source.label)));
  lens.value = store.lens;
  lens.addEventListener("change", () => change({ lens: lens.value }));
  byId("shared").addEventListener("change", () => change({ shared: byId("shared").checked }));
  document.querySelectorAll("[data-view]").forEach((button) => button.addEventListener("click", () => change({ view: button.dataset.view })));
  listen("episode", showEpisodes);
  listen("shown", showSources);
  listen("view", showViews);
  listen("episode lens", showAgents);
  listen("hovered kept", lightAgents);
  [showHead, showEpisodes, showSources, showViews, showAgents].forEach((show) => show());
}
