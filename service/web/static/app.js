// What pages do besides htmx: follow a run through its events, show what a choice needs, ask before what is final.
"use strict";
(() => {
  const WAIT = 700; // ms between two looks, however many events there are
  const TWICE = 3000; // ms in which a second click is a slip

  // A colour of the style sheet as a canvas wants it, in light and dark.
  const probe = document.createElement("span");
  window.ink = (name) => {
    if (!probe.isConnected) document.body.append(probe);
    probe.className = "inks";
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };

  // An element with data-follow hears the events of a run, and says "changed" to whatever shows it.
  document.addEventListener("htmx:sse:before:message", (event) => {
    const stream = event.target;
    if (!stream.hasAttribute("data-follow") || stream.timer) return;
    stream.timer = setTimeout(() => {
      stream.timer = null;
      document.dispatchEvent(new Event("changed"));
    }, WAIT);
  });
  // While the events of a run do not come through, its page says so.
  const tell = (lost) => (event) => {
    const told = document.getElementById("lost");
    if (told && event.target.hasAttribute("data-follow")) told.hidden = !lost;
  };
  document.addEventListener("htmx:sse:error", tell(true));
  document.addEventListener("htmx:error", tell(true));
  document.addEventListener("htmx:sse:after:connection", tell(false));
  document.addEventListener("htmx:after:swap", () => {
    if (document.querySelector("[data-ended]")) for (const stream of document.querySelectorAll("[data-follow]")) stream.remove();
  });

  // What is sent twice from one page is one run: by a second click, or when an answer is loaded again.
  for (const field of document.querySelectorAll("[name=once]")) {
    if (!field.value) field.value = crypto.getRandomValues(new Uint32Array(2)).join("-");
  }

  document.addEventListener("submit", (event) => {
    const question = event.target.dataset.confirm;
    if (question && !confirm(question)) event.preventDefault();
    const pressed = event.submitter;
    if (event.defaultPrevented || !pressed || event.target.method !== "post") return;
    setTimeout(() => { pressed.disabled = true; }); // a second click sends nothing
    setTimeout(() => { pressed.disabled = false; }, TWICE);
  });
})();
