// The log of a run: follow its end, search in it, jump to the first error; open stages stay open.
(() => {
  const log = document.getElementById("run-log");
  const follow = document.getElementById("log-follow");
  const search = document.getElementById("log-search");
  const toEnd = () => { if (follow.checked) log.scrollTop = log.scrollHeight; };
  const filter = (lines) => {
    const wanted = search.value.trim().toLowerCase();
    for (const line of lines) line.hidden = wanted !== "" && !line.textContent.toLowerCase().includes(wanted);
  };
  search.addEventListener("input", () => filter(log.querySelectorAll(".log-line")));
  log.addEventListener("htmx:afterSettle", () => { if (search.value) filter(log.querySelectorAll(".log-line")); toEnd(); });
  log.addEventListener("wheel", (event) => { if (event.deltaY < 0) follow.checked = false; }, { passive: true });
  follow.addEventListener("change", toEnd);

  document.getElementById("log-first-error").addEventListener("click", () => {
    const line = [...log.querySelectorAll(".log-line")].find((one) => /\b(error|failed|fatal|cannot)\b/i.test(one.textContent));
    if (!line) return;
    follow.checked = false;
    line.scrollIntoView({ block: "center" });
    line.classList.add("log-found");
  });

  // The state is replaced every second: what the reader opened or closed stays so.
  const chosen = new Map();
  document.addEventListener("click", (event) => {
    const stage = event.target.closest?.("details.stage > summary")?.parentElement;
    if (stage) chosen.set(stage.id, !stage.open);
  });
  document.body.addEventListener("htmx:afterSwap", () => {
    for (const [id, open] of chosen) document.getElementById(id)?.toggleAttribute("open", open);
  });
  toEnd();
})();
