// Has the part of a page that an element holds written anew by the server, once a second.
"use strict";
for (const page of document.querySelectorAll("[data-live]")) {
  const state = page.querySelector("[data-live-state]");
  const button = page.querySelector("[data-live-pause]");
  const part = page.querySelector("[data-live-part]");
  let paused = false, shown = "";

  const put = (html) => {
    const known = new Set([...part.querySelectorAll("tr")].map((row) => row.innerHTML));
    const focused = part.contains(document.activeElement) && document.activeElement.getAttribute("href");
    const left = part.querySelector(".scroll")?.scrollLeft;
    part.innerHTML = html;
    if (left) part.querySelector(".scroll")?.scrollTo(left, 0);
    if (focused) part.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
    if (shown) for (const row of part.querySelectorAll("tbody tr")) row.classList.toggle("came", !known.has(row.innerHTML));
    shown = html;
  };
  const look = async () => {
    if (!paused && !document.hidden) {
      let said = "Not connected: it is tried again.";
      try {
        const answer = await fetch(page.dataset.live);
        const html = await answer.text();
        if (answer.ok && html !== shown && !paused) put(html);
        said = answer.ok ? "Following." : "Not connected: load the page anew.";
      } catch { /* the server has ended, or starts again */ }
      if (!paused) state.textContent = said;
    }
    setTimeout(look, 1000);
  };

  button.hidden = false;
  button.addEventListener("click", () => {
    paused = !paused;
    button.textContent = paused ? "Go on" : "Pause";
    state.textContent = paused ? "Paused." : "";
  });
  look();
}
