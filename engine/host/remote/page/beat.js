"use strict";
// The beat, what cuts wait for, and what is switched once in a night.

const WAITS = [[0, "Off"], [1, "Beat"], [4, "Bar"], [8, "2 bars"], [16, "4 bars"]];

function showBeat() {
  const bpm = facts["/beat/bpm"];
  at("bpm").textContent = bpm ? bpm.toFixed(1) : "–";
  [...at("dots").children].forEach((dot, index) => {
    dot.toggleAttribute("data-now", index + 1 === facts["/beat/place"]);
  });
  [...at("waits").children].forEach((button) => {
    const isIt = Number(button.dataset.beats) === facts["/beat/wait"];
    button.setAttribute("aria-checked", String(isIt));
  });
  at("beat-says").textContent = beatSays(bpm);
  at("link-beat").setAttribute("aria-pressed", String(facts["/beat/link"] === 1));
  at("sound").setAttribute("aria-pressed", String(Boolean(facts["/sound"])));
  at("record").setAttribute("aria-pressed", String(facts["/recording"] === 1));
  at("heard").textContent = facts["/sound/heard"] || "";
  at("rates").textContent =
    `generator ${facts["/rate/generation"]} · output ${facts["/rate/output"]} frames a second`;
}

function beatSays(bpm) {
  if (facts["/beat/aim"]) return `the cut is seen on ${facts["/beat/aim"]}`;
  if (!bpm) return facts["/beat/wait"] ? "nobody says the beat: cuts do not wait" : "tap it";
  return facts["/beat/wait"] ? "cuts wait for it" : "cuts land at the next chunk";
}

function bindBeat() {
  at("waits").replaceChildren(...WAITS.map(([beats, name]) => {
    const button = make("button", "", name);
    button.dataset.beats = beats;
    button.setAttribute("role", "radio");
    button.onclick = () => send("/beat/wait", beats);
    return button;
  }));
  // When the finger comes down, not when it goes: that is when the beat was.
  at("tap").onpointerdown = () => send("/beat/tap");
  at("tap").onclick = (event) => { if (event.detail === 0) send("/beat/tap"); }; // a key
  at("link-beat").onclick = () => send("/beat/link", facts["/beat/link"] ? 0 : 1);
  at("sound").onclick = () => send("/sound", facts["/sound"] ? "" : "default");
  at("record").onclick = () => send("/recording", facts["/recording"] ? 0 : 1);
}
