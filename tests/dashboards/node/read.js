// Read boards as a person would, through the code of releases of Grafana (@grafana/data).
//
//   node read.js RELEASE... < requests.json > readings.json
//
// RELEASE is the folder of a release; each has a list of readings. Prometheus is asked once for what
// several releases ask. A request is {board, prometheus, now, variables, range,
// width}: the JSON of a dashboard, the address of a Prometheus, the time in unix seconds, the
// variables that the address names, the seconds and the pixels on the screen. A reading is
// {title, panels, variables, links}. A panel's texts are those that Grafana's own transformations,
// overrides, mappings and units make of the answers, which are shaped as Grafana's data source for
// Prometheus shapes them.
'use strict';

const path = require('node:path');
const { createRequire } = require('node:module');

globalThis.navigator ??= { language: 'en-US', languages: ['en-US'], userAgent: 'node' };
const releases = process.argv.slice(2).map((name) => {
  const folder = path.join(__dirname, name);
  return createRequire(path.join(folder, 'package.json'))('@grafana/data');
});
// Only now: while one is loaded, a window would mean a document as well.
globalThis.window ??= globalThis;

// The release that reads, and its theme.
let grafana;
let theme;

function use(release) {
  grafana = release;
  theme = grafana.createTheme({ colors: { mode: 'dark' } });
  grafana.standardTransformersRegistry.setInit(() => {
    const unique = new Map(Object.values(grafana.standardTransformers).map((each) => [each.id, each]));
    return [...unique.values()].map((each) => ({ id: each.id, name: each.name, transformation: loaded(each) }));
  });
}

// Release 9.4 has a transformation here, later ones a function that loads it.
function loaded(transformation) {
  const load = () => Promise.resolve(transformation);
  for (const [name, value] of Object.entries(transformation)) Object.defineProperty(load, name, { value });
  return load;
}

const SCRAPE_INTERVAL = 15;
const STANDARD = [
  'unit', 'decimals', 'min', 'max', 'displayName', 'color', 'mappings', 'thresholds', 'noValue',
  'links', 'description', 'filterable',
];

// The properties that this panel's overrides may set.
function properties(panel) {
  const custom = new Set();
  for (const override of panel.fieldConfig.overrides) {
    for (const { id } of override.properties) if (id.startsWith('custom.')) custom.add(id.slice(7));
  }
  const item = (id, where, isCustom) => ({
    id, path: where, name: id, isCustom, process: (value) => value, shouldApply: () => true,
  });
  return new grafana.FieldConfigOptionsRegistry(() => [
    ...STANDARD.map((id) => item(id, id, false)),
    ...[...custom].map((id) => item(`custom.${id}`, id, true)),
  ]);
}

const UNITS = { s: 1, m: 60, h: 3600, d: 86400, w: 604800 };
const seconds = (text) =>
  [...text.matchAll(/(\d+)([smhdw])/g)].reduce((sum, [, count, unit]) => sum + count * UNITS[unit], 0);

const number = (text) => ({ NaN, '+Inf': Infinity, '-Inf': -Infinity })[text] ?? Number(text);

const fetched = new Map();

async function got(url) {
  if (!fetched.has(url)) fetched.set(url, await (await fetch(url)).text());
  return JSON.parse(fetched.get(url));
}

class Board {
  constructor({ board, prometheus, now, variables = {}, range, width = 1600 }) {
    this.board = board;
    this.prometheus = prometheus;
    this.now = now;
    this.given = variables;
    this.range = range ?? seconds(board.time.from);
    this.width = width;
    this.values = {};
    this.texts = {};
  }

  async ask(where, parameters) {
    const url = `${this.prometheus}/api/v1/${where}?${new URLSearchParams(parameters)}`;
    const answer = await got(url);
    if (answer.status !== 'success') throw new Error(`${answer.error}: ${parameters.query}`);
    return answer.data;
  }

  // `scoped` is what a field knows of itself: only its labels are asked for.
  fill(text, { range = this.range, step = 60 } = {}, scoped = {}) {
    const built = {
      __range: `${range}s`,
      __range_s: range,
      __interval: `${step}s`,
      __rate_interval: `${Math.max(4 * SCRAPE_INTERVAL, step + SCRAPE_INTERVAL)}s`,
      __from: (this.now - range) * 1000,
      __to: this.now * 1000,
      __url_time_range: `from=${(this.now - range) * 1000}&to=${this.now * 1000}`,
    };
    const field = scoped.__field?.value ?? scoped.__dataContext?.value.field;
    const labeled = text.replace(/\$\{__field\.labels\.(\w+)\}/g, (whole, label) => field?.labels?.[label] ?? '');
    return labeled.replace(/\$\{(\w+)(?::(\w+))?\}|\$(\w+)/g, (whole, braced, format, plain) => {
      const name = braced ?? plain;
      const value = built[name] ?? this.values[name];
      if (value === undefined) return whole;
      if (format === 'text') return this.texts[name];
      // What an address hands on is the choice itself: "All", not the expression it stands for.
      if (format === 'queryparam') return `var-${name}=${encodeURIComponent(this.texts[name])}`;
      return value;
    });
  }

  async options(variable) {
    const query = this.fill(variable.query.query);
    const labels = query.match(/^label_values\((?:([\s\S]+),\s*)?(\w+)\)$/);
    if (labels) {
      const period = { start: this.now - this.range, end: this.now };
      const selector = labels[1] ? { 'match[]': labels[1] } : {};
      const found = await this.ask(`label/${labels[2]}/values`, { ...period, ...selector });
      return found.map((value) => ({ text: value, value }));
    }
    const [, inner] = query.match(/^query_result\(([\s\S]+)\)$/);
    const { result } = await this.ask('query', { query: inner, time: this.now });
    const pattern = new RegExp(variable.regex.replace(/^\/|\/$/g, ''));
    const found = result.map(({ metric, value: [at, value] }) => {
      const inside = Object.entries(metric).map(([name, each]) => `${name}="${each}"`).join(',');
      return pattern.exec(`{${inside}} ${value} ${at * 1000}`).groups;
    });
    const unique = new Map(found.map((each) => [each.value, { text: each.text, value: each.value }]));
    const list = [...unique.values()];
    return variable.sort ? list.sort((a, b) => a.text.localeCompare(b.text)) : list;
  }

  async choose() {
    for (const variable of this.board.templating.list) {
      const { name } = variable;
      if (variable.type === 'datasource') {
        this.values[name] = this.texts[name] = 'prometheus';
        continue;
      }
      const given = variable.skipUrlSync ? undefined : this.given[name];
      const options = await this.options(variable);
      if (variable.includeAll && (given === undefined || given === 'All')) {
        this.values[name] = variable.allValue;
        this.texts[name] = 'All';
      } else {
        const chosen = given === undefined ? options[0] : options.find((each) => each.value === given);
        this.values[name] = given ?? chosen?.value ?? '';
        this.texts[name] = chosen?.text ?? this.values[name];
      }
    }
  }

  // How Grafana's data source gives the answers: a table for each query, or a frame for each series.
  async frames(panel) {
    const range = panel.timeFrom ? seconds(panel.timeFrom) : this.range;
    const points = Math.floor((panel.gridPos.w / 24) * this.width) - 16;
    const period = {
      from: grafana.dateTime((this.now - range) * 1000),
      to: grafana.dateTime(this.now * 1000),
    };
    const frames = [];
    const answers = [];
    const answered = [];
    for (const target of panel.targets) {
      const least = target.interval || `${SCRAPE_INTERVAL}s`;
      const { intervalMs } = grafana.rangeUtil.calculateInterval(period, points, least);
      const step = intervalMs / 1000;
      const query = this.fill(target.expr, { range, step });
      const down = (time) => Math.floor(time / step) * step;
      const { result } = target.instant
        ? await this.ask('query', { query, time: this.now })
        : await this.ask('query_range', {
            query, start: down(this.now - range), end: down(this.now), step,
          });
      const series = result.map(({ metric, value, values }) => ({ metric, values: values ?? [value] }));
      if (series.some(({ values }) => values.some(([, value]) => Number.isFinite(number(value))))) {
        answered.push(target.refId);
      }
      if (target.format === 'table') {
        if (series.length) answers.push({ target, series });
      } else {
        frames.push(...series.map((each) => line(target, each)));
      }
    }
    // A value has the name of its query where several queries have an answer, not else.
    const key = ({ refId }) => (answers.length > 1 ? `Value #${refId}` : 'Value');
    const tables = answers.map(({ target, series }) => table(target, key(target), series));
    return { raw: [...frames, ...tables], answered };
  }

  async read(panel) {
    const { raw, answered } = await this.frames(panel);
    const moved = await new Promise((resolve, reject) =>
      grafana.transformDataFrame(panel.transformations, raw).subscribe({ next: resolve, error: reject }),
    );
    const data = grafana.applyFieldOverrides({
      data: moved,
      fieldConfig: panel.fieldConfig,
      replaceVariables: (text) => this.fill(text),
      theme,
      fieldConfigRegistry: properties(panel),
      timeZone: 'utc',
    });
    const said = { title: this.fill(panel.title), written: panel.title, type: panel.type, answered };
    const numbers = ['stat', 'bargauge'].includes(panel.type) ? this.values_of(panel, data) : [];
    if (!data.some((frame) => frame.length)) {
      const { text, color } = numbers[0] ?? { text: panel.fieldConfig.defaults.noValue ?? 'No data' };
      return { ...said, says: text, color };
    }
    if (panel.type === 'table') return { ...said, ...cells(data) };
    if (numbers.length) return { ...said, values: numbers };
    return { ...said, series: lines(data, panel.type === 'state-timeline') };
  }

  values_of(panel, data) {
    const found = grafana.getFieldDisplayValues({
      fieldConfig: panel.fieldConfig,
      reduceOptions: panel.options.reduceOptions,
      replaceVariables: (text, scoped) => this.fill(text, {}, scoped),
      theme,
      data,
      timeZone: 'utc',
    });
    // The bars' own code leaves away the name of a single one unless the whole panel has a name.
    const named = panel.fieldConfig.defaults.displayName;
    const nameless = panel.type === 'bargauge' && found.length === 1 && !named;
    return found.map(({ display }) => ({
      name: nameless ? '' : (display.title ?? ''),
      text: grafana.formattedValueToString(display).trim(),
      color: colored(display.color),
    }));
  }

  async reading() {
    await this.choose();
    const all = this.board.panels.flatMap((panel) => [panel, ...(panel.panels ?? [])]);
    const panels = [];
    for (const panel of all.filter(({ type }) => type !== 'row')) panels.push(await this.read(panel));
    const links = this.board.links.filter(({ type }) => type === 'link').map(({ title, url }) => ({
      title, url: this.fill(url),
    }));
    return { title: this.board.title, panels, links, variables: this.values };
  }
}

function table(target, key, series) {
  const names = [...new Set(series.flatMap(({ metric }) => Object.keys(metric)))].sort();
  const rows = series.flatMap(({ metric, values }) => values.map((value) => ({ metric, value })));
  return grafana.toDataFrame({
    refId: target.refId,
    meta: { preferredVisualisationType: 'table' },
    fields: [
      { name: 'Time', type: grafana.FieldType.time, values: rows.map(({ value }) => value[0] * 1000) },
      ...names.map((name) => ({
        name, type: grafana.FieldType.string, values: rows.map(({ metric }) => metric[name] ?? ''),
      })),
      {
        name: key, type: grafana.FieldType.number, config: {},
        values: rows.map(({ value }) => number(value[1])),
      },
    ],
  });
}

function line(target, { metric, values }) {
  const legend = target.legendFormat === '__auto' ? '' : target.legendFormat;
  const name = legend.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label) => metric[label] ?? '').trim();
  return grafana.toDataFrame({
    refId: target.refId,
    name: name || undefined,
    fields: [
      { name: 'Time', type: grafana.FieldType.time, values: values.map(([at]) => at * 1000) },
      {
        name: 'Value', type: grafana.FieldType.number, labels: metric,
        config: name ? { displayNameFromDS: name } : {},
        values: values.map(([, value]) => number(value)),
      },
    ],
  });
}

function hex(color) {
  return color && grafana.colorManipulator.asHexString(color);
}

// "" where a colour is that of ordinary text or none at all.
function colored(color) {
  const ordinary = [undefined, 'transparent', '#00000000', theme.colors.text.primary].map(hex);
  return ordinary.includes(hex(color)) ? '' : color;
}

const list = (values) => (values.toArray ? values.toArray() : values);

function cells(data) {
  const [frame] = data;
  const shown = frame.fields.filter(({ config }) => !config.custom?.hidden);
  const columns = shown.map((field) => grafana.getFieldDisplayName(field, frame, data));
  const cell = (field, index) => {
    const display = field.display(list(field.values)[index]);
    // A cell is coloured only where its column is told to be.
    const color = field.config.custom?.displayMode === 'color-text' ? colored(display.color) : '';
    return { text: grafana.formattedValueToString(display).trim(), color };
  };
  const rows = Array.from({ length: frame.length }, (_, index) => shown.map((each) => cell(each, index)));
  return { columns, rows };
}

function lines(data, states) {
  return data.flatMap((frame) =>
    frame.fields.filter(({ type }) => type !== grafana.FieldType.time).map((field) => {
      const known = list(field.values).filter((value) => value !== null && !Number.isNaN(value));
      const display = field.display(known.length ? known.at(-1) : null);
      const ofSeries = grafana.getFieldSeriesColor(field, theme).color;
      return {
        name: grafana.getFieldDisplayName(field, frame, data),
        points: known.length,
        last: grafana.formattedValueToString(display).trim(),
        color: states ? colored(display.color) : ofSeries,
      };
    }),
  );
}

async function main() {
  let text = '';
  for await (const part of process.stdin) text += part;
  const readings = [];
  for (const release of releases) {
    use(release);
    const boards = [];
    for (const request of JSON.parse(text)) boards.push(await new Board(request).reading());
    readings.push(boards);
  }
  process.stdout.write(JSON.stringify(readings));
}

main();
