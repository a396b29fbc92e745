// Follows the stream that an element names: each message puts HTML of our server into the page.
"use strict";
for (const part of document.querySelectorAll("[data-stream]")) {
  const state = part.querySelector("[data-stream-state]");
  const button = part.querySelector("[data-stream-pause]");
  const shown = {};
  let source = null, paused = false;

  const put = ({ data }) => {
    const [, how, id, html] = /^(\w+) ([\w-]+)\n([^]*)$/.exec(data);
    const target = document.getElementById(id);
    if (how === "prepend") {
      target.insertAdjacentHTML("afterbegin", html);
      while (target.children.length > 200) target.lastElementChild.remove();
    } else if (shown[id] !== html) {
      const link = target.contains(document.activeElement) && document.activeElement.getAttribute("href");
      target.innerHTML = shown[id] = html;
      if (link) target.querySelector(`a[href="${CSS.escape(link)}"]`)?.focus();
    }
  };
  const follow = () => {
    if (!source && !paused && !document.hidden) { // a browser has six connections to a server
      source = new EventSource(part.dataset.stream);
      source.onopen = () => { state.textContent = "Following."; };
      source.onmessage = put;
      source.onerror = () => {
        state.textContent = source.readyState === EventSource.CLOSED
          ? "Not connected: load the page anew." : "Not connected: it is tried again.";
      };
    }
  };
  const leave = () => { source?.close(); source = null; };

  button.hidden = false;
  button.addEventListener("click", () => {
    paused = !paused;
    if (paused) leave(); else follow();
    button.textContent = paused ? "Go on" : "Pause";
    state.textContent = paused ? "Paused." : "";
  });
  document.addEventListener("visibilitychange", () => { if (document.hidden) leave(); else follow(); });
  follow();
}
