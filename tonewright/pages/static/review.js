// Keys, playing, and answers without a new page. All of it works without this script too, only with more clicks.
"use strict";

document.documentElement.classList.add("js");
const find = (selector) => document.querySelector(selector);
let busy = false;
let until = Infinity;

// One answer at a time: a key that comes while the last answer is being saved was meant for a card nobody has read.
async function send(button) {
  const form = button.form;
  if (busy || button.disabled) return;
  busy = true;
  try {
    const answer = await fetch(button.getAttribute("formaction") || form.getAttribute("action"), {
      method: "POST",
      body: new URLSearchParams(new FormData(form, button)),
    });
    if (!answer.headers.get("Content-Type").startsWith("text/html")) throw new Error(await answer.text());
    show(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch (fault) {
    say(fault instanceof TypeError
      ? "tonewright has stopped. Everything you decided is saved; start it again with `tonewright review`."
      : fault.message, true);
  } finally {
    busy = false;
  }
}

function show(page) {
  stop();
  for (const id of ["top", "main"]) find("#" + id).replaceWith(page.getElementById(id));
  const told = page.getElementById("said");
  say(told.textContent, told.classList.contains("warn"));
  document.title = page.title;
  listen();
  find("#main").focus({ preventScroll: true });
  window.scrollTo(0, 0);
}

function say(text, warn) {
  find("#said").classList.toggle("warn", warn);
  find("#said").textContent = text;
}

// Playing: the line moves with the sound, and a sentence stops where it ends.
function listen() {
  const audio = find("#audio");
  if (!audio) return;
  const [drawing, button] = [find("#listen"), find("#play")];
  const turned = () => {
    const on = !audio.paused;
    drawing.classList.toggle("playing", on);
    button.setAttribute("aria-pressed", on);
    button.querySelector("span").textContent = on ? "Stop" : "Play";
    if (on) requestAnimationFrame(move);
  };
  for (const event of ["play", "pause", "ended"]) audio.addEventListener(event, turned);
  button.addEventListener("click", toggle);
  drawing.addEventListener("click", (event) => {
    const box = drawing.querySelector("[role=img]").getBoundingClientRect();
    play(((event.clientX - box.left) / box.width) * audio.duration, Infinity);
  });
  for (const line of document.querySelectorAll("[data-begin]"))
    line.addEventListener("click", () => play(Number(line.dataset.begin), Number(line.dataset.until)));
}

function move() {
  const audio = find("#audio");
  if (!audio || audio.paused) return;
  if (audio.currentTime >= until) return stop();
  for (const end of ["x1", "x2"]) find(".playhead").setAttribute(end, `${(100 * audio.currentTime) / audio.duration}%`);
  for (const line of document.querySelectorAll("[data-begin]")) {
    const now = audio.currentTime >= line.dataset.begin && audio.currentTime < line.dataset.until;
    line.closest("li").classList.toggle("now", now);
  }
  requestAnimationFrame(move);
}

function play(from, to) {
  until = to;
  find("#audio").currentTime = from || 0;
  find("#audio").play().catch(() => say("This recording cannot be played.", true));
}

function stop() {
  const audio = find("#audio");
  if (audio) audio.pause();
}

function toggle() {
  const audio = find("#audio");
  if (audio && audio.paused) play(audio.ended ? 0 : audio.currentTime, Infinity);
  else stop();
}

function help() {
  const box = find("#help");
  if (box.open) box.close();
  else box.showModal();
}

document.addEventListener("submit", (event) => {
  if (!event.submitter || event.target.method === "dialog") return;
  event.preventDefault();
  send(event.submitter);
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-key='?']")) help();
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.key === "?") return help();
  if (find("#help").open) return;
  const own = event.target.closest("button, a, audio, input");
  if (own && (event.key === "Enter" || event.key === " ")) return;
  const button = document.querySelector(`[data-key="${CSS.escape(event.key.length === 1 ? event.key.toLowerCase() : event.key)}"]`);
  if (button) {
    event.preventDefault();
    if (!event.repeat) button.click();
  } else if (event.key === "Enter" && find("[name=version]")) {
    say("Nothing is suggested here: choose a tone by its number.", true);
  }
});

listen();
