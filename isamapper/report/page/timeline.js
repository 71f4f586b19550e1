// Draws the invocations of a timeline: rows of servers, what each did and waited for, and memory below.
// Time on the screen ("place") is cycles with every gap between windows drawn as a narrow strip.
'use strict';
(function () {
  var data = JSON.parse(document.getElementById('data').textContent);
  var canvas = document.getElementById('canvas'), tip = document.getElementById('tip');
  var context = canvas.getContext('2d');
  var ROW = 22, LABEL = 150, AXIS = 26, MEMORY = 56, SPACE = 10;
  var bars = unpack(data.bars), byRow = split(bars);
  var segments = lay(data.segments);
  var whole = segments[segments.length - 1].to;
  var view = { from: 0, to: whole };
  var height = AXIS + data.rows.length * ROW + SPACE + data.memories.length * (MEMORY + SPACE);

  function unpack(lists) {
    var start = 0, number = -1;
    return lists.map(function (list) {
      start += list[2];
      number += list[6];
      return { site: list[0], row: list[1], start: start, free: start - list[3], released: start + list[4],
        end: start + list[5], number: number, waits: list.slice(7) };
    });
  }

  function split(all) {
    var rows = data.rows.map(function () { return []; });
    all.forEach(function (bar) { rows[bar.row].push(bar); });
    return rows;
  }

  // Windows side by side: each keeps its cycles, each gap is a fiftieth of all of them.
  function lay(list) {
    var total = list.reduce(function (sum, each) { return sum + each[1] - each[0]; }, 0);
    var gap = list.length > 1 ? Math.max(total / 50 / Math.sqrt(list.length), 1) : 0, place = 0;
    return list.map(function (each, index) {
      var from = place, to = from + Math.max(each[1] - each[0], 1);
      place = to + gap;
      return { first: each[0], last: each[1], numbers: [each[2], each[3]], from: from, to: to, gap: gap, index: index };
    });
  }

  function placeOf(cycle, segment) { return segment.from + cycle - segment.first; }

  function segmentOf(number) {
    var low = 0, high = segments.length - 1;
    while (low < high) {
      var middle = (low + high + 1) >> 1;
      if (segments[middle].numbers[0] <= number) { low = middle; } else { high = middle - 1; }
    }
    return segments[low];
  }

  bars.forEach(function (bar) { bar.segment = segmentOf(bar.number); });

  function colour(name) { return getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim(); }
  function wide() { return canvas.clientWidth - LABEL; }
  function x(place) { return LABEL + (place - view.from) / (view.to - view.from) * wide(); }
  function back(pixel) { return view.from + (pixel - LABEL) / wide() * (view.to - view.from); }
  function words(count) { return Math.round(count).toLocaleString('en-US'); }

  function size() {
    var ratio = window.devicePixelRatio || 1;
    canvas.style.height = height + 'px';
    canvas.width = Math.max(1, Math.round(canvas.clientWidth * ratio));
    canvas.height = Math.round(height * ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
  }

  function draw() {
    var ink = { paper: colour('paper'), ink: colour('ink'), quiet: colour('quiet'), line: colour('line'), fill: colour('fill') };
    size();
    context.fillStyle = ink.paper;
    context.fillRect(0, 0, canvas.clientWidth, height);
    context.save();
    context.beginPath();
    context.rect(LABEL, 0, wide(), height);
    context.clip();
    axis(ink);
    byRow.forEach(function (own, row) { drawRow(own, AXIS + row * ROW, ink); });
    data.memories.forEach(function (memory, index) { drawMemory(memory, index, ink); });
    gaps(ink);
    context.restore();
    labels(ink);
  }

  function axis(ink) {
    var least = (view.to - view.from) / Math.max(wide() / 110, 1);
    var step = Math.pow(10, Math.ceil(Math.log10(Math.max(least, 1))));
    [5, 2].forEach(function (part) { if (step / part >= least && step / part >= 1) { step = step / part; } });
    context.font = '11px ui-monospace, Menlo, Consolas, monospace';
    var free = -Infinity;
    segments.forEach(function (segment) {
      if (segment.to < view.from || segment.from > view.to) { return; }
      var low = segment.first + Math.max(0, view.from - segment.from);
      var cycle = Math.ceil(low / step) * step;
      for (; cycle <= segment.last && placeOf(cycle, segment) <= view.to; cycle += step) {
        var at = x(placeOf(cycle, segment)), text = words(cycle);
        if (at > free) {
          context.fillStyle = ink.line;
          context.fillRect(at, AXIS - 5, 1, height - AXIS + 5);
          context.fillStyle = ink.quiet;
          if (at + 3 + context.measureText(text).width < LABEL + wide()) { context.fillText(text, at + 3, AXIS - 9); }
          free = at + context.measureText(text).width + 10;
        }
      }
    });
  }

  // Long invocations are boxes; where many share a pixel, its column is filled by the share of time.
  function drawRow(own, top, ink) {
    var columns = {}, any = false, scale = wide() / (view.to - view.from);
    context.fillStyle = ink.fill;
    context.fillRect(LABEL, top + 2, wide(), ROW - 4);
    function part(from, to, kind, name, tall) {
      var a = x(from), b = x(to), first, column;
      if (b < LABEL || a > LABEL + wide() || b <= a) { return; }
      if (b - a >= 1.5) {
        context.fillStyle = kind;
        context.fillRect(a, tall ? top + 2 : top + 9, Math.max(b - a - (b - a > 4 ? 1 : 0), 1), tall ? ROW - 4 : ROW - 11);
        if (name && b - a > 34) { title(name, Math.max(a, LABEL), b, top); }
        return;
      }
      any = true;
      first = Math.floor(a);
      column = columns[first] || (columns[first] = {});
      column[kind] = (column[kind] || 0) + (to - from) * scale;
    }
    for (var index = lowest(own); index < own.length; index += 1) {
      var bar = own[index], segment = bar.segment, at = placeOf(bar.free, segment);
      if (placeOf(bar.free, segment) > view.to && segment.from > view.to) { break; }
      for (var pair = 0; pair < bar.waits.length; pair += 2) {
        part(Math.max(at, segment.from), at + bar.waits[pair + 1], data.reasons[bar.waits[pair]][1], '', false);
        at += bar.waits[pair + 1];
      }
      var ends = Math.min(placeOf(bar.released, segment), segment.to);
      part(placeOf(bar.start, segment), ends, data.sites[bar.site][2], data.sites[bar.site][0], true);
      if (bar.end > bar.released && scale > 0.4) {
        context.fillStyle = data.sites[bar.site][2];
        context.fillRect(x(ends), top + 3, Math.max(0, (Math.min(placeOf(bar.end, segment), segment.to) - ends) * scale), 2);
      }
    }
    if (any) {
      Object.keys(columns).forEach(function (column) {
        var bottom = top + ROW - 2;
        Object.keys(columns[column]).forEach(function (kind) {
          var tall = Math.min(columns[column][kind], 1) * (ROW - 4);
          context.fillStyle = kind;
          context.fillRect(Number(column), Math.max(bottom - tall, top + 2), 1, Math.min(tall, bottom - top - 2));
          bottom -= tall;
        });
      });
    }
  }

  function title(name, a, b, top) {
    context.font = '11px ui-monospace, Menlo, Consolas, monospace';
    var room = Math.floor((Math.min(b, LABEL + wide()) - a - 8) / 6.8);
    if (room >= 3) {
      context.fillStyle = '#ffffff';
      context.fillText(name.length > room ? name.slice(0, room - 1) + '…' : name, a + 4, top + 15);
    }
  }

  // The first bar of a row whose window reaches into the view.
  function lowest(own) {
    var low = 0, high = own.length;
    while (low < high) {
      var middle = (low + high) >> 1, bar = own[middle];
      if (Math.min(placeOf(bar.released, bar.segment), bar.segment.to) < view.from) { low = middle + 1; } else { high = middle; }
    }
    return Math.max(0, low - 1);
  }

  function drawMemory(memory, index, ink) {
    var top = AXIS + data.rows.length * ROW + SPACE + index * (MEMORY + SPACE), bottom = top + MEMORY;
    var greatest = memory.peak || 1, from, place;
    context.fillStyle = ink.fill;
    context.fillRect(LABEL, top, wide(), MEMORY);
    context.fillStyle = data.memory_colour;
    memory.points.forEach(function (point, number) {
      var next = number + 1 < memory.points.length ? memory.points[number + 1][0] : memory.until;
      segments.forEach(function (segment) {
        if (segment.last < point[0] || segment.first > next || segment.first >= memory.until) { return; }
        from = placeOf(Math.max(point[0], segment.first), segment);
        place = placeOf(Math.min(next, segment.last), segment);
        if (place < view.from || from > view.to) { return; }
        var tall = (MEMORY - 4) * point[1] / greatest;
        context.fillRect(Math.floor(x(from)), bottom - tall, Math.ceil(x(place)) - Math.floor(x(from)), tall);
      });
    });
    if (memory.until < segments[segments.length - 1].last) {
      segments.forEach(function (segment) {
        if (segment.last <= memory.until) { return; }
        var start = Math.max(x(placeOf(Math.max(memory.until, segment.first), segment)), LABEL);
        var stop = Math.min(x(segment.to), LABEL + wide());
        if (stop - start > 90) {
          context.fillStyle = ink.quiet;
          context.fillText('not followed here', start + 8, bottom - 8);
        }
      });
    }
  }

  function gaps(ink) {
    segments.slice(1).forEach(function (segment) {
      var before = segments[segment.index - 1], a = x(before.to), b = x(segment.from);
      if (b < LABEL || a > LABEL + wide()) { return; }
      context.fillStyle = ink.paper;
      context.fillRect(a, AXIS - 2, Math.max(b - a, 2), height - AXIS + 2);
      context.strokeStyle = ink.quiet;
      context.setLineDash([2, 3]);
      context.beginPath();
      context.moveTo((a + b) / 2, AXIS);
      context.lineTo((a + b) / 2, height);
      context.stroke();
      context.setLineDash([]);
    });
  }

  function labels(ink) {
    context.fillStyle = ink.paper;
    context.fillRect(0, 0, LABEL - 1, height);
    context.font = '12px ui-monospace, Menlo, Consolas, monospace';
    function put(text, top, kind) {
      context.fillStyle = kind;
      context.fillText(text.length > 20 ? text.slice(0, 19) + '…' : text, 6, top);
    }
    put('cycle', AXIS - 9, ink.quiet);
    data.rows.forEach(function (name, row) { put(name, AXIS + row * ROW + 15, ink.ink); });
    data.memories.forEach(function (memory, index) {
      var top = AXIS + data.rows.length * ROW + SPACE + index * (MEMORY + SPACE);
      put(memory.name, top + 14, ink.ink);
      put('peak ' + memory.peak_text, top + 30, ink.quiet);
      put('of ' + memory.capacity_text, top + 46, ink.quiet);
    });
  }

  function zoom(factor, centre) {
    var span = Math.min(Math.max((view.to - view.from) * factor, Math.min(16, whole)), whole);
    var share = (centre - view.from) / (view.to - view.from);
    move(centre - span * share, span);
  }

  function move(from, span) {
    var kept = Math.min(Math.max(from, 0), whole - span);
    view = { from: kept, to: kept + span };
    draw();
  }

  function found(event) {
    var box = canvas.getBoundingClientRect(), left = event.clientX - box.left, top = event.clientY - box.top;
    var row = Math.floor((top - AXIS) / ROW), place = back(left);
    if (left < LABEL || top < AXIS) { return null; }
    if (row < data.rows.length) {
      var own = byRow[row], slack = 2 * (view.to - view.from) / wide();
      for (var index = lowest(own); index < own.length; index += 1) {
        var bar = own[index];
        if (placeOf(bar.free, bar.segment) > place + slack && bar.segment.from > place) { break; }
        if (placeOf(bar.free, bar.segment) <= place && place <= placeOf(bar.released, bar.segment) + slack) { return about(bar); }
      }
      return null;
    }
    return aboutMemory(top, place);
  }

  function about(bar) {
    var lines = [data.sites[bar.site][0], 'instruction ' + words(bar.number) + ' of ' + words(data.instructions),
      'cycles ' + words(bar.start) + ' to ' + words(bar.released) + ' (' + words(bar.released - bar.start) + ')',
      'results at ' + words(bar.end)];
    for (var pair = 0; pair < bar.waits.length; pair += 2) {
      lines.push('waited ' + words(bar.waits[pair + 1]) + ' for ' + data.reasons[bar.waits[pair]][0]);
    }
    return lines.join('\n');
  }

  function aboutMemory(top, place) {
    var index = Math.floor((top - AXIS - data.rows.length * ROW - SPACE) / (MEMORY + SPACE)), memory = data.memories[index];
    var segment = segments.filter(function (each) { return each.from <= place && place <= each.to; })[0];
    if (!memory || !segment) { return null; }
    var cycle = segment.first + place - segment.from, held = null;
    if (cycle > memory.until) { return memory.name + '\nnot followed here'; }
    memory.points.forEach(function (point) { if (point[0] <= cycle) { held = point[1]; } });
    return held === null ? null : memory.name + '\n' + words(held) + ' bytes at cycle ' + words(cycle);
  }

  var drag = null;
  canvas.addEventListener('wheel', function (event) {
    event.preventDefault();
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      move(view.from + event.deltaX / wide() * (view.to - view.from), view.to - view.from);
    } else {
      zoom(Math.pow(1.0015, event.deltaY), back(Math.max(event.offsetX, LABEL)));
    }
  }, { passive: false });
  canvas.addEventListener('pointerdown', function (event) {
    drag = { x: event.clientX, from: view.from };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener('pointerup', function () { drag = null; });
  canvas.addEventListener('pointermove', function (event) {
    if (drag) {
      move(drag.from - (event.clientX - drag.x) / wide() * (view.to - view.from), view.to - view.from);
      tip.style.display = 'none';
      return;
    }
    var text = found(event), box = canvas.getBoundingClientRect();
    tip.style.display = text ? 'block' : 'none';
    if (text) {
      tip.textContent = text;
      tip.style.left = Math.min(event.clientX - box.left + 14, Math.max(box.width - tip.offsetWidth - 4, 0)) + 'px';
      tip.style.top = event.clientY - box.top + 14 + 'px';
    }
  });
  canvas.addEventListener('pointerleave', function () { tip.style.display = 'none'; });
  canvas.addEventListener('dblclick', function () { move(0, whole); });
  function key(name) {
    var span = view.to - view.from, middle = (view.from + view.to) / 2;
    if (name === '+' || name === '=') { zoom(0.5, middle); }
    else if (name === '-') { zoom(2, middle); }
    else if (name === 'ArrowLeft') { move(view.from - span / 4, span); }
    else if (name === 'ArrowRight') { move(view.from + span / 4, span); }
    else if (name === 'Home') { move(0, span); }
    else if (name === 'End') { move(whole - span, span); }
    else if (name === '0') { move(0, whole); }
    else { return false; }
    return true;
  }
  canvas.addEventListener('keydown', function (event) { if (key(event.key)) { event.preventDefault(); } });
  document.querySelectorAll('button[data-key]').forEach(function (button) {
    button.addEventListener('click', function () { key(button.dataset.key); });
  });
  window.addEventListener('resize', draw);
  window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
  draw();
}());
