/** Checks of the configured agent: its own (installed, trusted, allowed to run so), and whether its work will be checked. */
import type { Project } from '../app/project.ts';
import { type Check, failed, ok } from './check.ts';

/** The agent's own checks, then gates and permissions. */
export async function checkAgent(project: Project): Promise<Check[]> {
  return [...(await ownChecks(project)), checkGates(project)];
}

async function ownChecks(project: Project): Promise<Check[]> {
  try {
    const { agentOf } = await import('../app/wiring.ts');
    return (await agentOf(project, null).check()).map(({ name, level, message, fix }) => ({
      name,
      level,
      message,
      fix,
    }));
  } catch (error) {
    return [failed('agent', error)];
  }
}

function checkGates(project: Project): Check {
  const { gates } = project.config();
  if (gates.length > 0) return ok('gates', gates.map(({ command }) => command).join(', '));
  return {
    name: 'gates',
    level: 'warn',
    message: 'no gates: nothing but the agent itself checks its work',
    fix: 'orchestrate init proposes one, or add "gates" to .claude/orchestrator/config.json',
  };
}
