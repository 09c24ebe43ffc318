/** All tools the server offers, in the order they are listed. */
import { INITIATIVE_TOOLS } from './initiative-tools.ts';
import { PRD_TOOLS } from './prd-tools.ts';
import { PRODUCT_TOOLS } from './product-tools.ts';
import { STREAM_TOOLS } from './stream-tools.ts';
import { TASK_TOOLS } from './task-tools.ts';
import { TASK_UPDATE_TOOLS } from './task-update-tool.ts';
import type { Tool } from './tool.ts';

export const TOOLS: readonly Tool[] = [
  ...INITIATIVE_TOOLS,
  ...PRD_TOOLS,
  ...TASK_TOOLS,
  ...TASK_UPDATE_TOOLS,
  ...STREAM_TOOLS,
  ...PRODUCT_TOOLS,
];
