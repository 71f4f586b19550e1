"""How result pages look and behave: one style sheet for light and dark, one short script for sorting and filtering.

Without the script everything is still there, in the order of the file.
"""

from __future__ import annotations

from collections import abc

from isamapper.report.svg import SERIES, themed

UNIT_COLOURS = SERIES


def sheet() -> str:
    """The style sheet of a page."""
    return themed(_rules)


def _rules(colour: abc.Mapping[str, str]) -> str:
    paper, ink, quiet, line, fill = (colour[name] for name in ("paper", "ink", "quiet", "line", "fill"))
    return (
        f"body{{background:{paper};color:{ink};font:14px/1.45 system-ui,sans-serif;margin:24px auto;max-width:1180px;"
        f"padding:0 16px}}h1{{font-size:22px}}h2{{font-size:17px;margin-top:32px}}p.note,small{{color:{quiet}}}"
        f"table{{border-collapse:collapse;font-variant-numeric:tabular-nums;width:100%}}"
        f"th,td{{border-bottom:1px solid {line};padding:3px 8px;text-align:left;vertical-align:top}}"
        f"td.n,th.n{{text-align:right}}th[data-sort]{{cursor:pointer}}th[data-sort]:focus{{outline:2px solid {ink}}}"
        f"thead th{{background:{fill};position:sticky;top:0}}tr.bad td{{background:{fill}}}"
        f"table.sortable>tbody>tr:first-child>td{{border-bottom:0}}tr.more>td{{color:{quiet};padding-left:24px}}"
        f"details[open]{{color:{ink}}}"
        f"details>summary{{cursor:pointer}}pre{{background:{fill};overflow-x:auto;padding:8px;font-size:12px}}"
        f"input{{background:{paper};color:{ink};border:1px solid {line};padding:4px 8px;width:22em;margin:8px 0}}"
        f"svg{{max-width:100%;height:auto}}svg text{{fill:{ink};font:12px ui-monospace,monospace}}"
        f"svg text.quiet{{fill:{quiet}}}svg text.middle{{text-anchor:middle}}svg text.end{{text-anchor:end}}"
        f"svg .grid{{stroke:{line};fill:none}}svg .roof{{stroke:{ink};fill:none;stroke-width:1.5}}"
        f"svg circle{{stroke:{ink};stroke-opacity:.4;stroke-width:.5}}"
        f"svg .idle{{fill:{fill};stroke:{line}}}svg .paper{{fill:{paper}}}"
    )


SCRIPT = """
document.querySelectorAll('table.sortable').forEach(function (table) {
  function value(body, column) {
    var cell = body.rows[0].cells[column], raw = cell.dataset.value;
    return raw === undefined ? cell.textContent : raw === '' ? null : Number(raw);
  }
  table.querySelectorAll('th[data-sort]').forEach(function (head) {
    function sort() {
      var column = head.cellIndex, was = head.getAttribute('aria-sort');
      var down = was ? was !== 'descending' : head.classList.contains('n');
      table.querySelectorAll('th').forEach(function (other) { other.removeAttribute('aria-sort'); });
      head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      var bodies = Array.prototype.slice.call(table.tBodies);
      bodies.sort(function (a, b) {
        var x = value(a, column), y = value(b, column);
        if (x === null || y === null) { return (x === null) - (y === null); }
        var order = typeof x === 'string' ? x.localeCompare(y, 'en', {numeric: true}) : x - y;
        return order * (down ? -1 : 1);
      });
      bodies.forEach(function (body) { table.appendChild(body); });
    }
    head.addEventListener('click', sort);
    head.addEventListener('keydown', function (event) { if (event.key === 'Enter') { sort(); } });
  });
});
var box = document.getElementById('filter');
if (box) {
  box.addEventListener('input', function () {
    var words = box.value.toLowerCase().split(/\\s+/);
    document.querySelectorAll('table.sortable > tbody[data-words]').forEach(function (body) {
      var text = body.dataset.words;
      body.hidden = !words.every(function (word) { return text.indexOf(word) >= 0; });
    });
  });
}
"""
"""Sorts a table by the head that is clicked, numbers from the greatest and words from the first, and hides the rows
that lack a word of the filter. What is behind a row holds tables, too, which have no words."""
