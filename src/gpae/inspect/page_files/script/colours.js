// Colours, read from the style sheet, so that light and dark are one place.

const PALETTE = 8;
let colours = {};

function readColours() {
  const style = getComputedStyle(document.documentElement);
  const named = (name) => style.getPropertyValue(`--${name}`).trim();
  colours = Object.fromEntries(
    ["paper", "card", "field", "ink", "quiet", "hair", "grid", "foe", "gain", "cost", "warn", "on-agent"].map((name) => [name, named(name)]),
  );
  colours.agents = each(PALETTE, (place) => named(`agent-${place}`));
}

const colourOf = (agent) => colours.agents[agent % PALETTE];

// Agents beyond the palette share its colours, and tell themselves apart by dashes and number.
const dashOf = (agent) => [[], [7, 4], [2, 3], [9, 3, 2, 3]][Math.floor(agent / PALETTE) % 4];

function faded(colour, opacity) {
  const [red, green, blue] = [1, 3, 5].map((place) => parseInt(colour.slice(place, place + 2), 16));
  return `rgba(${red}, ${green}, ${blue}, ${opacity})`;
}

function startTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const use = (theme) => {
    document.documentElement.dataset.theme = theme;
    readColours();
    change({ theme });
  };
  use(dark.matches ? "dark" : "light");
  dark.addEventListener("change", () => use(dark.matches ? "dark" : "light"));
  byId("theme").addEventListener("click", () => use(store.theme === "dark" ? "light" : "dark"));
}
