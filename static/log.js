// A log of any length: a window of its lines that follows the end, or goes where its reader wants.
(() => {
  const panel = document.querySelector("[data-log]");
  if (!panel) return;
  const part = (id) => document.getElementById(id);
  const box = part("run-log"), follow = part("log-follow"), text = part("log-text");
  const choice = part("log-container"), count = part("log-count"), notice = part("log-notice");
  const AT_MOST = 2000, PAGE = 500, NEAR = 300, EVERY_MS = 300, HIDDEN_MS = 2000, AGAIN_MS = 1500;
  let older = panel.dataset.older === "1", newer = false, goesOn = panel.dataset.goesOn === "1";
  let turn = 0, busy = false, lastTop = 0;

  // Times and places of lines.
  const pk = (line) => Number(line?.dataset.pk ?? 0);
  const lineOf = (key) => box.querySelector(`[data-pk="${key}"]`);
  const address = (base, query) => {
    const where = { ...(panel.dataset.step && { step: panel.dataset.step }), ...(choice?.value && { container: choice.value }) };
    return `${base}?${new URLSearchParams({ ...where, ...query })}`;
  };
  const say = (words) => { notice.textContent = words; notice.hidden = !words; };

  // Every answer belongs to the choice it was asked for: another container makes it void.
  const ask = async (base, query) => {
    const mine = turn;
    try {
      const answer = await fetch(address(base, query), { headers: { "X-Requested-With": "fetch" } });
      if (answer.redirected) { goesOn = false; say("You are signed out: reload the page."); return null; }
      if (!answer.ok) throw new Error(String(answer.status));
      const body = await answer.text();
      say("");
      return mine === turn ? { answer, body } : null;
    } catch {
      say("The portal does not answer; trying again.");
      return null;
    }
  };
  const flag = (answer, name) => answer.headers.get(name) === "1";

  const isAtEnd = () => box.scrollHeight - box.scrollTop - box.clientHeight < 8;
  const toEnd = () => { box.scrollTop = box.scrollHeight; lastTop = box.scrollTop; };
  const trim = (fromTop) => {
    const extra = box.childElementCount - AT_MOST;
    for (let left = extra; left > 0; left -= 1) (fromTop ? box.firstElementChild : box.lastElementChild).remove();
    if (extra > 0 && fromTop) older = true;
    if (extra > 0 && !fromTop) newer = true;
  };
  // What the reader looks at stays where it is while lines come and go above it.
  const keepPlace = (change) => {
    const anchor = [...box.children].find((line) => line.offsetTop + line.offsetHeight > box.scrollTop);
    const before = anchor?.offsetTop;
    change();
    if (anchor?.isConnected) box.scrollTop += anchor.offsetTop - before;
    lastTop = box.scrollTop;
  };
  const append = async () => {
    const got = await ask(panel.dataset.log, { after: pk(box.lastElementChild) });
    if (!got) return false;
    goesOn = flag(got.answer, "Log-Goes-On");
    newer = flag(got.answer, "Log-Newer");
    if (!got.body) return false;
    part("log-empty").hidden = true;
    keepPlace(() => { box.insertAdjacentHTML("beforeend", got.body); trim(true); });
    if (follow.checked) toEnd();
    return true;
  };
  const prepend = async () => {
    const got = await ask(panel.dataset.log, { before: pk(box.firstElementChild) });
    if (!got) { older = false; return; }
    older = flag(got.answer, "Log-Older");
    keepPlace(() => { box.insertAdjacentHTML("afterbegin", got.body); trim(false); });
  };
  const replace = async (query) => {
    const got = await ask(panel.dataset.log, query);
    if (!got) return;
    older = flag(got.answer, "Log-Older");
    newer = flag(got.answer, "Log-Newer");
    goesOn = flag(got.answer, "Log-Goes-On");
    box.innerHTML = got.body;
    part("log-empty").hidden = got.body !== "";
  };

  // One request at a time, so that lines come once and in order.
  const alone = async (work) => {
    while (busy) await new Promise((done) => { setTimeout(done, 10); });
    busy = true;
    try { return await work(); } finally { busy = false; edges(); }
  };
  // Near an edge of the window the next lines are fetched.
  const edges = () => {
    if (busy || follow.checked) return;
    if (older && box.scrollTop < NEAR) alone(prepend);
    else if (newer && box.scrollHeight - box.scrollTop - box.clientHeight < NEAR) alone(append);
  };
  // Lines that a reader who looks further up has not asked for wait on the server.
  const wantsMore = () => follow.checked || (!newer && box.childElementCount + PAGE < AT_MOST);
  const poll = async () => {
    let more = false;
    if (goesOn && !wantsMore()) newer = true;
    else if (goesOn || (newer && follow.checked)) more = await alone(append);
    const pause = !notice.hidden ? AGAIN_MS : document.hidden ? HIDDEN_MS : more && newer ? 0 : EVERY_MS;
    if (goesOn || (newer && follow.checked)) setTimeout(poll, pause);
    else polling = false;
  };
  let polling = false;
  const start = () => { if (!polling) { polling = true; setTimeout(poll, 0); } };

  const setFollow = async (on) => {
    follow.checked = on;
    if (!on) return;
    if (newer) await alone(() => replace({}));
    toEnd();
    start();
  };
  follow.addEventListener("change", () => setFollow(follow.checked));
  box.addEventListener("scroll", () => {
    const up = box.scrollTop < lastTop - 2;
    lastTop = box.scrollTop;
    if (up && !isAtEnd()) follow.checked = false;
    edges();
  });

  const goTo = async (key) => {
    if (!key) return;
    follow.checked = false;
    if (!lineOf(key)) await alone(() => replace({ around: key }));
    box.querySelector(".log-found")?.classList.remove("log-found");
    const line = lineOf(key);
    line?.classList.add("log-found");
    line?.scrollIntoView({ block: "center" });
    lastTop = box.scrollTop;
  };
  const search = async (back) => {
    const start = pk(box.querySelector(".log-found"));
    const got = await ask(panel.dataset.find, { text: text.value.trim(), start, ...(back && start && { back: 1 }) });
    if (!got) return;
    const found = JSON.parse(got.body);
    count.textContent = found.count ? `${found.place} of ${found.count}` : "not found";
    await goTo(found.pk);
  };
  let typed;
  text.addEventListener("input", () => {
    clearTimeout(typed);
    box.querySelector(".log-found")?.classList.remove("log-found");
    const wanted = text.value.trim();
    part("log-next").disabled = part("log-previous").disabled = !wanted;
    count.textContent = "";
    if (wanted) typed = setTimeout(() => search(false), 300);
  });
  text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !text.value.trim()) return;
    event.preventDefault();
    clearTimeout(typed);
    search(event.shiftKey);
  });
  part("log-next").addEventListener("click", () => search(false));
  part("log-previous").addEventListener("click", () => search(true));
  part("log-first-error").addEventListener("click", async () => {
    const got = await ask(panel.dataset.find, {});
    if (!got) return;
    const key = JSON.parse(got.body).pk;
    if (key) await goTo(key);
    else say("Nothing sounds like an error.");
  });

  const choose = async () => {
    turn += 1;
    const download = part("log-download");
    download.href = address(download.href.split("?")[0], {});
    await alone(() => replace({}));
    await setFollow(true);
  };
  choice?.addEventListener("change", choose);
  document.addEventListener("click", (event) => {
    const name = event.target.closest("[data-log-container]")?.dataset.logContainer;
    if (!name || !choice) return;
    event.preventDefault();
    choice.value = name;
    panel.scrollIntoView({ block: "start" });
    choose();
  });
  toEnd();
  start();
})();
