/** What each preset says, and how: from a notice to one HTTP request; sends nothing. */
import type { NotifyPreset } from '../app/config/config.ts';
import { printable } from '../core/printable.ts';
import type { StateName } from '../core/states.ts';
import { type Secrets, topicOf } from './secrets.ts';

/** What the user is told: `notify.command` reads it on its stdin as one line of JSON. `stream` is null for the end of the whole. */
export type Notice = {
  readonly schemaVersion: 1;
  /** The state that the stream came into, or `finished`. */
  readonly kind: StateName | 'finished';
  readonly at: string;
  readonly workspace: string;
  readonly projectRoot: string;
  readonly stream: string | null;
  readonly key: string | null;
  readonly run: number | null;
  readonly reason: string | null;
  readonly remedy: string | null;
  readonly attach: string | null;
  readonly needsYou: boolean;
};

/** A notice as the user reads it, on lines without control characters. */
export type Message = {
  readonly title: string;
  readonly body: string;
  readonly urgent: boolean;
  /** For who takes data. */
  readonly data: object;
};

/** What a preset posts. */
export type Post = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

const LONGEST = { title: 120, body: 400 };

/** A notice in words. */
export function messageFor(notice: Notice): Message {
  const { workspace, stream, kind, reason, remedy, needsYou } = notice;
  return {
    title: printable(`${workspace}: ${stream ?? 'orchestrate'} ${kind}`, LONGEST.title),
    body: [reason ?? kind, ...(remedy === null ? [] : [remedy])]
      .map((line) => printable(line, LONGEST.body))
      .join('\n'),
    urgent: needsYou,
    data: notice,
  };
}

type Template = (message: Message, secrets: Secrets) => Post;

const json = (url: string, body: object, headers: Readonly<Record<string, string>> = {}): Post => ({
  url,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
});

const bearer = ({ token }: Secrets): Record<string, string> =>
  token === null ? {} : { authorization: `Bearer ${token}` };

/** Slack reads these three as markup; without them nothing can mention or link. */
const slackText = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const TEMPLATES: Readonly<Record<Exclude<NotifyPreset, 'desktop'>, Template>> = {
  // By the server's root, where title and text may have any character.
  ntfy: ({ title, body, urgent }, secrets) => {
    const { server, topic } = topicOf(secrets.url ?? '') ?? { server: '', topic: '' };
    return json(server, { topic, title, message: body, priority: urgent ? 4 : 3 }, bearer(secrets));
  },
  slack: ({ title, body }, { url }) => json(url ?? '', { text: slackText(`${title}\n${body}`) }),
  telegram: ({ title, body }, { url, token, chat }) =>
    json(`${(url ?? 'https://api.telegram.org').replace(/\/+$/, '')}/bot${token}/sendMessage`, {
      chat_id: chat,
      text: `${title}\n${body}`,
      link_preview_options: { is_disabled: true },
    }),
  webhook: ({ data }, secrets) => json(secrets.url ?? '', data, bearer(secrets)),
};

/** The request by which a preset tells a message. */
export function postOf(preset: Exclude<NotifyPreset, 'desktop'>, message: Message, secrets: Secrets): Post {
  return TEMPLATES[preset](message, secrets);
}
