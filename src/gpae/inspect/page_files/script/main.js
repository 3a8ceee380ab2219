// The start: what is shown first, and every part of the page.

store.lens = page.sources[0].name;
store.shown = new Set(page.shown);
store.view = page.agents > 8 ? "map" : "lines";
startTheme();
for (const start of [startControls, startBattle, startTransport, startCharts, startTable, startAlternatives, startKeyboard]) start();
