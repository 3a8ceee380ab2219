// The numbers of the step at the cursor, or of the whole episode, a row an agent.

function drawTable() {
  const whole = store.span === "episode", episode = episodeNow(), step = stepNow();
  byId("moment-title").textContent = whole ? titleOfSums(episode) : `Step ${step}`;
  document.querySelectorAll("[data-span]").forEach((button) => button.setAttribute("aria-pressed", button.dataset.span === store.span));
  const columns = [...(whole ? [] : stepColumns(episode, step)), ...shownSources().filter((source) => !whole || !source.weight).map((source) => creditColumn(episode, source, step, whole))];
  const head = element("tr", {}, element("th", { scope: "col" }, "agent"), ...columns.map((column) => element("th", { scope: "col", class: column.word ? "word" : "" }, column.title)));
  const rows = agentNumbers.map((agent) => rowOfAgent(agent, columns, episode, step));
  byId("table").replaceChildren(element("thead", {}, head), element("tbody", {}, ...rows));
  lightRows();
  showForced(episode, step, whole);
}

function titleOfSums(episode) {
  const count = commonSteps(episode).length;
  return count === episode.length ? `Sums over episode ${store.episode + 1}` : `Sums over the ${count} steps of episode ${store.episode + 1} that have a truth`;
}

function rowOfAgent(agent, columns, episode, step) {
  const row = element("tr", { "data-agent": agent });
  const alive = at(episode.alive, step, agent);
  if (!alive && store.span === "step") row.classList.add("gone");
  row.append(element("td", {}, element("span", { class: "who" }, dotOf(agent), nameOfAgent(agent))), ...columns.map((column) => cell(column, agent, alive)));
  row.addEventListener("pointerenter", () => change({ hovered: agent }));
  row.addEventListener("pointerleave", () => change({ hovered: null }));
  row.addEventListener("click", () => keep(agent));
  return row;
}

const nameOfAgent = (agent) => (episodeNow().unit_names ? episodeNow().unit_names[agent] : "");

function cell(column, agent, alive) {
  const made = element("td", { "data-column": column.name, class: column.word ? "word" : "" });
  made.append(...column.content(agent, alive));
  return made;
}

function stepColumns(episode, step) {
  const action = {
    name: "action", title: "action", word: true,
    content: (agent, alive) => {
      if (!alive) return ["dead"];
      const forced = at(episode.forced, step, agent) ? [" ", element("span", { class: "mark" }, "forced")] : [];
      return [actionName(episode, step, agent), ...forced];
    },
  };
  if (!episode.probabilities) return [action];
  const probability = {
    name: "probability", title: "π(action)",
    content: (agent, alive) => [alive ? plain(at(episode.probabilities, step, agent), 2) : ""],
  };
  return [action, probability];
}

function creditColumn(episode, source, step, whole) {
  return {
    name: source.name,
    title: source.label,
    content: (agent, alive) => {
      if (!whole && !alive) return [""];
      const value = whole ? creditSum(episode, source, commonSteps(episode), agent) : credit(episode, source, step, agent);
      const shown = element("span", { "data-value": value, class: source.weight ? "" : signOf(value) }, source.weight ? plain(value, 3) : signed(value));
      const error = whole ? NaN : creditError(episode, source, step, agent);
      return Number.isFinite(error) ? [shown, element("span", { class: "error", "data-error": error }, ` ± ${plain(error)}`)] : [shown];
    },
  };
}

function lightRows() {
  document.querySelectorAll("#table tbody tr").forEach((row) => row.classList.toggle("lit", Number(row.dataset.agent) === litAgent()));
}

function showForced(episode, step, whole) {
  const agents = whole ? [] : forcedAt(episode, step), home = byId("forced");
  home.hidden = !agents.length;
  home.replaceChildren(...agents.flatMap((agent) => [
    `Agent ${agent}'s action was replaced. Advantage gap, the mates' mean less its own: `,
    ...shownSources().filter((source) => !source.weight).flatMap((source, place) => [
      place ? ", " : "", `${source.label} `, element("b", { "data-gap": source.name, "data-value": gap(episode, source, step, agent) }, signed(gap(episode, source, step, agent))),
    ]), ". ",
  ]));
}

function startTable() {
  document.querySelectorAll("[data-span]").forEach((button) => button.addEventListener("click", () => change({ span: button.dataset.span })));
  const redraw = oncePerFrame(drawTable);
  listen("episode shown span", redraw);
  let step = stepNow();
  listen("time", () => { if (step !== stepNow()) { step = stepNow(); redraw(); } });
  listen("hovered kept", lightRows);
  drawTable();
}
