/* The page's plots and controls. Law: data is drawn, never made into markup; everything is readable without this file. */
"use strict";
(() => {
  const COLOURS = {
    light: ["#0b57d0", "#b3261e", "#1b6e3a", "#8a5a00", "#7b1fa2", "#00696d", "#5a626b", "#c2185b"],
    dark: ["#8ab4f8", "#ff8a80", "#6fd18f", "#f0b849", "#d7aefb", "#78d9de", "#9aa4ae", "#ff8bcb"],
  };
  const root = document.documentElement;
  const drawn = new Map();
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);
  const colour = (index) => COLOURS[dark() ? "dark" : "light"][index % 8];
  const read = (id) => JSON.parse(document.getElementById(id)?.textContent ?? "null");
  /* The computed colour of a variable, asked for once a theme: each question makes the browser lay the page out. */
  let probed = new Map();
  const probe = (name) => {
    if (!probed.has(name)) {
      const spot = document.createElement("span");
      spot.style.color = `var(--${name})`;
      document.body.append(spot);
      probed.set(name, getComputedStyle(spot).color);
      spot.remove();
    }
    return probed.get(name);
  };
  const figure = (value) => (value == null ? "-" : Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en") : String(+value.toPrecision(3)));
  /* A tick with the decimals of the step between ticks, so that no two look the same. */
  const ticked = (_, ticks, __, ___, step) => {
    let decimals = 0;
    while (decimals < 9 && Math.abs(step * 10 ** decimals - Math.round(step * 10 ** decimals)) > 1e-6) decimals += 1;
    return ticks.map((tick) => (tick == null ? "" : tick.toLocaleString("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals })));
  };
  const withUnit = (unit) => (_, value) => (value == null ? "-" : unit === "%" ? `${figure(value * 100)} %` : `${figure(value)} ${unit}`.trim());

  const axis = (label, extra = {}) => ({
    label, labelSize: 16, labelGap: 0, labelFont: "12px system-ui", font: "11px system-ui", stroke: probe("quiet"),
    grid: { stroke: probe("line"), width: 1 }, ticks: { stroke: probe("line"), width: 1, size: 4 }, ...extra,
  });
  const base = (height, xLabel, yLabel, series, extra = {}) => ({
    width: 300, height, series, legend: { live: true }, focus: { alpha: 0.3 },
    cursor: { focus: { prox: 24 }, ...(extra.cursor ?? {}) },
    scales: { x: { time: false, ...(extra.x ?? {}) }, y: extra.y ?? {} },
    axes: [axis(xLabel, { size: 30, values: ticked, ...(extra.xAxis ?? {}) }), axis(yLabel, { size: 58, values: ticked, ...(extra.yAxis ?? {}) })],
    hooks: extra.hooks ?? {},
  });
  const line = (label, index, unit, extra = {}) => ({
    label, stroke: colour(index), width: 2, points: { show: false }, spanGaps: true, value: withUnit(unit), ...extra,
  });

  /* Each curve has its own figures: x is their union, and a curve has a share only where it has a figure. */
  const ecdf = (curves) => {
    const share = (curve, index) => (curve.x.length > 1 ? index / (curve.x.length - 1) : 1);
    /* A logarithmic axis has no 0: what arrived at one moment is below the curve's first share. */
    const tables = curves.map((curve) => {
      const kept = curve.x.map((value, index) => [value, share(curve, index)]).filter(([value]) => value > 0);
      return [kept.map(([value]) => value), kept.map(([, each]) => each)];
    });
    const data = uPlot.join(tables.map(([x, y]) => {
      const last = new Map(x.map((value, index) => [value, y[index]]));
      return [[...last.keys()], [...last.values()]];
    }));
    const options = base(260, "ms", "share of samples", [
      { label: "at", value: withUnit("ms") },
      ...curves.map((curve, index) => line(`${curve.metric} (n ${curve.n.toLocaleString("en")})`, index, "%", { paths: uPlot.paths.stepped({ align: 1 }) })),
    ], { x: { distr: data[0].length ? 3 : 1 }, y: { range: [0, 1] }, yAxis: { values: (_, ticks) => ticks.map((tick) => `${Math.round(tick * 100)} %`) },
      xAxis: { values: (_, ticks) => ticks.map((tick) => (tick == null ? "" : figure(tick))) } });
    return [options, data];
  };

  const bars = (timeline) => (u) => {
    const { ctx } = u;
    const height = Math.max(1, Math.min(12 * devicePixelRatio, (u.bbox.height / timeline.lanes) * 0.7));
    ctx.save();
    ctx.beginPath();
    ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
    ctx.clip();
    for (const [lane, sent, first, end, failed] of timeline.requests) {
      const y = u.valToPos(lane, "y", true) - height / 2;
      const at = (seconds) => u.valToPos(seconds, "x", true);
      const fill = (from, to, style, alpha) => {
        ctx.fillStyle = style;
        ctx.globalAlpha = alpha;
        ctx.fillRect(at(from), y, Math.max(1, at(to) - at(from)), height);
      };
      if (failed) fill(sent, end, colour(1), 0.9);
      else {
        fill(sent, first ?? end, colour(0), 0.35);
        fill(first ?? end, end, colour(0), 0.95);
      }
    }
    ctx.restore();
  };
  const timed = (key, span) => ({ cursor: { sync: { key, scales: ["x", null] }, drag: { x: true, y: false } }, x: { range: (_, low, high) => (low === 0 && high === 1 ? span : [low, high]) } });
  const spanOf = (plots) => {
    const ends = [
      ...(plots.timeline?.requests ?? []).map((request) => request[3]),
      plots.tokens ? plots.tokens.width_s * plots.tokens.rate.length : 0,
      ...(plots.series ?? []).map((series) => series.at.at(-1) ?? 0),
    ];
    const starts = [0, ...(plots.series ?? []).map((series) => series.at[0] ?? 0)];
    return [Math.min(...starts), Math.max(...ends, 0.001)];
  };
  const steps = (span, extra = []) => [...new Set([...span, ...extra])].sort((a, b) => a - b);

  const timeline = (found, key, span) => {
    const data = [steps(span, found.requests.map((request) => request[1])), []];
    const sent = new Map();
    for (const request of found.requests) sent.set(request[1], (sent.get(request[1]) ?? 0) + 1);
    data[1] = data[0].map((at) => sent.get(at) ?? null);
    const height = Math.max(150, Math.min(420, 60 + found.lanes * 14));
    const extra = timed(key, span);
    return [base(height, "seconds", "stream", [{ label: "at", value: withUnit("s") }, { label: "sent", paths: () => null, points: { show: false }, value: (_, value) => value ?? "-" }], {
      ...extra, y: { dir: -1, range: [-0.6, found.lanes - 0.4] }, hooks: { draw: [bars(found)] },
      yAxis: { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000], values: (_, ticks) => ticks.map((tick) => (Number.isInteger(tick) ? tick : "")) },
    }), data];
  };
  const tokens = (found, key, span) => {
    const data = [found.rate.map((_, index) => index * found.width_s), found.rate];
    return [base(190, "seconds", "tok/s", [{ label: "at", value: withUnit("s") }, line("output", 2, "tok/s", { fill: `${colour(2)}22`, paths: uPlot.paths.stepped({ align: 1 }) })], { ...timed(key, span), x: { range: span }, y: { range: (_, low, high) => [0, high * 1.05 || 1] } }), data];
  };
  const series = (found, unit, key, span) => {
    const lines = found.lines.filter((each) => each.unit === unit);
    const share = unit === "%";
    return [base(190, "seconds", unit, [{ label: "at", value: withUnit("s") }, ...lines.map((each, index) => line(each.name, index, unit))],
      { ...timed(key, span), x: { range: span }, y: share ? { range: [0, 1] } : {}, yAxis: share ? { values: (_, ticks) => ticks.map((tick) => `${Math.round(tick * 100)} %`) } : {} }),
    [found.at, ...lines.map((each) => each.values)]];
  };

  /* Changes that stand well apart on the axis, the roundest first. */
  const rounded = (place, low, high, apart) => {
    const taken = [0];
    for (const step of [10, 5, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001]) {
      for (let count = 1; count <= 20; count += 1) {
        for (const share of [-count * step, count * step]) {
          const inside = share > -0.995 && place(share) > low && place(share) < high;
          if (inside && taken.every((other) => Math.abs(place(other) - place(share)) >= apart)) taken.push(share);
        }
      }
    }
    return taken.sort((a, b) => a - b);
  };
  const signed = (share) => `${share > 0 ? "+" : ""}${share === 0 ? 0 : figure(share * 100)} %`;
  /* One row a gate: the margin as a band about 0, the interval as a bar, the judged sessions as dots. The axis is one of
     ratios (twice is as far as half), over what was seen; an interval that knows next to nothing runs out of the plot. */
  const changes = (gates) => {
    const place = (share) => Math.log(Math.max(1 + share, 1e-3));
    const seen = gates.flatMap((gate) => [0, gate.margin, -gate.margin, gate.change, ...gate.sessions]).map(place);
    const room = Math.max(...seen) - Math.min(...seen) || 0.01;
    const ends = gates.flatMap((gate) => [gate.low ?? gate.change, gate.high ?? gate.change]).map(place);
    const low = Math.max(Math.min(...seen, ...ends), Math.min(...seen) - room / 4) - room * 0.06;
    const high = Math.min(Math.max(...seen, ...ends), Math.max(...seen) + room / 4) + room * 0.06;
    const draw = (u) => {
      const { ctx, bbox } = u;
      const at = (share) => u.valToPos(place(share), "x", true);
      const unit = devicePixelRatio;
      ctx.save();
      ctx.beginPath();
      ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
      ctx.clip();
      ctx.font = `${12 * unit}px system-ui`;
      ctx.textAlign = "left";
      ctx.textBaseline = "alphabetic";
      gates.forEach((gate, row) => {
        const y = u.valToPos(row, "y", true) + 8 * unit;
        ctx.globalAlpha = 0.2;
        ctx.fillStyle = probe("quiet");
        ctx.fillRect(at(-gate.margin), y - 9 * unit, at(gate.margin) - at(-gate.margin), 18 * unit);
        ctx.globalAlpha = 1;
        ctx.fillRect(at(0) - unit / 2, y - 11 * unit, unit, 22 * unit);
        ctx.fillStyle = probe("text");
        ctx.fillText(`${gate.metric.slice(0, 30)}  ${gate.change > 0 ? "+" : ""}${(gate.change * 100).toFixed(1)} %`, bbox.left + 4 * unit, y - 15 * unit);
        const tone = probe({ regressed: "bad", inconclusive: "open", new: "open" }[gate.verdict] ?? "good");
        ctx.strokeStyle = ctx.fillStyle = tone;
        ctx.lineWidth = 3 * unit;
        ctx.beginPath();
        ctx.moveTo(at(gate.low ?? gate.change), y);
        ctx.lineTo(at(gate.high ?? gate.change), y);
        ctx.stroke();
        for (const [share, size] of [...gate.sessions.map((each) => [each, 3]), [gate.change, 6]]) {
          ctx.beginPath();
          ctx.arc(at(share), y, size * unit, 0, 7);
          ctx.fill();
        }
      });
      ctx.restore();
    };
    const order = gates.map((gate, row) => [place(gate.change), row]).sort((a, b) => a[0] - b[0]);
    const data = [order.map(([change]) => change), order.map(([, row]) => row)];
    const options = base(56 + gates.length * 44, "change (left of 0: a smaller figure)", "", [{ label: "change" }, { label: "", paths: () => null, points: { show: false } }], {
      x: { range: [low, high] }, y: { dir: -1, range: [-0.6, gates.length - 0.4] }, hooks: { draw: [draw] },
      xAxis: { splits: (u) => rounded(place, low, high, ((high - low) * 66) / (u.width - 40)).map(place), values: (_, ticks) => ticks.map((tick) => signed(+Math.expm1(tick).toPrecision(3))) },
      yAxis: { size: 12, values: () => [], grid: { show: false }, ticks: { show: false } },
    });
    options.legend.show = false;
    return [options, data];
  };

  /* Accepted sessions in their order, a rule where a new segment begins, and this run's figure with its interval. */
  const history = (gate) => {
    const values = gate.accepted.map(([value]) => value);
    const last = values.length;
    const data = [[...values.map((_, index) => index), last], [...values, gate.now]];
    const draw = (u) => {
      const { ctx } = u;
      const [at, up] = [(index) => u.valToPos(index, "x", true), (value) => u.valToPos(value, "y", true)];
      const line_ = (x1, y1, x2, y2, tone, width, dash = []) => {
        ctx.strokeStyle = tone;
        ctx.lineWidth = width * devicePixelRatio;
        ctx.setLineDash(dash.map((each) => each * devicePixelRatio));
        ctx.beginPath();
        ctx.moveTo(x1, y1);
        ctx.lineTo(x2, y2);
        ctx.stroke();
        ctx.setLineDash([]);
      };
      const newest = gate.accepted.at(-1)[1];
      const begins = gate.accepted.findIndex(([, segment]) => segment === newest);
      gate.accepted.forEach(([, segment], index) => {
        if (index && segment !== gate.accepted[index - 1][1]) line_(at(index - 0.5), u.bbox.top, at(index - 0.5), u.bbox.top + u.bbox.height, probe("quiet"), 1, [4, 4]);
      });
      if (gate.baseline != null) line_(at(begins - 0.3), up(gate.baseline), at(last), up(gate.baseline), colour(0), 1.5);
      const tone = probe({ regressed: "bad", inconclusive: "open", new: "open" }[gate.verdict] ?? "good");
      if (gate.low != null) line_(at(last), up(Math.max(gate.low, low)), at(last), up(Math.min(gate.high, high)), tone, 3);
      ctx.fillStyle = tone;
      ctx.beginPath();
      ctx.arc(at(last), up(gate.now), 6 * devicePixelRatio, 0, 7);
      ctx.fill();
    };
    /* As of the changes: an interval that knows next to nothing runs out of the plot. */
    const seen = [...values, gate.now];
    const room = Math.max(...seen) - Math.min(...seen) || Math.abs(gate.now) * 0.1 || 1;
    const low = Math.max(Math.min(...seen, gate.low ?? gate.now), Math.min(...seen) - room / 2) - room * 0.12;
    const high = Math.min(Math.max(...seen, gate.high ?? gate.now), Math.max(...seen) + room / 2) + room * 0.12;
    const options = base(190, "accepted sessions, then this run", gate.unit, [
      { label: "session", value: (_, value) => (value == null ? "-" : value === last ? "this run" : `${value + 1} of ${last}`) },
      line(gate.metric, 0, gate.unit, { paths: () => null, points: { show: true, size: 7, fill: colour(0) } }),
    ], { x: { range: [-0.7, last + 0.7] }, y: { range: [low, high] }, hooks: { draw: [draw] },
      xAxis: { incrs: [1, 2, 5, 10, 20], values: (_, ticks) => ticks.map((tick) => (Number.isInteger(tick) && tick >= 0 && tick <= last ? (tick === last ? "now" : tick + 1) : "")) } });
    return [options, data];
  };

  /* A label beside its point, at the first of six places that is inside the plot and on no point or label; else none. */
  const write = (u, taken, label, x, y) => {
    const { ctx, bbox } = u;
    const unit = devicePixelRatio;
    const text = label.length > 40 ? `${label.slice(0, 19)}…${label.slice(-20)}` : label;
    const wide = ctx.measureText(text).width;
    const pushed = Math.max(bbox.left, Math.min(x - wide / 2, bbox.left + bbox.width - wide));
    const free = [[x + 7 * unit, y - 7 * unit], [x + 7 * unit, y + 15 * unit], [x - 7 * unit - wide, y - 7 * unit], [x - 7 * unit - wide, y + 15 * unit], [pushed, y - 10 * unit], [pushed, y + 18 * unit]]
      .map(([left, base]) => [left, base - 10 * unit, left + wide, base + 2 * unit])
      .filter(([left, top, right, bottom]) => left >= bbox.left && right <= bbox.left + bbox.width && top >= bbox.top && bottom <= bbox.top + bbox.height)
      .find((one) => taken.every((other) => one[0] > other[2] || one[2] < other[0] || one[1] > other[3] || one[3] < other[1]));
    if (!free) return;
    taken.push(free);
    ctx.fillText(text, free[0], free[3] - 2 * unit);
  };
  const sweep = (found) => {
    const limits = found.slo_ttft_ms;
    const data = uPlot.join(found.lines.map(({ points }) => {
      const byOutput = new Map([...points].sort((a, b) => a.output - b.output).map((point) => [point.output, point.ttft_p50]));
      return [[...byOutput.keys()], [...byOutput.values()]];
    }));
    const draw = (u) => {
      const { ctx } = u;
      ctx.save();
      ctx.font = `${11 * devicePixelRatio}px system-ui`;
      ctx.textAlign = "left";
      ctx.textBaseline = "alphabetic";
      ctx.fillStyle = probe("text");
      const place = (point) => [u.valToPos(point.output, "x", true), u.valToPos(point.ttft_p50, "y", true)];
      const all = found.lines.flatMap(({ points }) => points);
      const taken = all.map((point) => place(point)).map(([x, y]) => [x - 5 * devicePixelRatio, y - 5 * devicePixelRatio, x + 5 * devicePixelRatio, y + 5 * devicePixelRatio]);
      /* The line joins points that differ in load alone, in the order they ran, which is the order of the load. */
      found.lines.forEach(({ points }, index) => {
        ctx.strokeStyle = colour(index);
        ctx.lineWidth = 2 * devicePixelRatio;
        for (const group of new Set(points.map((point) => point.group))) {
          ctx.beginPath();
          points.filter((point) => point.group === group).forEach((point) => ctx.lineTo(...place(point)));
          ctx.stroke();
        }
      });
      all.forEach((point) => write(u, taken, point.label, ...place(point)));
      ctx.strokeStyle = ctx.fillStyle = probe("bad");
      ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
      for (const limit of limits) {
        const y = u.valToPos(limit, "y", true);
        ctx.beginPath();
        ctx.moveTo(u.bbox.left, y);
        ctx.lineTo(u.bbox.left + u.bbox.width, y);
        ctx.stroke();
        ctx.fillText(`SLO ${figure(limit)} ms`, u.bbox.left + 6 * devicePixelRatio, y - 5 * devicePixelRatio);
      }
      ctx.restore();
    };
    return [base(300, found.output, "TTFT p50, ms", [{ label: "output", value: withUnit("tok/s") },
      ...found.lines.map((each, index) => line(each.cell, index, "ms", { paths: () => null, points: { show: true, size: 8, fill: colour(index) } }))],
    { x: { range: (_, low, high) => [0, high * 1.12 || 1] },
      y: { range: (_, low, high) => [0, Math.max(high, ...limits) * 1.15 || 1] }, hooks: { draw: [draw] } }), data];
  };

  const build = (place) => {
    const { kind, part } = place.dataset;
    if (kind === "sweep") return sweep(read("sweeps")[[...document.querySelectorAll("[data-kind=sweep]")].indexOf(place)]);
    const owner = place.closest("details.case");
    const plots = (owner.plots ??= read(`plots-${owner.dataset.plots}`));
    const key = owner.id;
    const span = (owner.span ??= spanOf(plots));
    if (kind === "series") {
      const [number, unit] = part.split(/:(.*)/s);
      return series(plots.series[+number], unit, key, span);
    }
    if (kind === "history") return history(plots.history[+part]);
    return { ecdf, changes, tokens: (found) => tokens(found, key, span), timeline: (found) => timeline(found, key, span) }[kind](plots[kind]);
  };
  const put = (place) => {
    drawn.get(place)?.destroy();
    const width = Math.max(200, place.clientWidth);
    const [options, data] = build(place);
    options.width = width;
    const plot = new uPlot(options, data, place);
    drawn.set(place, plot);
    place.tabIndex = 0;
    place.setAttribute("role", "img");
    place.setAttribute("aria-label", `${place.previousElementSibling.textContent}: plot. Left and right arrows move through its points; Escape shows everything again.`);
    place.onkeydown = (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (event.key === "Escape") plot.setData(plot.data);
      if (!step) return;
      event.preventDefault();
      const index = Math.max(0, Math.min(plot.data[0].length - 1, (plot.cursor.idx ?? (step > 0 ? -1 : plot.data[0].length)) + step));
      plot.setCursor({ left: plot.valToPos(plot.data[0][index], "x"), top: plot.over.clientHeight / 2 });
    };
  };
  /* A plot is drawn when it comes near the screen: a page of hundreds costs what is seen of it. */
  const near = new IntersectionObserver(
    (entries) => entries.filter(({ isIntersecting, target }) => isIntersecting && !drawn.has(target)).forEach(({ target }) => put(target)),
    { rootMargin: "400px" },
  );
  const again = () => {
    probed = new Map();
    [...drawn.keys()].filter((place) => place.isConnected).forEach(put);
  };

  const cases = [...document.querySelectorAll("details.case")];
  const reveal = () => {
    const one = document.getElementById(location.hash.slice(1));
    if (one?.matches?.("details.case")) {
      one.hidden = false;
      one.open = true;
      one.scrollIntoView();
    }
  };
  addEventListener("hashchange", reveal);
  document.querySelectorAll("#overview a").forEach((link) => link.addEventListener("click", () => setTimeout(reveal)));

  const filter = document.getElementById("filter");
  if (filter) {
    const failing = document.getElementById("failing");
    const names = cases.map((one) => one.querySelector("summary").textContent.toLowerCase());
    const apply = () => {
      const words = filter.value.toLowerCase();
      cases.forEach((one, index) => (one.hidden = !names[index].includes(words) || (failing.checked && one.dataset.tone !== "bad")));
      document.getElementById("shown").textContent = `${cases.filter((one) => !one.hidden).length} of ${cases.length} cases`;
    };
    filter.oninput = failing.onchange = apply;
    document.querySelector(".bar").hidden = false;
    apply();
  }
  const theme = document.getElementById("theme");
  theme.hidden = false;
  theme.onclick = () => {
    root.dataset.theme = dark() ? "light" : "dark";
    again();
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  /* The width changes with the window, and when a scroll bar comes or goes. */
  const fit = (plot, place) => {
    const width = Math.max(200, place.clientWidth);
    if (place.clientWidth && width !== plot.width) plot.setSize({ width, height: plot.height });
  };
  let fitting;
  new ResizeObserver(() => {
    clearTimeout(fitting);
    fitting = setTimeout(() => drawn.forEach(fit), 120);
  }).observe(root);

  document.querySelectorAll(".plot").forEach((place) => near.observe(place));
  const first = cases.find((one) => one.dataset.tone === "bad") ?? cases[0];
  if (location.hash) reveal();
  else if (first) first.open = true;
  root.dataset.ready = "yes";
})();
