/** Layer rules: imports point inwards, adapters never meet, core is pure, each outside package has one home. */
const oneHome = (name, pkg, homes) => ({
  name: `one-home-${name}`,
  severity: 'error',
  comment: `${pkg} is known in one place only`,
  from: { path: '^src', pathNot: homes },
  to: { path: `node_modules/${pkg}/` },
});

const ADAPTERS = 'notify|sqlite|state|task-copilot|git|tmux|process|agent|worker|plan-file';

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-missing', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'core-is-pure',
      severity: 'error',
      comment: 'core imports nothing but itself',
      from: { path: '^src/core' },
      to: { pathNot: '^src/core' },
    },
    {
      name: 'adapters-do-not-meet',
      severity: 'error',
      from: { path: `^src/(${ADAPTERS})/` },
      to: { path: '^src/', pathNot: '^src/(core/|app/config/|app/paths\\.ts|sqlite/|process/|files/|$1/)' },
    },
    {
      name: 'agent-port-knows-no-agent',
      severity: 'error',
      comment: 'only the place that chooses an agent imports one; each agent is a folder of its own',
      from: { path: '^src/', pathNot: '^src/agent/(create-agent\\.ts$|[a-z-]+/)' },
      to: { path: '^src/agent/[a-z-]+/' },
    },
    {
      name: 'agents-do-not-meet',
      severity: 'error',
      from: { path: '^src/agent/([a-z-]+)/' },
      to: { path: '^src/agent/[a-z-]+/', pathNot: '^src/agent/$1/' },
    },
    {
      name: 'view-draws-reports-only',
      severity: 'error',
      from: { path: '^src/view/' },
      to: { path: '^src/', pathNot: '^src/(core|files|report|view)/' },
    },
    {
      name: 'outer-layers-stay-outside',
      severity: 'error',
      comment: 'the reader of a change goes cli, command, operation, decide, step, door without turning back',
      from: { path: '^src/(app|look|poller|operator|report|view)/' },
      to: { path: '^src/(commands/|cli/|cli\\.ts)' },
    },
    {
      name: 'poller-knows-adapter-types-only',
      severity: 'error',
      from: { path: '^src/(look|poller|operator)/' },
      to: {
        path: '^src/(sqlite|state|task-copilot|git|tmux|process)/',
        pathNot: '/types\\.ts$',
        dependencyTypesNot: ['type-only'],
      },
    },
    oneHome('cac', 'cac', '^src/cli'),
    oneHome('sqlite', 'better-sqlite3', '^src/sqlite'),
    oneHome('yaml', 'yaml', '^src/plan-file'),
    oneHome('zod', 'zod', '^src/(app/config|plan-file|task-copilot/mcp)'),
    oneHome('string-width', 'string-width', '^src/view'),
    oneHome('picocolors', 'picocolors', '^src/view'),
    oneHome('mcp', '@modelcontextprotocol', '^src/task-copilot/mcp'),
    oneHome('execa', 'execa', '^src/generate'),
    {
      name: 'one-runner',
      severity: 'error',
      comment: 'programs are started in one place only',
      from: { path: '^src', pathNot: '^src/process/' },
      to: { path: '^(node:)?child_process$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
    tsConfig: { fileName: 'tsconfig.json' },
    exclude: { path: '^(dist|\\.cache)/' },
  },
};
