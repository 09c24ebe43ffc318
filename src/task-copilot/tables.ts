/** The tables of Task Copilot's store at schema 10, as data: each one's columns in order, then its constraints. */
import { TASK_STATUSES } from '../core/types.ts';

/** One table: its columns by name, and the constraints that follow them. */
export type TableShape = {
  readonly columns: Readonly<Record<string, string>>;
  readonly constraints?: readonly string[];
};

/** The schema version these tables make up. */
export const COPILOT_SCHEMA_VERSION = 10;

const oneOf = (column: string, values: readonly string[]) =>
  `CHECK (${column} IN (${values.map((value) => `'${value}'`).join(', ')}))`;

/** What a work product can be. */
export const WORK_PRODUCT_TYPES = [
  'technical_design',
  'implementation',
  'test_plan',
  'security_review',
  'documentation',
  'architecture',
  'other',
] as const;

/** What a PRD can be. */
export const PRD_STATUSES = ['active', 'archived', 'cancelled'] as const;

const MUST = 'TEXT NOT NULL';
const MAY = 'TEXT';
const KEY = 'TEXT PRIMARY KEY';

export const COPILOT_TABLES: Readonly<Record<string, TableShape>> = {
  migrations: { columns: { version: 'INTEGER PRIMARY KEY', applied_at: MUST } },
  initiatives: { columns: { id: KEY, title: MUST, description: MAY, created_at: MUST, updated_at: MUST } },
  prds: {
    columns: {
      id: KEY,
      initiative_id: MUST,
      title: MUST,
      description: MAY,
      content: MUST,
      metadata: `TEXT DEFAULT '{}'`,
      status: `TEXT DEFAULT 'active' ${oneOf('status', PRD_STATUSES)}`,
      created_at: MUST,
      updated_at: MUST,
    },
    constraints: ['FOREIGN KEY (initiative_id) REFERENCES initiatives (id)'],
  },
  tasks: {
    columns: {
      id: KEY,
      prd_id: MAY,
      parent_id: MAY,
      title: MUST,
      description: MAY,
      assigned_agent: MAY,
      status: `TEXT DEFAULT 'pending' ${oneOf('status', TASK_STATUSES)}`,
      blocked_reason: MAY,
      notes: MAY,
      metadata: `TEXT DEFAULT '{}'`,
      created_at: MUST,
      updated_at: MUST,
      archived: 'INTEGER DEFAULT 0',
      archived_at: MAY,
      archived_by_initiative_id: MAY,
    },
    constraints: [
      'FOREIGN KEY (prd_id) REFERENCES prds (id)',
      'FOREIGN KEY (parent_id) REFERENCES tasks (id)',
    ],
  },
  work_products: {
    columns: {
      id: KEY,
      task_id: MUST,
      type: `${MUST} ${oneOf('type', WORK_PRODUCT_TYPES)}`,
      title: MUST,
      content: MUST,
      metadata: `TEXT DEFAULT '{}'`,
      created_at: MUST,
      confidence: 'REAL',
    },
    constraints: ['FOREIGN KEY (task_id) REFERENCES tasks (id)'],
  },
  activity_log: {
    columns: {
      id: KEY,
      initiative_id: MUST,
      type: MUST,
      entity_id: MUST,
      entity_type: MAY,
      summary: MUST,
      metadata: MAY,
      created_at: MUST,
    },
    constraints: ['FOREIGN KEY (initiative_id) REFERENCES initiatives (id)'],
  },
  agent_performance: {
    columns: {
      id: KEY,
      agent_id: MUST,
      task_id: MUST,
      work_product_type: MAY,
      complexity: MAY,
      outcome: `${MUST} ${oneOf('outcome', ['success', 'failure', 'blocked', 'reassigned'])}`,
      duration_ms: 'INTEGER',
      created_at: MUST,
    },
    constraints: ['FOREIGN KEY (task_id) REFERENCES tasks (id)'],
  },
  checkpoints: {
    columns: {
      id: KEY,
      task_id: MUST,
      sequence: 'INTEGER NOT NULL',
      trigger: `${MUST} ${oneOf('trigger', ['auto_status', 'auto_subtask', 'manual', 'error'])}`,
      task_status: MUST,
      task_notes: MAY,
      task_metadata: MAY,
      blocked_reason: MAY,
      assigned_agent: MAY,
      execution_phase: MAY,
      execution_step: 'INTEGER',
      agent_context: MAY,
      draft_content: MAY,
      draft_type: MAY,
      subtask_states: `TEXT DEFAULT '[]'`,
      created_at: MUST,
      expires_at: MAY,
      iteration_config: MAY,
      iteration_number: 'INTEGER DEFAULT 0',
      iteration_history: `TEXT DEFAULT '[]'`,
      completion_promises: `TEXT DEFAULT '[]'`,
      validation_state: MAY,
    },
    constraints: ['FOREIGN KEY (task_id) REFERENCES tasks (id)'],
  },
  agent_handoffs: {
    columns: {
      id: KEY,
      task_id: MUST,
      from_agent: MUST,
      to_agent: MUST,
      work_product_id: MUST,
      handoff_context: MUST,
      chain_position: 'INTEGER NOT NULL',
      chain_length: 'INTEGER NOT NULL',
      created_at: MUST,
    },
    constraints: ['FOREIGN KEY (task_id) REFERENCES tasks (id) ON DELETE CASCADE'],
  },
  scope_change_requests: {
    columns: {
      id: KEY,
      prd_id: MUST,
      request_type: MUST,
      description: MUST,
      rationale: MUST,
      requested_by: MUST,
      status: `${MUST} DEFAULT 'pending' ${oneOf('status', ['pending', 'approved', 'rejected'])}`,
      reviewed_by: MAY,
      review_notes: MAY,
      created_at: MUST,
      reviewed_at: MAY,
    },
    constraints: ['FOREIGN KEY (prd_id) REFERENCES prds (id)'],
  },
  agent_activity: {
    columns: {
      id: KEY,
      stream_id: MUST,
      agent_id: MUST,
      task_id: MUST,
      activity_description: MAY,
      phase: MAY,
      started_at: MUST,
      last_heartbeat: MUST,
      completed_at: MAY,
    },
    constraints: ['FOREIGN KEY (task_id) REFERENCES tasks (id) ON DELETE CASCADE'],
  },
  protocol_violations: {
    columns: {
      id: KEY,
      session_id: MUST,
      initiative_id: MAY,
      violation_type: MUST,
      severity: MUST,
      context: MUST,
      suggestion: MAY,
      created_at: MUST,
    },
  },
};

/** Indexes by name: what each one covers. */
export const COPILOT_INDEXES: Readonly<Record<string, string>> = {
  idx_prds_initiative: 'prds (initiative_id)',
  idx_tasks_prd: 'tasks (prd_id)',
  idx_tasks_parent: 'tasks (parent_id)',
  idx_tasks_agent: 'tasks (assigned_agent)',
  idx_tasks_status: 'tasks (status)',
  idx_tasks_archived: 'tasks (archived)',
  idx_work_products_task: 'work_products (task_id)',
  idx_activity_log_initiative: 'activity_log (initiative_id)',
  idx_agent_perf_agent: 'agent_performance (agent_id)',
  idx_checkpoints_task: 'checkpoints (task_id, sequence DESC)',
  idx_checkpoints_expires: 'checkpoints (expires_at)',
  idx_handoffs_task: 'agent_handoffs (task_id, chain_position)',
  idx_agent_activity_stream: 'agent_activity (stream_id)',
  idx_agent_activity_task: 'agent_activity (task_id)',
};
