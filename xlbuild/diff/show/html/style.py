"""The page's style: the system's fonts, light or dark as the reader has it, and room on a phone and on paper."""

STYLE = """
:root {
  color-scheme: light dark;
  --ground: #ffffff; --panel: #f6f8fa; --text: #1f2328; --quiet: #59636e; --line: #d1d9e0; --ram: #eef1f4;
  --same: #6e7781; --same-ground: #e6eaef;
  --moved: #0969da; --moved-ground: #ddf4ff;
  --grew: #9a6700; --grew-ground: #fff3cd;
  --contents: #8250df; --contents-ground: #f3e8ff;
  --added: #1a7f37; --added-ground: #dafbe1;
  --removed: #cf222e; --removed-ground: #ffebe9;
  --acpi: #bf8700; --reserved: #8c959f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0d1117; --panel: #161b22; --text: #e6edf3; --quiet: #9198a1; --line: #3d444d; --ram: #171d25;
    --same: #7d8590; --same-ground: #262c36;
    --moved: #4493f8; --moved-ground: #0f2748;
    --grew: #d29922; --grew-ground: #372b0d;
    --contents: #ab7df8; --contents-ground: #2c1d4a;
    --added: #3fb950; --added-ground: #12311f;
    --removed: #f85149; --removed-ground: #42171a;
    --acpi: #d29922; --reserved: #656c76;
  }
}
.same, .mapped { --colour: var(--same); --tint: var(--same-ground); }
.moved, .shifted { --colour: var(--moved); --tint: var(--moved-ground); }
.grew, .shrank { --colour: var(--grew); --tint: var(--grew-ground); }
.contents, .changed { --colour: var(--contents); --tint: var(--contents-ground); }
.added { --colour: var(--added); --tint: var(--added-ground); }
.removed { --colour: var(--removed); --tint: var(--removed-ground); }
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 64rem; padding: 1.5rem 1.25rem 4rem; background: var(--ground); color: var(--text);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; overflow-wrap: anywhere;
}
h1 { font-size: 1rem; color: var(--quiet); font-weight: 600; margin: 0; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .75rem; padding-bottom: .3rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
a { color: var(--moved); }
code, .value, .bytes { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: .8125rem; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.quiet, .note { color: var(--quiet); font-size: .875rem; }
.summary { font-size: 1.375rem; line-height: 1.35; margin: .35rem 0 1.25rem; }
.summary ul { margin: .5rem 0 0; padding-left: 1.25rem; font-size: 1.0625rem; }
.chip {
  display: inline-block; padding: 0 .55rem; border-radius: 1rem; border: 1px solid var(--colour);
  background: var(--tint); color: var(--colour); font-size: .8125rem; font-weight: 600; white-space: nowrap;
}
.summary .chip { font-size: 1.125rem; padding: .05rem .8rem; }
.summary .is-same { --colour: var(--added); --tint: var(--added-ground); }
.summary .is-different { --colour: var(--grew); --tint: var(--grew-ground); }
.sides { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; }
.side { background: var(--panel); border: 1px solid var(--line); border-radius: .5rem; padding: .75rem 1rem; }
.side.a { border-top: 4px solid var(--removed); }
.side.b { border-top: 4px solid var(--added); }
.side h2 { font-size: 1rem; margin: 0 0 .25rem; padding: 0; border: 0; }
.side p { margin: .15rem 0; }
.remarks { border-left: 4px solid var(--grew); background: var(--grew-ground); padding: .5rem 1rem; margin: 1rem 0; }
.remarks p { margin: .25rem 0; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; }
th { text-align: left; color: var(--quiet); font-weight: 600; }
th, td { padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
tbody th { color: var(--text); }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
.fields table { table-layout: fixed; }
.fields th:first-child { width: 36%; }
.overview th:first-child { min-width: 8rem; }
.overview th:nth-child(3) { width: 40%; }
.overview .bar { height: .5rem; margin-top: .4rem; }
.places table { min-width: 46rem; }
.places th:first-child { width: 30%; }
.places code { white-space: nowrap; }
.places .chip { white-space: normal; border-radius: .75rem; }
.value.old { background: linear-gradient(var(--removed-ground), var(--removed-ground)); }
.value.new { background: linear-gradient(var(--added-ground), var(--added-ground)); }
.value { padding: .05rem .3rem; border-radius: .25rem; white-space: pre-wrap; }
.value.shift { background: var(--moved-ground); }
mark { background: none; color: inherit; font-weight: 700; text-decoration: underline 2px; }
.said { display: block; color: var(--quiet); font-size: .8125rem; font-weight: 400; }
details { margin: .5rem 0; }
summary { cursor: pointer; font-size: .875rem; color: var(--quiet); padding: .25rem 0; }
details.shifts summary { color: var(--moved); }
.scroll { overflow-x: auto; }
.bar { display: block; height: .75rem; }
.bar rect { fill: var(--colour); }
.runs td, .runs th { border-bottom: 0; padding-bottom: 0; }
.run { border-left: 3px solid var(--colour); padding: .1rem 0 .1rem .75rem; margin: .6rem 0; }
.run p { margin: 0; font-size: .875rem; }
.bytes { margin: .15rem 0 0; border-spacing: 0; width: auto; }
.bytes th, .bytes td { border: 0; padding: 0 1rem 0 0; white-space: pre; font-size: .8125rem; }
.bytes .old td:first-of-type, .bytes .old th { color: var(--removed); }
.bytes .new td:first-of-type, .bytes .new th { color: var(--added); }
.legend { display: flex; flex-wrap: wrap; gap: .4rem; list-style: none; padding: 0; margin: .5rem 0; }
figure { margin: .5rem 0 1.25rem; }
figure svg { display: block; width: 100%; min-width: 34rem; max-width: 53.5rem; height: auto; margin: 0 auto; }
svg text { fill: var(--text); font: 11px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
svg .head { font-size: 13px; font-weight: 700; text-anchor: middle; }
svg .quiet, svg .gap { fill: var(--quiet); text-anchor: middle; font-size: 11px; }
svg .name { font-weight: 600; }
svg .said { fill: var(--colour); font-weight: 600; }
svg .same .said { fill: var(--quiet); font-weight: 400; }
svg .address { fill: var(--quiet); font: 10px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
svg .at-end { text-anchor: end; }
svg .at-start { text-anchor: start; }
svg .turned { text-anchor: middle; dominant-baseline: central; font-size: 9px; fill: var(--quiet); }
svg .box { fill: var(--tint); stroke: var(--colour); stroke-width: 1.25; }
svg .band path { fill: var(--colour); fill-opacity: .13; stroke: var(--colour); stroke-opacity: .45; }
svg .band:hover path { fill-opacity: .35; }
svg .ground { fill: var(--ram); }
svg .strip { fill: none; stroke: var(--line); }
svg .ram .strip { fill: var(--ram); }
svg .acpi .strip { fill: var(--acpi); fill-opacity: .35; }
svg .reserved .strip { fill: var(--reserved); fill-opacity: .35; }
svg .torn { fill: var(--ground); }
svg .edge { fill: none; stroke: var(--same); }
@media (max-width: 40rem) {
  body { padding: 1rem .75rem 3rem; }
  .sides { grid-template-columns: 1fr; }
  .summary { font-size: 1.125rem; }
  th, td { padding-right: .35rem; }
  .overview th:nth-child(3), .overview td:nth-child(3) { display: none; }
}
@media print {
  * { print-color-adjust: exact; }
  body { max-width: none; padding: 0; font-size: .75rem; }
  details::details-content { content-visibility: visible; block-size: auto; }
  figure svg { max-height: 24cm; }
  h2, h3 { break-after: avoid; }
  .run, tr, figure { break-inside: avoid; }
}
"""
"""As it stands in the page."""
