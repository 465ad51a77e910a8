"use strict";
// A/B: pads, prompt and knobs prepare a look while another is on air; the cut buttons take it.
// The preview is the engine's, shared by all remotes: what is shown is what /facts say of it.

function isPreparing() {
  return facts["/preview/open"] === 1;
}

// Where a hand puts a row now, and where it stands there.
function rowAddress(row) {
  return isPreparing() && row.in_preset ? `/preview/${row.id}` : `/${row.id}`;
}

function rowGoal(row) {
  const live = facts[`/${row.id}`] ?? row.default;
  if (isPreparing() && row.in_preset) return facts[`/preview/${row.id}`] ?? live;
  return facts[`/${row.id}/queued`] ?? live;
}

function cutOrTake(how) {
  send(isPreparing() ? `/preview/take/${how}` : `/cut/${how}`);
}

function showPreview() {
  const is = isPreparing();
  document.body.dataset.preview = is ? "open" : "closed";
  at("prepare").setAttribute("aria-pressed", String(is));
  at("hard").textContent = is ? "TAKE" : "HARD CUT";
  at("soft").textContent = is ? "TAKE SOFT" : "SOFT CUT";
  const name = facts["/preview/preset"] || "a look of its own";
  at("prepared").textContent = is
    ? `${name}: ${facts["/preview/prompt"]}`
    : "Prepare a look, then take it";
  document.querySelectorAll(".pad").forEach((pad) => {
    pad.toggleAttribute("data-prepared", is && pad.dataset.name === facts["/preview/preset"]);
  });
}

function bindPreview() {
  at("prepare").onclick = () => send("/preview/open", isPreparing() ? 0 : 1);
  at("hard").onclick = () => cutOrTake("hard");
  at("soft").onclick = () => cutOrTake(`soft/${chunks}`);
  at("pre-roll").onclick = () => cutOrTake("pre_roll");
}
