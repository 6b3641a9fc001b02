"""The HTML and the style of the landing page: no script, nothing fetched from elsewhere."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256

STYLE = """
:root { color-scheme: light dark; --page: #fff; --ink: #1c2230; --muted: #667085; --line: #8884;
  --row: #8881; --link: #1261a6; --good: #1261a6; --bad: #b3400c; --off: #8a93a5 }
@media (prefers-color-scheme: dark) { :root { --page: #12161f; --ink: #e4e8f0; --muted: #98a2b8;
  --link: #7ab8ee; --good: #7ab8ee; --bad: #f5a171; --off: #6b7690 } }
body { background: var(--page); color: var(--ink); font: 15px/1.45 system-ui, sans-serif;
  margin: 2.2rem auto; max-width: 72rem; overflow-wrap: anywhere; padding: 0 1.2rem }
a { color: var(--link); text-decoration: none } a:hover { text-decoration: underline }
h1 { font-size: 1.35rem; margin: 0 } h1 small { color: var(--muted); font-weight: normal }
p { margin: .2rem 0 } footer, .muted { color: var(--muted) } .bad { color: var(--bad) }
nav { border-bottom: 1px solid var(--line); margin: .9rem 0 1.1rem; padding-bottom: .8rem }
nav a { margin-right: 1.4rem }
table { border-collapse: collapse; margin: 1rem 0; width: 100% }
th { color: var(--muted); font-size: .85rem; font-weight: 500; text-align: left }
th, td { padding: .42rem 1rem .42rem 0; vertical-align: baseline }
th, td.n { overflow-wrap: normal } td:first-child { min-width: 9rem }
.state { white-space: nowrap }
tbody tr { border-top: 1px solid var(--line) } tbody tr.why { border-top: 0 }
tbody tr:hover { background: var(--row) } tr.why td { padding-top: 0 }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
td small { color: var(--muted); margin-left: .4rem } td.n small { display: block; margin: 0 }
.state::before { border-radius: 50%; content: ""; display: inline-block; height: .55rem;
  margin-right: .5rem; width: .55rem; background: var(--off) }
.state.good::before { background: var(--good) } .state.bad::before { background: var(--bad) }
footer { font-size: .85rem }
@media (max-width: 64rem) {
  body { margin: 1.2rem auto; padding: 0 .9rem }
  thead { display: none } table, tbody, tr, td { display: block }
  tr { padding: .5rem 0 } tr.why { padding-top: 0 }
  td, td.n { padding: .1rem 0; text-align: left } td:empty { display: none }
  td.n small { display: inline; margin-left: .4rem } .state { white-space: normal }
  td[data-label]::before { color: var(--muted); content: attr(data-label) ": " } }
"""
STYLE_HASH = "sha256-" + b64encode(sha256(STYLE.encode()).digest()).decode()

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="30">
<title>QuantConnect exporter</title>
<style>{style}</style>
</head>
<body>
<h1>QuantConnect exporter <small>{version}</small></h1>
<p class="muted">Prometheus metrics of live algorithms: holdings, market value, unrealized profit
and cash.</p>
<nav><a href="{telemetry_path}">Metrics</a> <a href="/config">Configuration</a>
<a href="/-/healthy">Health</a> <a href="/-/ready">Readiness</a></nav>
{accounts}
{projects}
<footer>As of {now} UTC; refreshes every 30 seconds.</footer>
</body>
</html>
"""

TABLE = """<p>{summary}</p>
<table>
<thead><tr><th>Project</th><th>Account</th><th>Status</th><th class="n">Positions</th>
{sources}</tr></thead>
<tbody>
{rows}
</tbody>
</table>"""
