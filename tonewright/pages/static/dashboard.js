// Keeps the page up to date: fetches it again every two seconds and puts the sections that have changed in place.
"use strict";

const EVERY = 2000; // milliseconds
const seen = new Map(); // what each section said when it was put in place

async function look() {
  if (!document.hidden) {
    try {
      const answer = await fetch(location.pathname);
      if (!answer.ok) throw new Error(await answer.text());
      show(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch (fault) {
      const live = document.querySelector("#live");
      live.classList.add("stopped");
      live.textContent = fault instanceof TypeError ? "tonewright has stopped; this is how it was" : fault.message;
    }
  }
  setTimeout(look, EVERY);
}

// A section that holds the focus stays as it is until the focus leaves it.
function show(page) {
  document.querySelector("#live").replaceWith(page.querySelector("#live"));
  const [now, then] = [page, document].map((where) => [...where.querySelectorAll("section")]);
  if (now.map((one) => one.id).join() !== then.map((one) => one.id).join()) {
    document.querySelector("main").replaceWith(page.querySelector("main"));
    return remember();
  }
  for (const [number, fresh] of now.entries()) {
    const html = fresh.innerHTML;
    if (seen.get(fresh.id) === html || then[number].contains(document.activeElement)) continue;
    then[number].innerHTML = html;
    seen.set(fresh.id, html);
  }
}

function remember() {
  for (const section of document.querySelectorAll("section")) seen.set(section.id, section.innerHTML);
}

remember();
setTimeout(look, EVERY);
