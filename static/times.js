// Times in the reader's zone, and those that run; without this they stay UTC and stand still.
(() => {
  const clock = new Intl.DateTimeFormat("sv-SE", { timeStyle: "medium" });
  const moment = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium" });
  const write = (root) => {
    for (const time of root.querySelectorAll("time[data-clock], time[data-moment]")) {
      const format = "clock" in time.dataset ? clock : moment;
      time.title = time.dateTime;
      time.textContent = format.format(new Date(time.dateTime));
    }
  };
  const spell = (seconds) => {
    const two = (number) => String(number).padStart(2, "0");
    const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
    return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
  };
  setInterval(() => {
    for (const time of document.querySelectorAll("time[data-since]")) {
      time.textContent = spell(Math.max(0, Math.floor((Date.now() - new Date(time.dateTime)) / 1000)));
    }
  }, 1000);
  new MutationObserver((changes) => {
    for (const change of changes) for (const node of change.addedNodes) if (node.querySelectorAll) write(node);
  }).observe(document.body, { childList: true, subtree: true });
  write(document);
})();
