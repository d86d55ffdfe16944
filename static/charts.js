// Draws the charts of every [data-charts] section from its JSON series; loaded with the fragment.
(() => {
  if (window.voipadminCharts) return window.voipadminCharts();
  const HEIGHT = 150;
  // Steps of a byte axis that its labels (KiB, MiB) say without rounding.
  const BYTE_STEPS = Array.from({ length: 50 }, (_, power) => 2 ** power);
  const WORDS = { "1h": "the last hour", "6h": "the last 6 hours", "24h": "the last 24 hours", "7d": "the last 7 days", "30d": "the last 30 days", "1y": "the last year" };
  let library;

  const loadLibrary = (source) => library ??= new Promise((done, failed) => {
    if (window.uPlot) return done();
    const script = Object.assign(document.createElement("script"), { src: source, onload: done, onerror: failed });
    document.head.append(script);
  });

  const element = (name, className, text = "") => Object.assign(document.createElement(name), { className, textContent: text });

  const scaled = (value, unit, base, names) => {
    let power = 0;
    for (let rest = Math.abs(value); rest >= base && power < names.length - 1; rest /= base) power += 1;
    const number = value / base ** power;
    return `${number.toFixed(power && Math.abs(number) < 100 ? 1 : 0)} ${names[power]}${unit}`;
  };
  const show = (metric, value) => {
    if (value === null || value === undefined) return "unknown";
    const label = metric.labels[value];
    if (label) return label;
    if (metric.unit === "B" || metric.unit === "B/s") return scaled(value, metric.unit, 1024, ["", "Ki", "Mi", "Gi", "Ti"]);
    const digits = Number.isInteger(value) ? 0 : Math.abs(value) < 10 ? 2 : 1;
    return `${value.toFixed(digits)}${metric.unit ? ` ${metric.unit}` : ""}`;
  };
  const age = (seconds) => seconds < 90 ? `${Math.max(0, Math.round(seconds))} s ago` : seconds < 5400 ? `${Math.round(seconds / 60)} min ago` : seconds < 172800 ? `${Math.round(seconds / 3600)} h ago` : `${Math.round(seconds / 86400)} days ago`;
  const clock = (at, zone, withDay) => new Date(at * 1000).toLocaleString([], { timeZone: zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...(withDay ? { month: "short", day: "numeric" } : {}) });

  // What the picture shows, in words.
  const summary = (metric, series) => {
    const known = metric.values.filter((value) => value !== null);
    const words = `${metric.title} over ${WORDS[series.range]}`;
    if (!known.length) return `${words}: nothing measured.`;
    if (Object.keys(metric.labels).length) return `${words}: now ${show(metric, metric.last)}.`;
    const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
    return `${words}: lowest ${show(metric, Math.min(...known))}, mean ${show(metric, mean)}, highest ${show(metric, Math.max(...known))}, last ${show(metric, metric.last)}.`;
  };

  const table = (metric, series, zone) => {
    const details = element("details");
    details.append(element("summary", "", "Table of values"));
    details.addEventListener("toggle", () => {
      if (!details.open || details.children.length > 1) return;
      const box = element("div");
      box.tabIndex = 0;
      box.setAttribute("role", "region");
      box.setAttribute("aria-label", `Values of ${metric.title}`);
      const rows = element("table", "table table-sm");
      rows.append(element("caption", "visually-hidden", metric.title));
      const head = rows.createTHead().insertRow();
      for (const text of metric.peaks ? ["Time", "Median", "95th percentile"] : ["Time", "Value"]) {
        const cell = element("th", "", text);
        cell.scope = "col";
        head.append(cell);
      }
      const body = rows.createTBody();
      const every = Math.ceil(series.at.length / 60);
      for (let n = series.at.length - 1; n >= 0; n -= every) {
        const row = body.insertRow();
        const time = element("th", "fw-normal", clock(series.at[n], zone, true));
        time.scope = "row";
        row.append(time);
        row.insertCell().textContent = show(metric, metric.values[n]);
        if (metric.peaks) row.insertCell().textContent = show(metric, metric.peaks[n]);
      }
      box.append(rows);
      details.append(box);
    });
    return details;
  };

  const options = (figure, metric, series, zone, key) => {
    const colour = (name) => getComputedStyle(figure).getPropertyValue(name).trim();
    const states = Object.keys(metric.labels).map(Number);
    const line = (label, stroke) => ({
      label, stroke, width: 1.75, spanGaps: false, points: { show: series.at.length < 20 },
      ...(states.length ? { paths: window.uPlot.paths.stepped({ align: 1 }) } : {}),
    });
    const axis = { stroke: colour("--chart-text"), grid: { stroke: colour("--chart-grid"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    const range = (_, low, high) => {
      if (states.length) return [Math.min(...states) - 0.15, Math.max(...states) + 0.15];
      const floor = metric.minimum === 0 ? 0 : Math.min(low ?? 0, 0);
      const top = Math.max(high ?? 0, metric.unit === "%" ? 10 : 0);
      return [floor, metric.maximum && top > metric.maximum * 0.7 ? metric.maximum : top === floor ? floor + 1 : floor + (top - floor) * 1.1];
    };
    return {
      width: Math.max(figure.clientWidth, 120), height: HEIGHT,
      tzDate: (at) => window.uPlot.tzDate(new Date(at * 1000), zone),
      cursor: { sync: { key }, drag: { x: false, y: false } },
      legend: { show: false },
      scales: { x: { time: true, range: () => [series.from, series.now] }, y: { range } },
      axes: [
        { ...axis, space: 60, values: (_, splits, __, ___, increment) => splits.map((at) => increment >= 86400 ? new Date(at * 1000).toLocaleDateString([], { timeZone: zone, month: "short", day: "numeric" }) : clock(at, zone)) },
        { ...axis, size: states.length ? 76 : 62, ...(states.length ? { splits: () => states } : {}), ...(metric.unit.startsWith("B") ? { incrs: BYTE_STEPS } : {}), values: (_, splits) => splits.map((value) => show(metric, value)) },
      ],
      series: [{}, line(metric.title, colour("--chart-line")), ...(metric.peaks ? [{ ...line("95th percentile", colour("--chart-peak")), dash: [4, 3] }] : [])],
    };
  };

  // Left and right move the crosshair; what it stands on is said below.
  const readable = (plot, holder, reading, metric, series, zone) => {
    let index = series.at.length;
    const tell = (at) => {
      if (at === null || at === undefined || !series.at.length) return;
      index = at;
      const peak = metric.peaks ? `, 95th percentile ${show(metric, metric.peaks[at])}` : "";
      reading.textContent = `${clock(series.at[at], zone, true)}: ${show(metric, metric.values[at])}${peak}`;
    };
    plot.hooks.setCursor = [(drawn) => tell(drawn.cursor.idx)];
    holder.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
      if (!move || !series.at.length) return;
      event.preventDefault();
      index = Math.min(series.at.length - 1, Math.max(0, index + move));
      plot.setCursor({ left: plot.valToPos(series.at[index], "x"), top: HEIGHT / 2 });
      tell(index);
    });
  };

  const draw = (place, metric, series, zone, key) => {
    const old = series.now - metric.last_at, stale = old > series.stale_after_s;
    const figure = element("figure", `chart${stale ? " chart-stale" : ""}`);
    const caption = element("figcaption");
    caption.append(element("span", "chart-title", metric.title), element("span", "chart-last", stale ? `last known ${show(metric, metric.last)}` : show(metric, metric.last)));
    if (stale) caption.append(element("span", "badge badge-warning", "Stale"));
    caption.append(element("span", "chart-age", `${series.origin}, ${age(old)}${metric.unit && metric.unit !== "%" ? `, in ${metric.unit}` : ""}${metric.peaks ? `; line: median of the ${series.resolution}, dashed: 95th percentile` : ""}`));
    if (metric.note) caption.title = metric.note;
    const holder = element("div", "chart-plot"), reading = element("div", "chart-reading");
    holder.tabIndex = 0;
    holder.setAttribute("role", "img");
    holder.setAttribute("aria-label", `${summary(metric, series)} Arrow keys read single values.`);
    reading.setAttribute("aria-live", "polite");
    figure.append(caption, holder, reading, table(metric, series, zone));
    place.append(figure);
    const data = [series.at, metric.values, ...(metric.peaks ? [metric.peaks] : [])];
    const plot = new window.uPlot(options(figure, metric, series, zone, key), data, holder);
    readable(plot, holder, reading, metric, series, zone);
    return { plot, figure };
  };

  const fill = (place, series, zone, key) => {
    const measured = series.metrics.filter((metric) => metric.last !== null || metric.values.some((value) => value !== null));
    const missing = series.metrics.filter((metric) => !measured.includes(metric)).map((metric) => metric.title);
    // Rebuilding must not take the focus, nor close a table that somebody reads.
    const focused = [...place.querySelectorAll(".chart-plot")].indexOf(document.activeElement);
    if (place.querySelector("details[open]") || (focused >= 0 && place.dataset.range === series.range)) return;
    place.dataset.range = series.range;
    for (const { plot } of place.drawn ?? []) plot.destroy();
    place.replaceChildren();
    if (!measured.length) {
      place.append(element("p", "text-body-secondary", "Nothing measured yet: the first samples arrive a minute after the collector has begun."));
      place.drawn = [];
      return;
    }
    if (series.resolution !== "raw" && !series.at.length) place.append(element("p", "text-body-secondary", `No full ${series.resolution} has been measured yet: choose a shorter range.`));
    place.drawn = measured.map((metric) => draw(place, metric, series, zone, key));
    if (missing.length) place.append(element("p", "text-body-secondary small", `Not measured here: ${missing.join(", ")}.`));
  };

  const refresh = async (section) => {
    const range = section.querySelector(".chart-ranges input:checked")?.value ?? "1h";
    for (const place of section.querySelectorAll("[data-series]")) {
      try {
        const answer = await fetch(`${place.dataset.series}?range=${range}`, { headers: { Accept: "application/json" } });
        if (!answer.ok) throw new Error(`status ${answer.status}`);
        const series = await answer.json();
        if (range !== section.querySelector(".chart-ranges input:checked")?.value) return;
        place.series = series;
        fill(place, series, section.dataset.zone, section.id);
      } catch (error) {
        place.querySelector("[data-failed]")?.remove();
        const note = element("p", "alert alert-warning py-2", "The newest numbers could not be loaded; trying again.");
        note.dataset.failed = "";
        place.querySelector("[data-loading]")?.remove();
        place.prepend(note);
      }
    }
  };

  const begin = async (section) => {
    if (section.dataset.begun) return;
    section.dataset.begun = "yes";
    section.id ||= `charts-${document.querySelectorAll("[data-begun]").length}`;
    await loadLibrary(section.dataset.uplot);
    await refresh(section);
    section.addEventListener("change", (event) => { if (event.target.closest(".chart-ranges")) refresh(section); });
    const timer = setInterval(() => {
      if (!section.isConnected) return clearInterval(timer);
      if (!document.hidden) refresh(section);
    }, section.dataset.refresh * 1000);
    new ResizeObserver(() => {
      for (const place of section.querySelectorAll("[data-series]"))
        for (const { plot, figure } of place.drawn ?? []) if (figure.clientWidth && figure.clientWidth !== plot.width) plot.setSize({ width: figure.clientWidth, height: HEIGHT });
    }).observe(section);
  };

  const beginAll = () => document.querySelectorAll("[data-charts]").forEach(begin);
  window.voipadminCharts = beginAll;
  new MutationObserver((changes) => {
    if (!changes.some((change) => change.attributeName === "data-bs-theme")) return;
    for (const place of document.querySelectorAll("[data-charts] [data-series]"))
      if (place.series) { for (const details of place.querySelectorAll("details[open]")) details.open = false; document.activeElement?.blur?.(); fill(place, place.series, place.closest("[data-charts]").dataset.zone, place.closest("[data-charts]").id); }
  }).observe(document.documentElement, { attributes: true });
  document.addEventListener("htmx:load", beginAll);
  beginAll();
})();
