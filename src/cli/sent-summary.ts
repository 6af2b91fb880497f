import type { RunEvent, Sent } from '../run-report';

/** What has become of the profiles that processes were to send, in one sentence; undefined where none was to. */
export function sentSummary(events: RunEvent[]): string | undefined {
  const processes = new Set(events.filter(({ kind }) => kind === 'sending').map(({ pid }) => pid));
  // What was to be an Agent was none: their profiles are in the inbox.
  const isOnlyKept = (event: RunEvent): event is Sent =>
    event.kind === 'sent' && event.kept > 0 && event.delivered + event.waiting + event.dropped === 0;
  for (const { pid } of events.filter(isOnlyKept)) processes.delete(pid);
  if (processes.size === 0) return undefined;
  const sent = events.filter((event) => event.kind === 'sent' && !isOnlyKept(event)) as Sent[];
  const sum = (name: 'delivered' | 'waiting' | 'dropped'): number =>
    sent.reduce((total, event) => total + event[name], 0);
  const listed = (name: 'destinations' | 'unanswered'): string =>
    [...new Set(sent.flatMap((event) => event[name]))].join(' and ');
  const destinations = listed('destinations');
  const unanswered = listed('unanswered');
  const subject = processes.size === 1 ? '1 process' : `${processes.size} processes`;
  const unheard = [...processes].filter((pid) => !sent.some((event) => event.pid === pid)).length;
  const sentences = [
    // No exporter could be made.
    destinations === ''
      ? `${subject} profiled`
      : `${counted(sum('delivered'))} of ${subject} sent to ${destinations}`,
    sum('waiting') > 0 && `${sum('waiting')} in the spool, for the next process that sends there`,
    sum('waiting') > 0 && unanswered !== '' && `${unanswered} had not answered by the end`,
    sum('dropped') > 0 && `${sum('dropped')} dropped, as said above`,
    unheard > 0 &&
      `what ${unheard === 1 ? 'one process' : `${unheard} processes`} had not sent at a hard end is in the spool or lost`,
  ];
  return `${sentences.filter(Boolean).join('; ')}.`;
}

function counted(profiles: number): string {
  return profiles === 1 ? '1 profile' : `${profiles} profiles`;
}
