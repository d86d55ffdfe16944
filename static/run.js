// The state of a run: asks for what has changed, and keeps open what its reader opened.
(() => {
  const live = document.getElementById("run-live");
  const marks = (elements) => [...elements].map((one) => one.dataset.mark).join("");
  const stages = () => [...live.querySelectorAll("details.stage")];
  const look = () => htmx.ajax("GET", live.dataset.run, { source: "#run-state", swap: "none" });

  // The server answers with the pieces whose marks differ from those it is told.
  document.body.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.elt.id !== "run-state") return;
    const open = stages().filter((one) => one.open);
    const isUnread = (one) => one.querySelector("[data-unread]");
    event.detail.parameters = {
      seen: marks(live.querySelectorAll("#run-state, #run-failures, .stage-head")),
      rows: open.filter((one) => !isUnread(one)).slice(0, 8)
        .map((one) => `${one.dataset.stage}:${marks(one.querySelectorAll(".row-of-steps"))}`),
      opened: open.filter(isUnread).map((one) => one.dataset.stage),
    };
  });

  // Stages open while they are worked on, unless their reader chose otherwise.
  const chosen = new Set();
  live.addEventListener("click", (event) => {
    const stage = event.target.closest("details.stage > summary")?.parentElement;
    if (stage) chosen.add(stage.id);
  });
  live.addEventListener("toggle", (event) => {
    if (event.target.open && event.target.querySelector("[data-unread]")) look();
  }, true);
  document.body.addEventListener("htmx:afterSwap", () => {
    for (const stage of stages()) {
      if (!chosen.has(stage.id)) stage.open = stage.querySelector(".stage-head").dataset.open === "1";
    }
  });

  const trouble = (text) => {
    const place = live.querySelector(".run-trouble");
    place.textContent = text;
    place.hidden = !text;
  };
  document.body.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.elt.id !== "run-state") return;
    const { xhr, successful } = event.detail;
    if (successful && !xhr.responseURL.includes(live.dataset.run)) trouble("You are signed out: reload the page.");
    else trouble(successful ? "" : "The portal does not answer; what is shown here may be old. Asking again.");
  });
})();
