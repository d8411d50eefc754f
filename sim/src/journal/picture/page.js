"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const page = document.documentElement;
  window.addEventListener("error", (event) => {
    page.dataset.error = event.message;
    $("error").textContent = "This page could not be drawn: " + event.message;
    $("error").hidden = false;
  });
  const D = JSON.parse($("data").textContent);

  // ---- words

  const make = (tag, text, name) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (name) element.className = name;
    return element;
  };
  const bytes = (n) => {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = 0;
    while (n >= 1024 && unit < units.length - 1) { n /= 1024; unit += 1; }
    return (unit === 0 || n >= 100 ? n.toFixed(0) : n.toFixed(n >= 10 ? 1 : 2)) + " " + units[unit];
  };
  const time = (ms) => {
    const s = ms / 1000;
    if (s < 60) return s.toFixed(3) + " s";
    const pad = (n) => String(n).padStart(2, "0");
    const rest = pad(Math.floor(s / 60) % 60) + ":" + pad(Math.floor(s) % 60) + "." + Math.floor(ms % 1000 / 100);
    return Math.floor(s / 3600) + ":" + rest;
  };
  const number = (n) => n.toLocaleString("en");
  const plural = (n, word) => number(n) + " " + word + (n === 1 ? "" : "s");

  // ---- the colours of the scheme that is in force

  const colours = {};
  const readColours = () => {
    const style = getComputedStyle(page);
    for (const name of ["bg", "card", "ink", "soft", "line", "grid", "down", "down-pale", "up", "up-pale", "conn", "want", "ok",
      "bad", "hash", "state", "missing", "had", "cursor"]) {
      colours[name] = style.getPropertyValue("--" + name).trim();
    }
  };
  // early to late, as in viridis without its ends: told apart in both schemes, and without colours
  const STOPS = [[253, 205, 57], [122, 199, 82], [35, 160, 130], [45, 110, 150], [68, 55, 130]];
  const ramp = (share) => {
    const at = Math.max(0, Math.min(1, share)) * (STOPS.length - 1);
    const low = Math.min(Math.floor(at), STOPS.length - 2);
    const mix = (n) => Math.round(STOPS[low][n] + (STOPS[low + 1][n] - STOPS[low][n]) * (at - low));
    return "rgb(" + mix(0) + "," + mix(1) + "," + mix(2) + ")";
  };

  // ---- time and its place

  const END = Math.max(D.duration, 1);
  const view = { from: 0, to: END };
  const x = (t, width) => (t - view.from) / (view.to - view.from) * width;
  const timeAt = (px, width) => view.from + px / width * (view.to - view.from);

  // A canvas that is as sharp as the screen. Answers its context and size in CSS pixels.
  const prepare = (canvas, height) => {
    const sharp = window.devicePixelRatio || 1;
    canvas.style.height = height + "px";
    const width = Math.max(canvas.clientWidth, 1);
    canvas.width = Math.round(width * sharp);
    canvas.height = Math.round(height * sharp);
    const g = canvas.getContext("2d");
    g.scale(sharp, sharp);
    return [g, width];
  };
  const bar = (g, width, from, to, top, height, colour) => {
    const left = x(from, width), right = x(to, width);
    if (right < -1 || left > width + 1) return;
    g.fillStyle = colour;
    g.fillRect(Math.max(left, -1), top, Math.max(Math.min(right, width + 1) - Math.max(left, -1), 1), height);
  };
  const ticks = (width) => {
    const span = view.to - view.from, wanted = span / Math.max(width / 110, 2);
    const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5,
      72e5, 144e5, 288e5, 864e5, 1728e5, 6048e5];
    const step = steps.find((step) => step >= wanted) || Math.ceil(wanted / 864e5) * 864e5;
    const found = [];
    for (let at = Math.ceil(view.from / step) * step; at <= view.to; at += step) found.push(at);
    return [found, step];
  };
  const tickText = (t, step) => {
    if (step < 1000) return (t / 1000).toFixed(step < 10 ? 3 : step < 100 ? 2 : 1) + " s";
    const s = Math.round(t / 1000), pad = (n) => String(n).padStart(2, "0");
    if (view.to < 120000) return s + " s";
    return Math.floor(s / 3600) + ":" + pad(Math.floor(s / 60) % 60) + (step < 60000 || view.to < 36e5 ? ":" + pad(s % 60) : "");
  };
  const grid = (g, width, height) => {
    g.fillStyle = colours.grid;
    for (const at of ticks(width)[0]) g.fillRect(Math.round(x(at, width)), 0, 1, height);
  };

  // ---- events

  const BAD = new Set(["hash", "ban", "disk", "fail"]);
  const MARKS = new Map([
    ["ban", ["bad", "cross"]], ["hash", ["hash", "diamond"]], ["close", ["state", "end"]], ["dial", ["soft", "dash"]],
    ["fail", ["bad", "cross"]], ["ok", ["ok", "dot"]], ["sent", ["down", "up"]], ["state", ["state", "flag"]],
    ["disk", ["bad", "cross"]], ["note", ["up", "dot"]],
  ]);
  const mark = (g, shape, left, middle, colour) => {
    g.fillStyle = g.strokeStyle = colour;
    g.lineWidth = 2;
    g.beginPath();
    if (shape === "cross") {
      g.moveTo(left - 4, middle - 4); g.lineTo(left + 4, middle + 4);
      g.moveTo(left + 4, middle - 4); g.lineTo(left - 4, middle + 4);
      g.stroke();
    } else if (shape === "diamond") {
      g.moveTo(left, middle - 5); g.lineTo(left + 4, middle); g.lineTo(left, middle + 5); g.lineTo(left - 4, middle);
      g.fill();
    } else if (shape === "end") {
      g.fillRect(left - 1, middle - 10, 2, 20);
    } else if (shape === "dash") {
      g.fillRect(left - 1, middle - 4, 2, 8);
    } else if (shape === "up") {
      g.moveTo(left, middle - 4); g.lineTo(left + 4, middle + 4); g.lineTo(left - 4, middle + 4);
      g.fill();
    } else if (shape === "flag") {
      g.fillRect(left - 1, middle - 8, 2, 16);
      g.moveTo(left, middle - 8); g.lineTo(left + 7, middle - 4.5); g.lineTo(left, middle - 1);
      g.fill();
    } else {
      g.arc(left, middle, 3.5, 0, 7);
      g.fill();
    }
  };
  const events = D.events.map(([at, kind, who, text]) => ({ at, kind, who, text }));
  const byWho = new Map();
  for (const event of events) {
    for (const name of event.who ? event.who.split(" ") : [""]) {
      if (!byWho.has(name)) byWho.set(name, []);
      byWho.get(name).push(event);
    }
  }
  const of = (name) => byWho.get(name) || [];
  const own = of("").filter((event) => event.kind !== "piece" && event.kind !== "said");

  // the events next to a time, at most eight
  const near = (list, at, reach) => {
    let low = 0, high = list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (list[middle].at < at - reach) low = middle + 1; else high = middle;
    }
    const found = [];
    for (let n = low; n < list.length && list[n].at <= at + reach; n += 1) found.push(list[n]);
    const rank = (event) => BAD.has(event.kind) ? 0 : event.kind === "piece" || event.kind === "wire" ? 2 : 1;
    const more = Math.max(found.length - 8, 0);
    found.sort((a, b) => rank(a) - rank(b) || Math.abs(a.at - at) - Math.abs(b.at - at));
    return [found.slice(0, 8).sort((a, b) => a.at - b.at), more];
  };

  // ---- the tip beside the mouse

  const tip = $("tip");
  const showTip = (event, lines) => {
    tip.replaceChildren(...lines.map(([text, name]) => make("div", text, name)));
    tip.hidden = false;
    const left = Math.min(event.clientX + 14, window.innerWidth - tip.offsetWidth - 8);
    const below = event.clientY + 16;
    const top = below + tip.offsetHeight > window.innerHeight ? event.clientY - tip.offsetHeight - 10 : below;
    tip.style.left = Math.max(left, 4) + "px";
    tip.style.top = Math.max(top, 4) + "px";
  };
  const hideTip = () => { tip.hidden = true; };
  const eventLines = (list, at, reach) => {
    const [found, more] = near(list, at, reach);
    const lines = found.map((event) => [
      time(event.at) + "  " + (event.who ? event.who + ": " : "") + event.text, BAD.has(event.kind) ? "bad" : "",
    ]);
    if (more) lines.push(["and " + number(more) + " more", "soft"]);
    return lines;
  };

  // ---- things that are drawn over time

  const strips = [];
  let pointer = null, drag = null;
  // A canvas over time: `paint(g, width, height)`, `tell(at)` gives lines, `list` its events.
  const strip = (parent, name, height, label, paint, tell, list) => {
    const row = make("div", undefined, "lane " + name);
    row.append(label);
    const canvas = make("canvas");
    row.append(canvas);
    parent.append(row);
    const entry = { canvas, height, paint };
    strips.push(entry);
    canvas.addEventListener("mousemove", (event) => {
      const width = canvas.clientWidth;
      pointer = timeAt(event.offsetX, width);
      redraw();
      const reach = 7 / width * (view.to - view.from);
      showTip(event, [[time(Math.max(pointer, 0))], ...tell(pointer), ...eventLines(list, pointer, reach)]);
    });
    canvas.addEventListener("mouseleave", () => { pointer = null; hideTip(); redraw(); });
    canvas.addEventListener("mousedown", (event) => { drag = timeAt(event.offsetX, canvas.clientWidth); event.preventDefault(); });
    canvas.addEventListener("dblclick", () => { view.from = 0; view.to = END; redraw(); });
    return row;
  };
  window.addEventListener("mouseup", () => {
    if (drag !== null && pointer !== null) {
      const from = Math.max(Math.min(drag, pointer), 0), to = Math.min(Math.max(drag, pointer), END);
      if (to - from > Math.max((view.to - view.from) / 100, 5)) { view.from = from; view.to = to; }
    }
    drag = null;
    redraw();
  });
  const paintStrip = (entry) => {
    const [g, width] = prepare(entry.canvas, entry.height);
    entry.paint(g, width, entry.height);
    if (pointer !== null) {
      g.fillStyle = colours.cursor;
      if (drag !== null) g.fillRect(x(Math.min(drag, pointer), width), 0, Math.abs(x(drag, width) - x(pointer, width)), entry.height);
      g.fillRect(x(pointer, width), 0, 1, entry.height);
    }
  };
  let asked = false;
  const redraw = () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; strips.forEach(paintStrip); });
  };
  const label = (name, more) => {
    const box = make("div");
    const title = make("b", name);
    box.append(title);
    if (more) box.append(make("i", more));
    box.title = more ? name + "\n" + more : name;
    return box;
  };

  // ---- rates

  const RATES = 160, FOOT = 18;
  const rate = (list, at) => (list[Math.floor(at / D.bucket)] || 0) / D.bucket * 1000;
  // Blocks come in lumps: each point is the mean of the buckets around it, of fewer the closer one looks.
  const around = () => Math.max(Math.floor((view.to - view.from) / 160 / D.bucket), 0);
  const smooth = (list) => {
    const reach = around(), sums = [0];
    for (const n of list) sums.push(sums[sums.length - 1] + n);
    return list.map((_, n) => {
      const from = Math.max(n - reach, 0), to = Math.min(n + reach + 1, list.length);
      return (sums[to] - sums[from]) / (to - from) / D.bucket * 1000;
    });
  };
  const nice = (top) => {
    let step = 1;
    while (step * 4 < top) step *= 2;
    return step * 3 >= top ? [step, 3] : [step, 4];
  };
  const paintRates = (g, width, height) => {
    const room = height - FOOT, first = Math.max(Math.floor(view.from / D.bucket), 0);
    const last = Math.min(Math.ceil(view.to / D.bucket), D.down.length);
    const down = smooth(D.down), up = smooth(D.up);
    let top = 1;
    for (let n = first; n < last; n += 1) top = Math.max(top, down[n], up[n]);
    const [step, steps] = nice(top), y = (value) => room - value / (step * steps) * (room - 14);
    grid(g, width, room);
    g.fillStyle = colours.line;
    for (let n = 0; n <= steps; n += 1) g.fillRect(0, Math.round(y(step * n)), width, 1);
    const area = (list, stroke, fill) => {
      g.beginPath();
      g.moveTo(x(first * D.bucket, width), room);
      for (let n = first; n < last; n += 1) {
        const value = y(list[n]);
        g.lineTo(x(n * D.bucket, width), value);
        g.lineTo(x((n + 1) * D.bucket, width), value);
      }
      g.lineTo(x(last * D.bucket, width), room);
      g.globalAlpha = 0.5; g.fillStyle = fill; g.fill(); g.globalAlpha = 1;
      g.strokeStyle = stroke; g.lineWidth = 1.5; g.lineJoin = "round"; g.stroke();
    };
    area(up, colours.up, colours["up-pale"]);
    area(down, colours.down, colours["down-pale"]);
    g.font = "11px system-ui, sans-serif";
    g.lineWidth = 3;
    g.strokeStyle = colours.card;
    g.fillStyle = colours.soft;
    for (let n = 1; n <= steps; n += 1) {
      const text = bytes(step * n) + "/s";
      g.strokeText(text, 4, y(step * n) - 3);
      g.fillText(text, 4, y(step * n) - 3);
    }
    const [found, every] = ticks(width);
    for (const at of found) {
      const text = tickText(at, every), wide = g.measureText(text).width;
      g.fillText(text, Math.max(0, Math.min(x(at, width) - wide / 2, width - wide)), height - 4);
    }
  };
  const share = (part, whole) => whole ? (part / whole * 100).toFixed(part / whole < 0.1 ? 1 : 0) + " %" : "";
  const buildRates = () => {
    const peak = (list) => bytes(smooth(list).reduce((a, b) => Math.max(a, b), 0)) + "/s";
    $("rates-note").textContent = "payload, mean of " + time((around() * 2 + 1) * D.bucket) +
      ". Drag over any row to look closer, double click for the whole run.";
    const box = make("div");
    box.append(make("b", "received"), make("i", "at most " + peak(D.down)), make("b", "sent"), make("i", "at most " + peak(D.up)));
    strip($("rates"), "rates", RATES, box, paintRates, (at) => [
      ["received " + bytes(rate(D.down, at)) + "/s, sent " + bytes(rate(D.up, at)) + "/s in these " + time(D.bucket), "soft"],
    ], events.filter((event) => event.kind !== "said" && event.kind !== "wire"));
  };

  // ---- torrent and trackers

  const marked = (list) => (g, width, height) => {
    grid(g, width, height);
    let last = -99;
    for (const event of list) {
      const shape = MARKS.get(event.kind), left = x(event.at, width);
      if (!shape || left < -9 || left > width + 9) continue;
      // marks of requests that touch say no more than one
      if (event.kind === "sent" && left - last < 3) continue;
      last = left;
      mark(g, shape[1], left, height / 2, colours[shape[0]]);
    }
  };
  const buildTrackers = () => {
    strip($("trackers"), "own", 28, label("torrent", "states, notes, failures"), marked(own), () => [], own);
    for (const tracker of D.trackers) {
      const counts = plural(tracker.sent, "announce") + ", " + number(tracker.answered) + " answered, " + number(tracker.failed) + " failed";
      const row = strip($("trackers"), "tracker", 28, label(tracker.name + "  " + tracker.host, counts), marked(of(tracker.name)),
        () => [], of(tracker.name));
      row.dataset.name = tracker.name;
    }
  };

  // ---- peers

  const LANE = 34, HALF = LANE / 2;
  const counts = (g, width, list, most, base, up, room, colour) => {
    g.fillStyle = colour;
    for (let n = 0; n < list.length; n += 2) {
      const left = x(list[n] * D.lane_bucket, width), right = x((list[n] + 1) * D.lane_bucket, width);
      if (right < 0 || left > width) continue;
      const height = Math.max(Math.sqrt(list[n + 1] / most) * room, 2);
      g.fillRect(left, up ? base - height : base, Math.max(right - left, 1.2), height);
    }
  };
  const most = (name) => {
    let found = 1;
    for (const peer of D.peers) for (let n = 1; n < peer[name].length; n += 2) found = Math.max(found, peer[name][n]);
    return found;
  };
  const within = (spans, at) => spans.some(([from, to]) => from <= at && at <= to);
  const countAt = (list, at) => {
    const bucket = Math.floor(at / D.lane_bucket);
    for (let n = 0; n < list.length; n += 2) if (list[n] === bucket) return list[n + 1];
    return 0;
  };
  const paintPeer = (peer, mosts) => (g, width, height) => {
    grid(g, width, height);
    for (const [from, handshake, to] of peer.conns) {
      if (handshake < 0) bar(g, width, from, to, HALF - 1, 2, colours.conn);
      else {
        bar(g, width, from, handshake, HALF - 1, 2, colours.conn);
        bar(g, width, handshake, to, 3, height - 6, colours.conn);
      }
    }
    for (const [from, to] of peer.unchoked_us) bar(g, width, from, to, 3, HALF - 3, colours["down-pale"]);
    for (const [from, to] of peer.unchoked_it) bar(g, width, from, to, HALF, HALF - 3, colours["up-pale"]);
    counts(g, width, peer.blocks_in, mosts[0], HALF, true, HALF - 5, colours.down);
    counts(g, width, peer.blocks_out, mosts[1], HALF, false, HALF - 5, colours.up);
    for (const [from, to] of peer.want) bar(g, width, from, to, 1, 2, colours.down);
    for (const [from, to] of peer.wanted) bar(g, width, from, to, height - 3, 2, colours.up);
    g.globalAlpha = 0.8;
    for (const [list, top] of [[peer.requests_out, HALF - 3], [peer.requests_in, HALF]]) {
      g.fillStyle = colours.ink;
      for (let n = 0; n < list.length; n += 2) {
        const left = x((list[n] + 0.5) * D.lane_bucket, width);
        if (left >= 0 && left <= width) g.fillRect(left, top, 1, 3);
      }
    }
    g.globalAlpha = 1;
    for (const event of of(peer.name)) {
      const shape = MARKS.get(event.kind), left = x(event.at, width);
      if (shape && left > -9 && left < width + 9) mark(g, shape[1], left, HALF, colours[shape[0]]);
    }
  };
  const tellPeer = (peer) => (at) => {
    const lines = [];
    const conn = peer.conns.find(([from, , to]) => from <= at && at <= to);
    if (!conn) lines.push(["not connected", "soft"]);
    else {
      const [, handshake, , dialled, reason] = conn;
      const began = dialled ? "dialled by us" : "dialled us";
      lines.push([(handshake >= 0 && handshake <= at ? "connected, " : "no handshake yet, ") + began +
        (reason >= 0 ? "; ends: " + D.reasons[reason] : ""), "soft"]);
      if (handshake >= 0 && handshake <= at) {
        lines.push([(within(peer.unchoked_us, at) ? "lets us request" : "chokes us") + ", " +
          (within(peer.want, at) ? "we want something" : "we want nothing") + "; " +
          (within(peer.unchoked_it, at) ? "may request" : "choked by us") + ", " +
          (within(peer.wanted, at) ? "wants something" : "wants nothing"), "soft"]);
      }
    }
    const told = [[peer.requests_out, "requests sent"], [peer.blocks_in, "blocks received"], [peer.requests_in, "requests received"],
      [peer.blocks_out, "blocks sent"]].map(([list, words]) => [countAt(list, at), words]).filter(([count]) => count);
    if (told.length) lines.push([told.map(([count, words]) => number(count) + " " + words).join(", ") + " in these " + time(D.lane_bucket), "soft"]);
    return lines;
  };
  const buildPeers = () => {
    const mosts = [most("blocks_in"), most("blocks_out")];
    for (const peer of D.peers) {
      const head = peer.name + "  " + (peer.client || "no handshake") + (peer.banned ? "  banned" : "");
      const moved = [peer.down ? "\u2193 " + bytes(peer.down) : "", peer.up ? "\u2191 " + bytes(peer.up) : ""].filter(Boolean).join("  ");
      const row = strip($("peers"), "peer" + (peer.banned ? " banned" : ""), LANE, label(head, peer.addr + (moved ? "  " + moved : "")),
        paintPeer(peer, mosts), tellPeer(peer), of(peer.name));
      row.dataset.name = peer.name;
    }
    const cut = D.peers.reduce((all, peer) => all + peer.conns_left_out, 0);
    $("peers-note").textContent = number(D.peers.length) + (D.peers.length === 1 ? " address" : " addresses") +
      (D.peers_left_out ? ", " + number(D.peers_left_out) + " more with less traffic are left out" : "") +
      (cut ? ", " + number(cut) + " later connections are left out" : "");
  };

  // ---- pieces

  const maps = [];
  const buildMap = (torrent) => {
    const box = make("div", undefined, "map");
    const several = D.torrents.length > 1, note = several ? make("p") : $("pieces-note");
    note.textContent = (several ? torrent.name + ": " : "") + number(torrent.have) + " of " + plural(torrent.pieces, "piece") +
      (torrent.had ? ", " + number(torrent.had) + " of them there at the beginning" : "") +
      (torrent.per_cell > 1 ? "; a cell is " + number(torrent.per_cell) + " pieces" : "") +
      (torrent.failed.length ? "; " + plural(torrent.failed.length, "piece") + " failed the hash" : "");
    const canvas = make("canvas");
    if (several) box.append(note);
    box.append(canvas);
    box.dataset.pieces = torrent.pieces;
    $("pieces").append(box);
    const times = torrent.cells.filter((at) => at >= 0);
    const first = times.reduce((a, b) => Math.min(a, b), Infinity), last = times.reduce((a, b) => Math.max(a, b), 0);
    const failed = new Map();
    for (const [piece, at, count] of torrent.failed) {
      const cell = Math.floor(piece / torrent.per_cell), before = failed.get(cell) || [];
      failed.set(cell, before.concat([[piece, at, count]]));
    }
    const shape = () => {
      const width = Math.max(canvas.clientWidth, 1), cells = torrent.cells.length;
      let size = 22;
      while (size > 5 && Math.ceil(cells / Math.floor(width / size)) * size > 150) size -= 1;
      const columns = Math.max(Math.floor(width / size), 1);
      return [size, columns, Math.max(Math.ceil(cells / columns), 1)];
    };
    const paint = () => {
      const [size, columns, rows] = shape();
      const [g] = prepare(canvas, rows * size + 1);
      let drawn = 0;
      torrent.cells.forEach((at, n) => {
        const left = n % columns * size, top = Math.floor(n / columns) * size, gap = size > 7 ? 1.5 : 1;
        g.fillStyle = at === -1 ? colours.missing : at === -2 ? colours.had : ramp(last > first ? (at - first) / (last - first) : 0);
        const full = torrent.filled.length ? torrent.filled[n] / Math.min(torrent.per_cell, torrent.pieces - n * torrent.per_cell) : 1;
        if (at !== -1 && full < 1) {
          const colour = g.fillStyle;
          g.fillStyle = colours.missing;
          g.fillRect(left, top, size - gap, size - gap);
          g.fillStyle = colour;
          g.fillRect(left, top, (size - gap) * full, size - gap);
        } else g.fillRect(left, top, size - gap, size - gap);
        if (failed.has(n)) {
          const side = Math.max((size - gap) * 0.55, 3);
          g.fillStyle = colours.bad;
          g.beginPath();
          g.moveTo(left + size - gap, top); g.lineTo(left + size - gap, top + side); g.lineTo(left + size - gap - side, top);
          g.fill();
        }
        drawn += 1;
      });
      box.dataset.drawn = drawn;
    };
    canvas.addEventListener("mousemove", (event) => {
      const [size, columns] = shape();
      const column = Math.floor(event.offsetX / size), n = Math.floor(event.offsetY / size) * columns + column;
      if (column >= columns || n >= torrent.cells.length) return hideTip();
      const piece = n * torrent.per_cell, until = Math.min(piece + torrent.per_cell, torrent.pieces) - 1, at = torrent.cells[n];
      const lines = [[until > piece ? "pieces " + piece + " to " + until : "piece " + piece]];
      if (torrent.filled.length) lines.push([number(torrent.filled[n]) + " of " + (until - piece + 1) + " are there", "soft"]);
      lines.push([at === -1 ? "not there in the end" : at === -2 ? "there at the beginning" : "verified at " + time(at), "soft"]);
      for (const [which, when, count] of (failed.get(n) || []).slice(0, 8)) {
        lines.push(["piece " + which + " failed its hash at " + time(when) + (count > 1 ? ", " + count + " times in all" : ""), "bad"]);
      }
      return showTip(event, lines);
    });
    canvas.addEventListener("mouseleave", hideTip);
    maps.push(paint);
  };

  // ---- legends

  const samples = [];
  const legend = (id, entries) => {
    for (const [text, paint] of entries) {
      const entry = make("span"), canvas = make("canvas");
      entry.append(canvas, document.createTextNode(text));
      $(id).append(entry);
      samples.push(() => paint(prepare(canvas, 12)[0]));
    }
  };
  const block = (colour, top = 0, height = 12) => (g) => { g.fillStyle = colours[colour]; g.fillRect(0, top, 16, height); };
  const sign = (kind) => (g) => mark(g, MARKS.get(kind)[1], 8, 6, colours[MARKS.get(kind)[0]]);
  const buildLegends = () => {
    legend("legend-rates", [["received", block("down")], ["sent", block("up")]]);
    legend("legend-trackers", [["state", sign("state")], ["note", sign("note")], ["announce sent", sign("sent")], ["answer", sign("ok")],
      ["failure", sign("fail")], ["hash failure", sign("hash")]]);
    legend("legend-peers", [
      ["connected", block("conn")], ["lets us request", block("down-pale")], ["blocks received", block("down")],
      ["may request", block("up-pale")], ["blocks sent", block("up")], ["we want something", block("down", 4, 3)],
      ["it wants something", block("up", 4, 3)],
      ["requests", (g) => { g.fillStyle = colours.ink; for (const left of [2, 6, 7, 11]) g.fillRect(left, 4, 1, 4); }],
      ["closed", sign("close")], ["not reached", sign("dial")], ["sent wrong data", sign("hash")], ["banned", sign("ban")],
    ]);
    const ramped = (g) => { for (let n = 0; n < 16; n += 1) { g.fillStyle = ramp(n / 15); g.fillRect(n, 0, 1, 12); } };
    legend("legend-pieces", [["verified early to late", ramped], ["there at the beginning", block("had")], ["missing", block("missing")],
      ["failed its hash", (g) => { g.fillStyle = colours.bad; g.beginPath(); g.moveTo(14, 0); g.lineTo(14, 10); g.lineTo(4, 0); g.fill(); }]]);
  };

  // ---- head and list

  const buildHead = () => {
    const T = D.totals, payload = T.useful + T.duplicate + T.failed_hash + T.unrequested + T.late;
    const name = D.torrents.length ? D.torrents.map((torrent) => torrent.name).join(", ") : D.what;
    $("name").textContent = name;
    document.title = name + " \u2013 seedbed";
    $("about").textContent = D.what + "; seedbed " + D.version + "; " + plural(D.steps, "step") +
      (D.whole ? "" : "; the end of the recording is missing");
    const card = (value, text, bad) => {
      const box = make("div", undefined, "card" + (bad ? " bad" : ""));
      box.append(make("b", value), make("span", text));
      $("cards").append(box);
    };
    const wasted = payload - T.useful;
    card(time(D.duration), "duration");
    card(bytes(T.length), "content");
    card(bytes(payload), "received");
    card(bytes(T.useful), "useful");
    card(bytes(wasted) + (wasted ? " (" + share(wasted, payload) + ")" : ""), "wasted");
    card(bytes(T.uploaded), "sent");
    card(number(D.peers.filter((peer) => peer.client).length), "peers with a handshake");
    card(number(T.hash_failures), "hash failures", T.hash_failures);
    card(number(T.bans), "bans", T.bans);
    $("fate").hidden = false;
    const classes = [["duplicate", T.duplicate], ["failed their hash", T.failed_hash], ["never asked for", T.unrequested],
      ["late", T.late]].filter(([, n]) => n);
    $("fate").textContent = (classes.length ? "Wasted: " + classes.map(([word, n]) => bytes(n) + " " + word).join(", ") + ". " : "") +
      "Beside the payload " + bytes(T.protocol) + " of protocol were received.";
  };
  const buildList = () => {
    $("list-note").textContent = plural(events.length, "event") +
      (D.events_left_out ? "; " + number(D.events_left_out) + " that matter less found no room" : "");
    // rows are made when somebody wants to see them
    $("list").addEventListener("toggle", () => {
      if ($("rows").childElementCount) return;
      for (const event of events) {
        const row = make("tr", undefined, BAD.has(event.kind) ? "bad" : "");
        row.append(make("td", time(event.at)), make("td", event.who), make("td", event.text));
        $("rows").append(row);
      }
    });
  };

  const paintAll = () => {
    readColours();
    strips.forEach(paintStrip);
    maps.forEach((paint) => paint());
    samples.forEach((paint) => paint());
  };
  buildHead();
  buildRates();
  buildTrackers();
  buildPeers();
  D.torrents.forEach(buildMap);
  buildLegends();
  buildList();
  paintAll();
  window.addEventListener("resize", paintAll);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paintAll);
  page.dataset.peers = D.peers.length;
  page.dataset.events = events.length;
  page.dataset.ready = "true";
})();
