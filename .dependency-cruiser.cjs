/** Layer rules: imports point inwards, adapters never meet, core is pure, each outside package has one home. */
const oneHome = (name, pkg, homes) => ({
  name: `one-home-${name}`,
  severity: 'error',
  comment: `${pkg} is known in one place only`,
  from: { path: '^src', pathNot: homes },
  to: { path: `node_modules/${pkg}/` },
});

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'a command loaded on demand may look at the table that loads it',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['dynamic-import'] } },
    },
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
      from: { path: '^src/(store|git|tmux|process|agent|plan-file)/' },
      to: { path: '^src/', pathNot: '^src/(core/|errors\\.ts|slots\\.ts|config|paths\\.ts|$1/)' },
    },
    {
      name: 'reconcile-view-mcp-stay-inside',
      severity: 'error',
      from: { path: '^src/(reconcile|view|mcp)/' },
      to: { path: '^src/(commands/|cli\\.ts)' },
    },
    {
      name: 'reconcile-knows-adapter-types-only',
      severity: 'error',
      from: { path: '^src/reconcile' },
      to: {
        path: '^src/(store|git|tmux|process)/',
        pathNot: '/types\\.ts$',
        dependencyTypesNot: ['type-only'],
      },
    },
    oneHome('cac', 'cac', '^src/cli'),
    oneHome('sqlite', 'better-sqlite3', '^src/store'),
    oneHome('git', 'simple-git', '^src/git'),
    oneHome('yaml', 'yaml', '^src/plan-file'),
    oneHome('zod', 'zod', '^src/(config|plan-file|mcp)'),
    oneHome('string-width', 'string-width', '^src/view'),
    oneHome('picocolors', 'picocolors', '^src/view'),
    oneHome('mcp', '@modelcontextprotocol', '^src/mcp'),
    oneHome('execa', 'execa', '^src/(tmux|process|agent)'),
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
