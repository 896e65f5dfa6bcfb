"""Looks of a report in HTML: light and dark, on a phone and on paper."""

from __future__ import annotations

CSS = """
:root{color-scheme:light dark;--bg:#f6f8fa;--card:#fff;--ink:#1f2933;--faint:#66737f;--line:#dfe5ea;--track:#e9eef2;
--a:#2b7a9b;--b:#c77d11;--good:#2a8f5b;--bad:#c8384a;--hist:#7fb2cc;--held:#e3f0f6}
@media(prefers-color-scheme:dark){:root:not([data-theme=light]){--bg:#12171c;--card:#1b2229;--ink:#e4e9ee;--faint:#94a2af;
--line:#2e3842;--track:#28313a;--a:#5db4d8;--b:#e5a84b;--good:#5cc98f;--bad:#f0707f;--hist:#4f8eac;--held:#22323c}}
:root[data-theme=dark]{color-scheme:dark;--bg:#12171c;--card:#1b2229;--ink:#e4e9ee;--faint:#94a2af;--line:#2e3842;
--track:#28313a;--a:#5db4d8;--b:#e5a84b;--good:#5cc98f;--bad:#f0707f;--hist:#4f8eac;--held:#22323c}
:root[data-theme=light]{color-scheme:light}
* {box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.45 system-ui,'Segoe UI','DejaVu Sans',sans-serif}
main{max-width:1180px;margin:0 auto;padding:16px}
header{display:flex;gap:12px;align-items:flex-start;justify-content:space-between}
h1{font-size:1.5rem;margin:.2em 0}h2{font-size:1.3rem;margin:1.8em 0 .2em;overflow-wrap:anywhere}
h3{font-size:1.05rem;margin:1.6em 0 .5em}
p{margin:.3em 0}.faint{color:var(--faint)}small,.small{font-size:.85rem}
button{font:inherit;color:inherit;background:var(--card);border:1px solid var(--line);border-radius:8px;
padding:4px 12px;
cursor:pointer;white-space:nowrap}
a{color:var(--a)}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px}
.kpis{display:grid;grid-template-columns:repeat(auto-fill,minmax(158px,1fr));gap:10px;margin:12px 0}
.kpi{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:10px 12px}
.kpi b{display:block;font-size:1.3rem;line-height:1.25;overflow-wrap:anywhere}
.card>h3:first-child{margin-top:0}
.kpi span{color:var(--faint);font-size:.85rem}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:4px 10px;border-bottom:1px solid var(--line);text-align:right;vertical-align:top}
th:first-child,td:first-child{text-align:left}
th{font-weight:600}tr:last-child td{border-bottom:0}
.best{color:var(--good);font-weight:600}
.row{display:grid;grid-template-columns:minmax(11rem,2.2fr) 4.2rem repeat(5,1fr);gap:4px 14px;align-items:center;
padding:7px 4px;border-bottom:1px solid var(--line)}
.head{font-size:.85rem;color:var(--faint)}
details>summary{list-style:none;cursor:pointer}details>summary::-webkit-details-marker{display:none}
details>summary:hover{background:var(--track)}
.name{overflow-wrap:anywhere}.name small{color:var(--faint)}
.cell{font-variant-numeric:tabular-nums;font-size:.9rem}
.track{display:block;position:relative;height:6px;border-radius:3px;background:var(--track);margin-top:2px}
.fill{position:absolute;left:0;top:0;bottom:0;border-radius:3px;background:var(--a)}
.fill.warn{background:var(--b)}.fill.bad{background:var(--bad)}
.tick{position:absolute;top:-3px;bottom:-3px;width:2px;background:var(--ink)}
.inside{display:grid;grid-template-columns:minmax(280px,1fr) minmax(240px,1fr);gap:18px;padding:12px 4px 18px;
border-bottom:1px solid var(--line)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 14px;margin:0}dt{color:var(--faint)}
dd{margin:0;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
.advice{color:var(--b)}
svg{display:block;max-width:100%;height:auto}
svg.wide{min-width:460px}
svg text{fill:var(--ink);font-family:inherit}svg .faint{fill:var(--faint)}
.two{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(345px,100%),1fr));gap:14px}.two>*{min-width:0}
.matrix td,.matrix th{padding:3px 2px;text-align:center;border:0;min-width:2em;font-size:.8rem}
.arena{background:#fff;border-radius:8px;min-width:640px;width:100%;display:block}
ul{padding-left:1.2em;margin:.4em 0}
.key{display:flex;flex-wrap:wrap;gap:4px 18px;font-size:.85rem;color:var(--faint);margin:.4em 0}
.dot{display:inline-block;width:10px;height:10px;border-radius:3px;margin-right:5px}
@media(max-width:760px){main{padding:10px}.head{display:none}
.row{grid-template-columns:repeat(3,1fr);gap:6px 12px}.row .name{grid-column:1/-1}
.cell[data-of]::before{content:attr(data-of);display:block;color:var(--faint);font-size:.75rem}
.inside{grid-template-columns:1fr}.kpis{grid-template-columns:1fr 1fr}}
@media print{button{display:none}details>*{display:block}}
"""
SCRIPT = """
var root=document.documentElement,theme=document.getElementById('theme'),all=document.getElementById('all');
theme.onclick=function(){var now=root.dataset.theme||(matchMedia('(prefers-color-scheme:dark)').matches?'dark':'light');
root.dataset.theme=now==='dark'?'light':'dark'};
all.onclick=function(){var every=document.querySelectorAll('details'),
some=document.querySelector('details:not([open])');
every.forEach(function(one){one.open=!!some})};
"""
