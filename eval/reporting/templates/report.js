"use strict";
// The page's two parts that move: the plot and the viewer. All data lie in #content.
(() => {
  const content = JSON.parse(document.getElementById("content").textContent);
  const at = (id) => document.getElementById(id);
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const clamp = (x, low, high) => Math.min(Math.max(x, low), high);
  const make = (tag, words = "", kind = "") => {
    const made = document.createElement(tag);
    made.textContent = words;
    if (kind) made.className = kind;
    return made;
  };
  const fill = (select, names, values = names) => names.forEach((name, i) => {
    const option = make("option", name);
    option.value = values[i];
    select.append(option);
  });

  // Own formats are drawn thick, in colours of their own; dashes tell them apart beyond six.
  const style = (codec) => {
    const own = content.own.indexOf(codec);
    const others = content.codecs.filter((name) => !content.own.includes(name));
    return own >= 0
      ? { stroke: color(`--c${own % 6}`), width: 3, dash: [[], [9, 4], [3, 3]][Math.floor(own / 6) % 3] }
      : { stroke: color(`--a${others.indexOf(codec) % 5}`), width: 1.5, dash: [] };
  };

  // ---- the plot -----------------------------------------------------------------------------
  const plotted = at("plot");
  let plot = null;
  const draw = () => {
    const measure = content.measures[at("measure").selectedIndex];
    at("better").textContent = measure.note;
    const names = content.codecs.filter((name) => measure.lines[name]);
    const rates = [...new Set(names.flatMap((n) => measure.lines[n].map((p) => p[0])))].sort((a, b) => a - b);
    const columns = names.map((n) => new Map(measure.lines[n].map((p) => [p[0], p])));
    const data = [rates, ...columns.map((c) => rates.map((x) => (c.has(x) ? c.get(x)[1] : null)))];
    // Every curve has rates of its own: the pointer takes the nearest point of each.
    const nearest = (u, series, hovered, x) => {
      if (series === 0) return hovered;
      let best = null;
      rates.forEach((rate, i) => {
        if (data[series][i] === null) return;
        const gap = Math.abs(Math.log(rate / x));
        if (best === null || gap < best[0]) best = [gap, i];
      });
      return best === null ? hovered : best[1];
    };
    const axis = { stroke: color("--soft"), grid: { stroke: color("--grid"), width: 1 },
      ticks: { stroke: color("--grid"), width: 1 } };
    const marks = (low, high) => measure.ticks.filter((t) => t[0] >= low && t[0] <= high);
    const even = (low, high) => marks(low, high).length >= 2;
    const bounds = [rates[0] / 1.15, rates[rates.length - 1] * 1.15];
    const old = plot && plot.series.slice(1).map((s) => [s.label, s.show]);
    const hidden = new Set((old || []).filter((s) => !s[1]).map((s) => s[0]));
    if (plot) plot.destroy();
    plot = new uPlot({
      width: plotted.clientWidth,
      height: Math.round(clamp(plotted.clientWidth * 0.5, 280, 460)),
      cursor: { dataIdx: nearest, drag: { x: false, y: false }, points: { size: 8 } },
      scales: { x: { time: false, distr: 3, range: () => bounds }, y: { range: (u, low, high) => {
        const room = (high - low) * 0.06 || 1;
        return [low - room, high + room];
      } } },
      axes: [
        { ...axis, label: "bits per pixel", labelSize: 24, size: 36,
          splits: () => [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10].filter((x) => x >= bounds[0] && x <= bounds[1]),
          filter: (u, splits) => splits, values: (u, splits) => splits.map((x) => `${x}`) },
        { ...axis, size: 52,
          splits: measure.ticks.length ? (u, i, low, high) => even(low, high)
            ? marks(low, high).map((t) => t[0]) : [low, (low + high) / 2, high] : undefined,
          values: measure.ticks.length ? (u, splits) => splits.map((y) => {
            const mark = measure.ticks.find((t) => t[0] === y);
            return mark ? mark[1] : `${y.toFixed(1)} dB`;
          }) : undefined },
      ],
      series: [
        { label: "bpp", value: (u, x) => (x === null || x === undefined ? "" : x.toFixed(3)) },
        ...names.map((name, i) => ({
          label: name, spanGaps: true, show: !hidden.has(name), ...style(name),
          points: { show: true, size: 6, fill: style(name).stroke },
          value: (u, y, s, index) => {
            const point = index === null || index === undefined ? null : columns[i].get(rates[index]);
            return point ? point[2] : "";
          },
        })),
      ],
    }, data, plotted);
  };
  if (content.measures.length) {
    fill(at("measure"), content.measures.map((m) => m.label));
    at("measure").addEventListener("change", draw);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
    let last = 0;
    new ResizeObserver(() => {
      if (plotted.clientWidth !== last) {
        last = plotted.clientWidth;
        draw();
      }
    }).observe(plotted);
  }

  // ---- the viewer ---------------------------------------------------------------------------
  if (!content.pictures.length) return;
  const ORIGINAL = "original";
  const sides = ["left", "right"];
  const stage = at("stage");
  const view = { x: 0, y: 0, zoom: 1, seam: 0.5, flicker: false, front: "right" };
  let timer = null;
  const picture = () => content.pictures[at("picture").selectedIndex];
  const budget = () => picture().budgets[at("budget").selectedIndex];
  const entry = (side) => {
    const name = at(side).value;
    return name === ORIGINAL
      ? { codec: ORIGINAL, source: picture().original }
      : budget().views.find((one) => one.codec === name) || { codec: name, missing: "not measured" };
  };

  const place = () => {
    const { width, height } = picture();
    const [w, h] = [stage.clientWidth, stage.clientHeight];
    // A picture smaller than the stage is centred, a larger one never leaves it.
    const held = (offset, size, room) => (size <= room ? (room - size) / 2 : clamp(offset, room - size, 0));
    view.x = held(view.x, width * view.zoom, w);
    view.y = held(view.y, height * view.zoom, h);
    for (const side of sides) {
      const image = at(`side-${side}`).querySelector("img");
      image.style.transform = `translate(${Math.round(view.x)}px, ${Math.round(view.y)}px) scale(${view.zoom})`;
      image.style.imageRendering = view.zoom >= 2 ? "pixelated" : "auto";
    }
    const seam = Math.round(view.seam * w);
    at("side-right").style.clipPath = view.flicker ? "none" : `inset(0 0 0 ${seam}px)`;
    at("side-right").style.visibility = view.flicker && view.front === "left" ? "hidden" : "visible";
    at("seam").style.left = `${seam}px`;
    at("seam").hidden = view.flicker;
    at("seam").style.display = view.flicker ? "none" : "";
    at("tag-left").hidden = view.flicker && view.front === "right";
    at("tag-right").hidden = view.flicker && view.front === "left";
    at("slide").value = Math.round(view.seam * 1000);
    at("zoom").textContent = `${Math.round(100 * view.zoom)} %`;
  };
  const zoomTo = (zoom, x = stage.clientWidth / 2, y = stage.clientHeight / 2) => {
    const next = clamp(zoom, 0.25, 16);
    view.x = x - ((x - view.x) * next) / view.zoom;
    view.y = y - ((y - view.y) * next) / view.zoom;
    view.zoom = next;
    place();
  };
  const measureStage = () => {
    stage.style.maxWidth = `${picture().width}px`;
    stage.style.height = `${picture().height}px`;
  };
  const facts = (side) => {
    const shown = entry(side);
    const box = at(`facts-${side}`);
    box.replaceChildren(make("h3", shown.codec));
    if (shown.missing) {
      box.append(make("p", shown.missing));
      if (shown.limit) box.append(make("p", `Budget: ${shown.limit} bytes.`, "note"));
      return;
    }
    const list = make("dl");
    const add = (name, value) => list.append(make("dt", name), make("dd", value));
    if (shown.codec === ORIGINAL) {
      add("size", `${picture().width} × ${picture().height}`);
      box.append(list);
      return;
    }
    add("bytes", `${shown.bytes} of ${shown.limit}`);
    add("bits per pixel", `${shown.bpp}`);
    shown.figures.forEach((figure) => add(figure.name, figure.value));
    box.append(list);
    if (shown.bits.length) {
      const bar = make("div", "", "shares");
      bar.setAttribute("role", "img");
      bar.setAttribute("aria-label", "Shares of bits by kind of element");
      const keys = make("ul", "", "keys");
      shown.bits.forEach((bit, i) => {
        const piece = make("i");
        piece.style.width = `${bit.share}%`;
        piece.style.background = `hsl(${(210 + i * 67) % 360} 60% ${i % 2 ? 62 : 48}%)`;
        piece.title = `${bit.kind}: ${bit.share.toFixed(1)} %`;
        const key = make("li");
        key.append(piece.cloneNode(), `${bit.kind} ${bit.share.toFixed(1)} %`);
        key.firstChild.style.width = "";
        bar.append(piece);
        keys.append(key);
      });
      box.append(make("p", "What the bits are spent on", "note"), bar, keys);
    }
    if (shown.explained) {
      const details = make("details");
      const figure = make("figure");
      const link = make("img");
      link.src = shown.explained;
      link.alt = shown.about;
      figure.append(link, make("figcaption", shown.about));
      details.append(make("summary", "Explain this file"), figure);
      box.append(details);
    }
  };
  const show = () => {
    for (const side of sides) {
      const shown = entry(side);
      const box = at(`side-${side}`);
      const missing = box.querySelector(".missing");
      box.classList.toggle("missed", Boolean(shown.missing));
      missing.hidden = !shown.missing;
      missing.textContent = shown.missing || "";
      const image = box.querySelector("img");
      if (shown.source) image.src = shown.source;
      image.alt = `${picture().name}, ${shown.codec}`;
      at(`tag-${side}`).textContent = shown.codec;
      facts(side);
    }
    measureStage();
    place();
  };
  const flip = () => {
    view.front = view.front === "left" ? "right" : "left";
    place();
  };
  const play = (on) => {
    clearInterval(timer);
    timer = on ? setInterval(flip, 700) : null;
    at("play").setAttribute("aria-pressed", String(on));
    at("play").textContent = on ? "Pause" : "Play";
  };
  const setMode = (flicker) => {
    view.flicker = flicker;
    stage.classList.toggle("flicker", flicker);
    at("slide-row").hidden = flicker;
    at("slide-row").style.display = flicker ? "none" : "";
    at("flicker-row").hidden = !flicker;
    at("flicker-row").style.display = flicker ? "" : "none";
    play(flicker && !matchMedia("(prefers-reduced-motion: reduce)").matches);
    place();
  };

  const pick = () => {
    const before = at("budget").value;
    at("budget").replaceChildren();
    fill(at("budget"), picture().budgets.map((b) => `${b.bpp} bpp`), picture().budgets.map((b) => `${b.bpp}`));
    const kept = [...at("budget").options].findIndex((o) => o.value === before);
    at("budget").selectedIndex = kept >= 0 ? kept : Math.min(1, at("budget").options.length - 1);
    Object.assign(view, { x: 0, y: 0, zoom: 1 });
    measureStage();
    const free = [stage.clientWidth - picture().width, stage.clientHeight - picture().height];
    [view.x, view.y] = free.map((room) => room / 2);
    show();
  };
  fill(at("picture"), content.pictures.map((p) => p.name));
  const first = content.pictures[0].budgets[0].views.map((one) => one.codec);
  sides.forEach((side) => fill(at(side), [ORIGINAL, ...first]));
  at("left").value = first.find((name) => !content.own.includes(name) && name !== "JPEG") || ORIGINAL;
  at("right").value = first[0];
  at("picture").addEventListener("change", pick);
  ["budget", "left", "right"].forEach((id) => at(id).addEventListener("change", show));
  document.querySelectorAll("input[name=mode]").forEach((radio) =>
    radio.addEventListener("change", () => setMode(radio.value === "flicker")));
  at("slide").addEventListener("input", () => {
    view.seam = at("slide").value / 1000;
    place();
  });
  at("larger").addEventListener("click", () => zoomTo(view.zoom * 2));
  at("smaller").addEventListener("click", () => zoomTo(view.zoom / 2));
  at("whole").addEventListener("click", () => zoomTo(1));
  at("play").addEventListener("click", () => play(timer === null));
  at("swap").addEventListener("click", () => {
    play(false);
    flip();
  });
  stage.addEventListener("keydown", (event) => {
    const step = 40;
    const moves = { ArrowLeft: [step, 0], ArrowRight: [-step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
    if (moves[event.key]) {
      view.x += moves[event.key][0];
      view.y += moves[event.key][1];
      place();
    } else if (event.key === "+" || event.key === "=") zoomTo(view.zoom * 2);
    else if (event.key === "-") zoomTo(view.zoom / 2);
    else if (event.key === "0") zoomTo(1);
    else if (event.key === " ") {
      if (!view.flicker) document.querySelector("input[value=flicker]").click();
      play(false);
      flip();
    } else return;
    event.preventDefault();
  });
  stage.addEventListener("wheel", (event) => {
    // A bare wheel scrolls the page, as everywhere.
    if (!event.ctrlKey) return;
    event.preventDefault();
    const box = stage.getBoundingClientRect();
    zoomTo(view.zoom * (event.deltaY < 0 ? 1.25 : 0.8), event.clientX - box.left, event.clientY - box.top);
  }, { passive: false });
  // One pointer moves the picture or the seam, two pinch.
  const pointers = new Map();
  let sliding = false;
  stage.addEventListener("pointerdown", (event) => {
    sliding = event.target === at("seam");
    pointers.set(event.pointerId, [event.clientX, event.clientY]);
    stage.setPointerCapture(event.pointerId);
    stage.classList.add("moving");
  });
  stage.addEventListener("pointermove", (event) => {
    const was = pointers.get(event.pointerId);
    if (!was) return;
    const box = stage.getBoundingClientRect();
    const other = [...pointers].find(([id]) => id !== event.pointerId);
    const now = [event.clientX, event.clientY];
    if (other) {
      const span = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);
      const middle = [(now[0] + other[1][0]) / 2 - box.left, (now[1] + other[1][1]) / 2 - box.top];
      zoomTo((view.zoom * span(now, other[1])) / Math.max(span(was, other[1]), 1), ...middle);
    } else if (sliding) view.seam = clamp((now[0] - box.left) / box.width, 0, 1);
    else {
      view.x += now[0] - was[0];
      view.y += now[1] - was[1];
    }
    pointers.set(event.pointerId, now);
    place();
  });
  const lift = (event) => {
    pointers.delete(event.pointerId);
    stage.classList.remove("moving");
  };
  stage.addEventListener("pointerup", lift);
  stage.addEventListener("pointercancel", lift);
  new ResizeObserver(place).observe(stage);
  pick();
  setMode(false);
})();
