"use strict";
// The remote in a phone. One WebSocket: facts come in, addresses go out; see docs/remote.md.
// What is shown is what the engine says, never what was pressed: a press that did not arrive
// lights nothing.

const SILENCE_MS = 3000; // the engine says something at least once a second
const SETTLE_MS = 500; // after a drag our own value stays until the engine has caught up
const RETRY_MS = [300, 600, 1200, 2400];

const facts = {};
const knobs = new Map(); // parameter id → what redraws it
let socket = null;
let tries = 0;
let heardAt = 0;
let nextId = 1;
let how = "";
let chunks = 4;
let cueNames = [];
const inFlight = new Map(); // address → the arguments to send next, null for none
const sentAs = new Map(); // id → address

const at = (id) => document.getElementById(id);

// ------------------------------------------------------------------ the line to the engine

function connect() {
  socket = new WebSocket(`ws://${location.host}/events`);
  socket.onopen = () => { tries = 0; heardAt = Date.now(); showLink(true); };
  socket.onmessage = (event) => { heardAt = Date.now(); hear(JSON.parse(event.data)); };
  socket.onclose = lose;
}

function lose() {
  showLink(false);
  inFlight.clear();
  sentAs.clear();
  fetch("/facts").then((answer) => { if (answer.status === 403) location.reload(); }, () => {});
  setTimeout(connect, RETRY_MS[Math.min(tries++, RETRY_MS.length - 1)]);
}

function showLink(isLive) {
  document.body.dataset.link = isLive ? "live" : "lost";
  const chip = at("link");
  chip.textContent = isLive ? "connected" : "no connection";
  chip.className = isLive ? "chip good" : "chip bad";
}

setInterval(() => {
  if (socket.readyState === WebSocket.OPEN && Date.now() - heardAt > SILENCE_MS) socket.close();
}, 500);

function hear(message) {
  if (message.parameters) message.parameters.forEach(addKnob);
  if (message.presets) { showPads(message.presets); showCues(message.cues); }
  if (message.facts) { Object.assign(facts, message.facts); showFacts(message.facts); }
  if (message.answer) hearAnswer(message.answer);
  if (message.notice) say(message.notice.text, message.notice.severity !== "info");
}

function send(address, ...values) {
  if (!socket || socket.readyState !== WebSocket.OPEN) return say("Not sent: no connection", true);
  const id = nextId++;
  sentAs.set(id, address);
  socket.send(JSON.stringify({ id, address, arguments: values }));
  return id;
}

// A fader sends its newest value when the one before was answered: nothing queues behind a thumb.
function sendNewest(address, value) {
  if (inFlight.has(address)) { inFlight.set(address, value); return; }
  if (send(address, value)) inFlight.set(address, null);
}

function hearAnswer(answer) {
  const address = sentAs.get(answer.id);
  sentAs.delete(answer.id);
  if (inFlight.has(address)) {
    const waits = inFlight.get(address);
    inFlight.delete(address);
    if (waits !== null) sendNewest(address, waits);
  } else if (answer.ok) {
    say(answer.text, false);
  }
  if (!answer.ok) say(answer.text, true);
}

function say(text, isBad) {
  at("says").textContent = text;
  at("says").className = isBad ? "bad" : "";
}

// ------------------------------------------------------------------ pads, cuts, cues

function make(kind, className, text) {
  const element = document.createElement(kind);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

function showPads(presets) {
  at("pads").replaceChildren(...presets.map(makePad));
  at("no-pads").hidden = presets.length > 0;
}

function makePad(preset) {
  const pad = make("button", "pad");
  const top = make("span", "top");
  const kind = preset.cut === "soft" ? `soft ${preset.chunks}` : preset.cut;
  top.append(make("span", "", preset.number), make("span", "", kind));
  pad.append(top, make("span", "name", preset.name));
  pad.dataset.number = preset.number;
  pad.dataset.name = preset.name;
  pad.dataset.lamp = facts[`/preset/${preset.number}`] ?? 0;
  if (preset.colour) pad.style.setProperty("--pad", preset.colour);
  if (preset.picture) pad.style.backgroundImage = `url("${preset.picture}")`;
  pad.onclick = () => {
    if (isPreparing()) return send("/preview/preset", preset.number);
    const way = { hard: "/hard", soft: `/soft/${chunks}` }[how] || "";
    send(`/preset/${preset.number}${way}`);
  };
  return pad;
}

function showCues(names) {
  cueNames = names;
  at("cues").replaceChildren(...names.map((name, index) => {
    const row = make("li");
    row.append(make("i", "", index + 1), make("span", "", name), make("em"));
    row.tabIndex = 0;
    row.onclick = () => send("/standby", name);
    row.onkeydown = (event) => { if (event.key === "Enter") row.onclick(); };
    return row;
  }));
  at("no-cues").hidden = names.length > 0;
  lightCues();
}

function lightCues() {
  [...at("cues").children].forEach((row, index) => {
    const name = cueNames[index];
    const isStandby = name === facts["/cue/standby"];
    const lamp = name === facts["/cue/queued"] ? 1 : name === facts["/cue"] ? 2 : 0;
    row.dataset.lamp = lamp;
    row.toggleAttribute("data-standby", isStandby);
    row.lastChild.textContent = ["", "QUEUED", "ON AIR"][lamp] || (isStandby ? "STANDBY" : "");
  });
  at("standby").textContent = facts["/cue/standby"] || "end of the list";
}

function showFacts(fresh) {
  for (const [address, value] of Object.entries(fresh)) {
    const [, head, number] = address.split("/");
    if (knobs.has(head)) knobs.get(head)();
    if (head === "preview" && knobs.has(number)) knobs.get(number)();
    const pad = head === "preset" && document.querySelector(`.pad[data-number="${number}"]`);
    if (pad) pad.dataset.lamp = value;
  }
  if (Object.keys(fresh).some((address) => address.startsWith("/cue"))) lightCues();
  at("now").textContent = facts["/prompt"] || "";
  if ("/preview/open" in fresh) knobs.forEach((draw) => draw());
  showCut();
  showPreview();
  showBeat();
  showFollow();
  showMachine();
}

function showCut() {
  const waits = facts["/cut"];
  const runs = facts["/cut/progress"];
  at("cut-says").textContent = waits && waits !== "none"
    ? waitingText(waits)
    : runs ? `soft cut runs, ${Math.round(runs * 100)} %`
    : facts["/cut/unseen"] ? `pre-roll: seen in ${facts["/cut/unseen"]} chunks`
    : facts["/cue/queued"] ? `${facts["/cue/queued"]} waits for the beat` : "";
  const next = facts["/prompt/next"];
  at("text").placeholder = next ? `Next: ${next}` : "Next prompt";
}

function waitingText(waits) {
  const whereto = facts["/preset/queued"] ? ` to ${facts["/preset/queued"]}` : "";
  const until = facts["/beat/aim"] ? `is seen on ${facts["/beat/aim"]}` : "waits for the boundary";
  return `${waits} cut${whereto} ${until}`;
}

function showFollow() {
  const left = facts["/cue/follow_in"];
  at("follow").className = left >= 0 ? "" : "idle";
  at("follow-in").textContent = left >= 0 ? `follows in ${left} s` : "";
  at("hold").setAttribute("aria-pressed", String(facts["/hold"] === 1));
  at("hold").textContent = facts["/hold"] ? "Go on" : "Hold";
}

function showMachine() {
  for (const name of ["freeze", "black"]) {
    at(name).setAttribute("aria-pressed", String(facts[`/${name}`] === 1));
  }
  const generator = at("generator");
  generator.textContent = facts["/generator"] || "";
  generator.className = facts["/generator"] === "live" ? "chip good" : "chip bad";
  const tally = facts["/tally"] || 0;
  at("tally").hidden = tally === 0;
  at("tally").textContent = ["", "preview", "on air"][tally];
  at("tally").className = ["chip", "chip preview", "chip program"][tally];
}

// ------------------------------------------------------------------ knobs

function addKnob(row) {
  if (row.kind === "switch" || knobs.has(row.id)) return; // switches are the panic row
  const place = row.id === "dimmer" ? at("dimmer") : at("knobs-tab");
  const knob = make("div", "knob");
  knob.title = `${row.help}\nOSC /segue/${row.id}`;
  const label = make("div", "label");
  const value = make("b");
  label.append(make("span", "", row.label), value);
  knob.append(label);
  place.append(knob);
  if (row.kind === "choice") addChoices(row, knob); else addSlider(row, knob, value);
}

function addChoices(row, knob) {
  const group = make("div", "choices");
  group.setAttribute("role", "radiogroup");
  row.choices.forEach((name, index) => {
    const button = make("button", "", name);
    button.setAttribute("role", "radio");
    button.onclick = () => send(rowAddress(row), index);
    group.append(button);
  });
  knob.append(group);
  knobs.set(row.id, () => [...group.children].forEach((button, index) => {
    const live = facts[`/${row.id}`];
    const queued = rowGoal(row);
    button.setAttribute("aria-checked", String(index === live));
    button.classList.toggle("waits", queued !== live && index === queued);
  }));
}

function toNorm(row, value) {
  const share = (value - row.low) / (row.high - row.low);
  return row.curve === "square" ? Math.sqrt(share) : share;
}

function fromNorm(row, norm) {
  const travel = Math.min(Math.max(norm, 0), 1);
  const value = row.low + (row.curve === "square" ? travel * travel : travel) * (row.high - row.low);
  return row.kind === "integer" ? Math.round(value) : Number(value.toFixed(4));
}

function asText(row, value) {
  if (row.zero_text && value === 0) return row.zero_text;
  return `${row.kind === "integer" ? value : value.toFixed(2)} ${row.unit}`.trim();
}

function addSlider(row, knob, text) {
  const track = make("div", "track");
  const fill = make("i");
  const mark = make("u");
  let mine = null; // what the thumb wants, until the engine has it
  track.append(fill, mark);
  track.tabIndex = 0;
  track.setAttribute("role", "slider");
  track.setAttribute("aria-label", row.label);
  track.setAttribute("aria-valuemin", row.low);
  track.setAttribute("aria-valuemax", row.high);
  knob.append(track);

  const draw = () => {
    const live = facts[`/${row.id}`] ?? row.default;
    const target = mine ?? rowGoal(row);
    fill.style.width = `${toNorm(row, live) * 100}%`;
    mark.style.left = `${toNorm(row, target) * 100}%`;
    text.textContent = asText(row, target);
    track.setAttribute("aria-valuenow", target);
  };
  const want = (value) => { mine = value; sendNewest(rowAddress(row), value); draw(); };
  let settle = 0;
  const rest = () => {
    clearTimeout(settle);
    settle = setTimeout(() => { mine = null; draw(); }, SETTLE_MS);
  };
  let from = null; // where the thumb came down: x, and the value's place there
  track.onpointerdown = (event) => {
    clearTimeout(settle);
    from = { x: event.clientX, norm: toNorm(row, mine ?? rowGoal(row)), width: track.clientWidth };
    track.setPointerCapture(event.pointerId);
  };
  track.onpointermove = (event) => { // relative: a thumb that lands somewhere makes no jump
    if (from) want(fromNorm(row, from.norm + (event.clientX - from.x) / from.width));
  };
  track.onpointerup = track.onpointercancel = () => { from = null; rest(); };
  track.ondblclick = () => { want(row.default); rest(); };
  track.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const now = mine ?? rowGoal(row);
    const size = row.kind === "integer" ? step / (row.high - row.low) : step * 0.02;
    want(fromNorm(row, toNorm(row, now) + size));
    rest();
  };
  knobs.set(row.id, draw);
  draw();
}

// ------------------------------------------------------------------ buttons

document.querySelectorAll("[data-press]").forEach((button) => {
  button.onclick = () => send(button.dataset.press);
});
document.querySelectorAll("nav [data-tab]").forEach((button) => {
  button.onclick = () => { document.body.dataset.tab = button.dataset.tab; scrollTo(0, 0); };
});
document.querySelectorAll("[data-how]").forEach((button) => {
  button.onclick = () => {
    how = button.dataset.how;
    document.querySelectorAll("[data-how]").forEach((other) => {
      other.setAttribute("aria-checked", String(other === button));
    });
  };
});
for (const name of ["freeze", "black"]) {
  at(name).onclick = () => send(`/${name}`, facts[`/${name}`] === 1 ? 0 : 1);
}
function setLength(count) {
  chunks = Math.min(Math.max(count, 1), 64);
  at("chunks").textContent = chunks;
}
at("next").onsubmit = (event) => {
  event.preventDefault();
  if (send(isPreparing() ? "/preview/prompt" : "/prompt", at("text").value)) at("text").value = "";
  at("text").blur();
};
at("shorter").onclick = () => setLength(chunks - 1);
at("longer").onclick = () => setLength(chunks + 1);
at("hold").onclick = () => send("/hold", facts["/hold"] ? 0 : 1);
bindPreview();
bindBeat();

connect();
