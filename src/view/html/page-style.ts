/** How the page looks: one sheet for dark and light, phones and large screens. */

/** Colours by their names in the table of states; what is not named here is the text's own. */
const LIGHT = `--back:#f4f6f8;--card:#fff;--line:#dde2e8;--text:#1b222a;--soft:#5a6572;--track:#e3e8ee;--code:#eef1f5;
--red:#c4262e;--green:#1a7f37;--yellow:#8f5b00;--blue:#1f62c9;--magenta:#8b3bb0;--cyan:#0a7385;--gray:#68737f;
--alarm:#fff6e0;--alarm-line:#e9c46a;--shade:0 1px 2px #1b222a14,0 4px 14px #1b222a0d;`;
const DARK = `--back:#0e1217;--card:#161b22;--line:#2a323c;--text:#dce3ea;--soft:#93a0ae;--track:#28303a;--code:#1f2630;
--red:#ff7b7b;--green:#6bcb77;--yellow:#ffc145;--blue:#74a9ff;--magenta:#d19bf0;--cyan:#4dd0e1;--gray:#8f9baa;
--alarm:#2a2312;--alarm-line:#6b5518;--shade:0 1px 2px #0006;`;

export const PAGE_CSS = `
:root{color-scheme:light dark;${LIGHT}}
@media (prefers-color-scheme:dark){:root{${DARK}}}
*{box-sizing:border-box}
[hidden]{display:none!important}
body{margin:0;background:var(--back);color:var(--text);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;overflow-wrap:anywhere;-webkit-text-size-adjust:100%}
main{max-width:1180px;margin:0 auto;padding:28px 24px 40px}
h1{font-size:28px;line-height:1.2;margin:2px 0 6px;letter-spacing:-.015em;text-wrap:balance}
h2{font-size:13px;font-weight:650;letter-spacing:.06em;text-transform:uppercase;color:var(--soft);margin:34px 0 12px}
h3{font-size:13px;font-weight:600;color:var(--soft);margin:20px 0 8px}
p{margin:0}
ul,ol,dl{margin:0;padding:0;list-style:none}
a{color:inherit;text-decoration:none}
a:hover{text-decoration:underline}
:focus-visible{outline:2px solid var(--blue);outline-offset:2px}
b,strong{font-weight:650}
bdi{unicode-bidi:isolate}
time,.num{font-variant-numeric:tabular-nums}
.soft{color:var(--soft)}
.sym{color:var(--c);font-family:"DejaVu Sans Mono",Menlo,Consolas,"Noto Sans Symbols 2","Segoe UI Symbol",monospace}
.plain{--c:var(--text)}.red{--c:var(--red)}.green{--c:var(--green)}.yellow{--c:var(--yellow)}.blue{--c:var(--blue)}
.magenta{--c:var(--magenta)}.cyan{--c:var(--cyan)}.gray{--c:var(--gray)}
code{font:13px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;background:var(--code);border-radius:6px;padding:3px 8px;white-space:pre-wrap}
.type{display:flex;gap:8px;align-items:flex-start;margin-top:8px}
.type code::before{content:"$ ";color:var(--soft)}
.copy{display:none;flex:none;white-space:nowrap;overflow-wrap:normal;font:inherit;font-size:12px;line-height:21px;color:var(--soft);background:none;border:1px solid var(--line);border-radius:6px;padding:1px 8px;cursor:pointer}
.js .copy{display:inline-block}
.copy:hover{color:var(--text)}
.over{display:flex;flex-wrap:wrap;gap:4px 14px;justify-content:space-between;color:var(--soft);font-size:13px}
.facts{display:flex;flex-wrap:wrap;gap:2px 18px;color:var(--soft)}
.live .sym{margin-right:5px}
.over .age:not(:empty)::before{content:"· "}
.notice{background:var(--alarm);border:1px solid var(--alarm-line);border-radius:10px;padding:10px 14px;margin-top:12px}
.need{background:var(--alarm);border:1px solid var(--alarm-line);border-radius:14px;margin-top:20px;overflow:hidden}
.need h2{color:var(--yellow);margin:0;padding:13px 18px 0}
.need li{display:grid;grid-template-columns:minmax(0,1fr) max-content;gap:2px 20px;align-items:center;padding:11px 18px}
.need li p{grid-column:1}
.need li .type{grid-area:1/2/3/3;max-width:520px;margin:0}
.need li+li,.need details,.need details li{border-top:1px solid var(--alarm-line)}
.need details>summary{padding:9px 18px;cursor:pointer;color:var(--soft)}
.need .sym{margin-right:7px}
.done{background:var(--card);border:1px solid var(--line);border-left:5px solid var(--green);border-radius:10px;padding:13px 18px;margin-top:20px;box-shadow:var(--shade)}
.steps{display:flex;flex-wrap:wrap;gap:4px 22px}
.whole{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:18px 20px;margin-top:20px;box-shadow:var(--shade)}
.whole>svg{display:block;border-radius:5px;background:var(--track)}
.whole rect{fill:var(--c)}
.tally{display:flex;flex-wrap:wrap;align-items:baseline;gap:4px 20px;margin-bottom:10px}
.tally strong{font-size:24px;letter-spacing:-.02em}
.chips{display:flex;flex-wrap:wrap;gap:7px;margin-top:14px}
.chip{font:inherit;font-size:13px;color:inherit;background:none;border:1px solid var(--line);border-radius:99px;padding:2px 11px}
.js button.chip{cursor:pointer}
.js button.chip:hover{border-color:var(--c)}
.chip[aria-pressed=true]{border-color:var(--c);background:var(--code)}
.chip .sym{margin-right:5px}
.path{margin-top:14px;color:var(--soft);font-size:14px}
.path b{color:var(--text);font-weight:600}
.graph{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:14px;overflow:auto;box-shadow:var(--shade);position:relative}
.graph.dense{max-height:75vh}
.dag{display:block;margin:0 auto}
.dag path{fill:none;stroke:var(--line);stroke-width:1.6;vector-effect:non-scaling-stroke;stroke-linecap:round}
.dag .open{stroke:var(--gray);opacity:.55}
.dag .finished{stroke:var(--green);opacity:.75}
.dag .critical{stroke:var(--text);stroke-width:2.4}
.dense .dag path{stroke-width:1;opacity:.3}
.dag .wave{fill:var(--soft);font-size:11px;font-weight:650;letter-spacing:.06em;text-transform:uppercase}
.box{display:flex;flex-direction:column;height:100%;padding:6px 9px 0 10px;overflow:hidden;background:var(--back);border:1px solid var(--line);border-left:4px solid var(--c);border-radius:9px;font-size:12px;line-height:17px;color:var(--text)}
.box:hover{text-decoration:none;border-color:var(--c)}
.box.asks{background:var(--alarm)}
.box>*{white-space:nowrap;overflow:hidden;text-overflow:ellipsis;flex:none}
.box b{font-size:13px}
.box .state{color:var(--c)}
.box progress{height:4px;margin-top:3px}
.tile{display:flex;justify-content:center;gap:4px;height:100%;overflow:hidden;background:var(--back);border:1px solid var(--line);border-bottom:3px solid var(--c);border-radius:5px;font-size:11px;line-height:21px;white-space:nowrap}
.tile.asks{background:var(--alarm)}
.tile b{font-weight:500;overflow:hidden}
.key{display:flex;flex-wrap:wrap;gap:2px 20px;margin-top:8px;font-size:12px;color:var(--soft)}
.key i{display:inline-block;width:22px;border-top:2px solid var(--gray);vertical-align:4px;margin-right:7px}
.key .finished{border-color:var(--green)}
.key .critical{border-color:var(--text)}
.short{display:none}
progress{appearance:none;-webkit-appearance:none;display:block;width:100%;height:6px;border:0;border-radius:3px;overflow:hidden;background:var(--track);color:var(--c)}
progress::-webkit-progress-bar{background:var(--track)}
progress::-webkit-progress-value{background:var(--c)}
progress::-moz-progress-bar{background:var(--c)}
.streams-head{display:flex;flex-wrap:wrap;gap:4px 14px;align-items:baseline;margin:34px 0 0}
.streams-head h2{margin:0}
#filter{display:none;font:inherit;font-size:14px;color:inherit;background:var(--card);border:1px solid var(--line);border-radius:8px;padding:4px 10px;width:190px;max-width:100%;margin-left:auto}
.js #filter{display:block}
.group>summary{list-style:none;cursor:pointer;width:max-content;max-width:100%}
.group>summary::-webkit-details-marker{display:none}
.group>summary h3::after{content:" ▾";color:var(--soft)}
.group:not([open])>summary h3::after{content:" ▸"}
.stream{background:var(--card);border:1px solid var(--line);border-left:4px solid var(--c);border-radius:10px;margin-bottom:7px;scroll-margin:14px}
.stream:target{box-shadow:0 0 0 2px var(--blue)}
.stream>summary{display:grid;grid-template-columns:20px minmax(0,1fr) 200px 118px;gap:1px 12px;padding:9px 14px;cursor:pointer;list-style:none;border-radius:10px}
.stream>summary::-webkit-details-marker{display:none}
.stream>summary:hover{background:var(--code)}
.who b{margin-right:8px}
.state{color:var(--c);font-weight:600}
.stream .state{text-align:right}
.tag{font-size:12px;font-weight:500;color:var(--soft);border:1px solid var(--line);border-radius:5px;padding:0 6px;margin-left:6px;white-space:nowrap}
.tag.stale{color:var(--yellow);border-color:var(--alarm-line)}
.tasks{display:flex;gap:10px;align-items:center;white-space:nowrap;font-size:14px}
.times,.note{grid-column:2/-1;font-size:13px;color:var(--soft)}
.note{color:var(--text)}
.asks .note{color:var(--yellow)}
.many .stream>summary{padding:5px 12px;font-size:14px}
.more{padding:4px 16px 14px 46px;font-size:14px}
.more li{display:flex;gap:9px;padding:2px 0}
.more li small{color:var(--soft);font-size:12px;white-space:nowrap;margin-left:auto;padding-left:10px}
.more dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:2px 16px;margin-top:10px;font-size:13px}
.more dt{color:var(--soft)}
.more dd{margin:0}
.events li{display:grid;grid-template-columns:max-content minmax(80px,170px) minmax(0,1fr);gap:0 14px;padding:6px 0;border-top:1px solid var(--line);font-size:14px}
.events li:first-child{border:0}
.events time{color:var(--soft)}
footer{margin-top:38px;padding-top:14px;border-top:1px solid var(--line);font-size:13px;color:var(--soft)}
@media (max-width:720px){
main{padding:18px 16px 32px}
h1{font-size:23px}
.long{display:none}
.short{display:inline}
.graph{padding:10px}
.box{padding:6px 4px 0 6px}
.box .state{font-size:10.5px;letter-spacing:-.02em}
.need li{display:block}
.need li .type{margin-top:8px}
.tile{border-radius:3px}
.tile b{display:none}
#filter{margin:6px 0 0;width:100%}
.stream>summary{grid-template-columns:18px minmax(0,1fr) max-content;gap:2px 9px;padding:10px 12px}
.stream .tasks{grid-column:2/-1;order:1}
.times,.note{order:2}
.more{padding:4px 12px 12px 39px}
.events li{grid-template-columns:max-content minmax(0,1fr);padding:8px 0}
.events li p{grid-column:1/-1}
}
@media print{.stream,.box,.graph{break-inside:avoid}.graph,.graph.dense{overflow:visible;max-height:none}.copy,#filter{display:none!important}}
`;
