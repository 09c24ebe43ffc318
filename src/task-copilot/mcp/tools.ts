/** All tools the server offers, in the order they are listed. */
import type { Tool } from './call.ts';
import { INITIATIVE_TOOLS, PRD_TOOLS, PRODUCT_TOOLS } from './plan-tools.ts';
import { STREAM_TOOLS } from './stream-tools.ts';
import { TASK_TOOLS } from './task-tools.ts';

export const TOOLS: readonly Tool[] = [
  ...INITIATIVE_TOOLS,
  ...PRD_TOOLS,
  ...TASK_TOOLS,
  ...STREAM_TOOLS,
  ...PRODUCT_TOOLS,
];
