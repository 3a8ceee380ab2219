// The page's data: arrays that come as base64, and numbers read from them.

const KINDS = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array };

function decode(packed) {
  const text = atob(packed.data);
  const bytes = new Uint8Array(text.length);
  for (let place = 0; place < text.length; place++) bytes[place] = text.charCodeAt(place);
  return { shape: packed.shape, values: new KINDS[packed.dtype](bytes.buffer) };
}

function unpacked(value) {
  if (value === null || typeof value !== "object") return value;
  if (typeof value.dtype === "string") return decode(value);
  if (Array.isArray(value)) return value.map(unpacked);
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, unpacked(each)]));
}

function at(array, ...place) {
  return array.values[place.reduce((sum, each, axis) => sum * array.shape[axis] + each, 0)];
}

const page = unpacked(JSON.parse(document.getElementById("data").textContent));
const episodeNow = () => page.episodes[store.episode];
const agentNumbers = [...Array(page.agents).keys()];
const sourceNamed = (name) => page.sources.find((source) => source.name === name);

// The row of a source's arrays that holds a step; -1 where the source does not know that step.
function rowOf(episode, source, step) {
  const steps = source.truth ? episode.truth && episode.truth.steps : null;
  if (!source.truth) return step;
  return steps ? steps.values.indexOf(step) : -1;
}

function stepsOf(episode, source) {
  if (!source.truth) return [...Array(episode.length).keys()];
  return episode.truth ? Array.from(episode.truth.steps.values) : [];
}

function creditsOf(episode, source) {
  if (source.weight) return episode[source.name];
  return source.truth ? episode.truth && episode.truth.advantages : episode.advantages[source.name];
}

const shownSources = () => page.sources.filter((source) => store.shown.has(source.name) && creditsOf(episodeNow(), source));

function credit(episode, source, step, agent) {
  const row = rowOf(episode, source, step);
  return row < 0 ? NaN : at(creditsOf(episode, source), row, agent);
}

function creditError(episode, source, step, agent) {
  const row = source.truth ? rowOf(episode, source, step) : -1;
  return row < 0 ? NaN : at(episode.truth.errors, row, agent);
}

// The steps at which every source has a number.
const commonSteps = (episode) => stepsOf(episode, sourceNamed("truth") || page.sources[0]);

const creditSum = (episode, source, steps, agent) => steps.reduce((sum, step) => sum + credit(episode, source, step, agent), 0);

// The least and the largest number of agents that live, errors included, around the source's base.
function extent(episode, source) {
  let [low, high] = [source.base, source.base];
  for (const step of stepsOf(episode, source)) {
    for (const agent of agentNumbers) {
      const value = credit(episode, source, step, agent);
      const error = source.truth ? creditError(episode, source, step, agent) : 0;
      if (!at(episode.alive, step, agent) || !Number.isFinite(value)) continue;
      [low, high] = [Math.min(low, value - error), Math.max(high, value + error)];
    }
  }
  return [low, high];
}

const largestCredit = (episode, source) => Math.max(...extent(episode, source).map((each) => Math.abs(each - source.base)));

function gap(episode, source, step, agent) {
  const others = agentNumbers.filter((each) => each !== agent);
  const mean = others.reduce((sum, each) => sum + credit(episode, source, step, each), 0) / others.length;
  return mean - credit(episode, source, step, agent);
}

function actionName(episode, step, agent) {
  if (episode.actions.shape.length === 3) {
    const size = Math.min(episode.actions.shape[2], 4);
    const parts = [...Array(size).keys()].map((each) => at(episode.actions, step, agent, each).toFixed(2));
    return parts.join(", ") + (size < episode.actions.shape[2] ? ", …" : "");
  }
  return nameOfAction(at(episode.actions, step, agent));
}

const nameOfAction = (action) => (page.action_names && page.action_names[action]) || `action ${action}`;

function forcedAt(episode, step) {
  return agentNumbers.filter((agent) => at(episode.forced, step, agent));
}

const digits = page.digits;

function signed(value, places = digits) {
  if (!Number.isFinite(value)) return "–";
  const text = Math.abs(value).toFixed(places);
  return (value < 0 && Number(text) !== 0 ? "−" : "+") + text;
}

const plain = (value, places = digits) => (Number.isFinite(value) ? value.toFixed(places) : "–");

// What is written as zero is neither a gain nor a cost.
function signOf(value) {
  if (!Number.isFinite(value) || Number(value.toFixed(digits)) === 0) return "";
  return value > 0 ? "gain" : "cost";
}
