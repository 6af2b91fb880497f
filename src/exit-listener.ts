import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';

/** As they are at the start: a program may take them away, or put others in their place. */
const { process, queueMicrotask, setImmediate } = globalThis;

/** On which Node.js says that the process is about to become another program (22.15 and later). */
const EXECUTING = 'process.execve';

/** The call in which `process.exit()` ends. Not in Node's typings. */
const ending = process as unknown as { reallyExit: (code?: number) => never };

/**
 * Listens for the end of the process: once, behind every `exit` listener that the program adds, so that what those do is in
 * the last profile too. A listener that calls `process.exit()` or throws ends the process before its turn comes: then just
 * before that. One that is added in the very turn in which the process exits comes behind. Also before each
 * `process.execve()`, behind which nothing of this program is left, unless it fails. Where the process lives on all the same,
 * as when somebody has emitted `exit` or has caught what a listener to it threw, `liveOn` is told, and `finish` comes again.
 * Returns the function that ends the listening.
 */
export function listenLastToExit(finish: () => void, liveOn: () => void): () => void {
  let over = false;
  let ignored = false;
  const end = (): void => {
    finish();
    // The event loop of a process that ends does not come to that.
    setImmediate(() => {
      if (ignored) return;
      over = false;
      unlessFrozen(unlisten);
      liveOn();
    }).unref();
  };
  const once = (): void => {
    if (over) return;
    over = true;
    end();
  };
  const unlisten = (): void => {
    process.removeListener('uncaughtExceptionMonitor', once);
  };
  const unraise = raiseMaxListeners();
  const unwatch = watchExit(once);
  const unwrap = wrapReallyExit(once);
  // Not once: the process goes on where the other program cannot be executed.
  subscribe(EXECUTING, end);
  return () => {
    over = true;
    ignored = true;
    unsubscribe(EXECUTING, end);
    for (const undo of [unwatch, unwrap, unraise, unlisten]) unlessFrozen(undo);
  };
}

/**
 * Keeps two listeners to `exit`: the last one, and a first one that looks out for the others' errors. They come back where the
 * program takes all listeners away.
 */
function watchExit(last: () => void): () => void {
  let waiting = false;
  let over = false;
  // Told of an error before anybody handles it. Outside of an exit it may not be the end.
  const first = (): void => unlessFrozen(() => process.on('uncaughtExceptionMonitor', last));
  const add = (): void => {
    process.prependListener('exit', first);
    process.on('exit', last);
    process.on('newListener', onNewListener);
    process.on('removeListener', onRemoveListener);
  };
  const remove = (): void => {
    process.removeListener('removeListener', onRemoveListener);
    process.removeListener('newListener', onNewListener);
    process.removeListener('exit', first);
    process.removeListener('exit', last);
  };
  const takePlaces = (): void => {
    if (waiting) return;
    waiting = true;
    // The new listener is not there yet, and others may be about to go.
    queueMicrotask(() => {
      waiting = false;
      if (over) return;
      unlessFrozen(() => {
        remove();
        add();
      });
    });
  };
  const onNewListener = (event: string | symbol, added: unknown): void => {
    if (event === 'exit' && added !== first && added !== last) takePlaces();
  };
  const onRemoveListener = (event: string | symbol, removed: unknown): void => {
    if (event === 'exit' && removed === last) takePlaces();
  };
  add();
  return () => {
    over = true;
    remove();
  };
}

/**
 * Does what changes the listeners of `process`; nothing where the program has frozen it, or has put functions of its own there that
 * throw: an error that leaves a listener to `exit` would change how the program ends.
 */
function unlessFrozen(change: () => void): void {
  try {
    change();
  } catch {
    // The last profile comes by another of the ways to it.
  }
}

function wrapReallyExit(before: () => void): () => void {
  const original = ending.reallyExit;
  const wrapped = (code?: number): never => {
    before();
    return original.call(process, code);
  };
  ending.reallyExit = wrapped;
  return () => {
    // Somebody who has wrapped it since keeps ours, which does nothing more.
    if (ending.reallyExit === wrapped) ending.reallyExit = original;
  };
}

/**
 * Room for the listeners above: the warning of a leak is about the program's own. A limit that the program sets later is taken
 * as it is; 0 is no limit at all.
 */
function raiseMaxListeners(): () => void {
  const name = '_maxListeners';
  const shared = { configurable: true, enumerable: true };
  // Undefined, it is the default of all emitters.
  let set = (process as { [name]?: number | undefined })[name];
  let isSet = false;
  unlessFrozen(() =>
    Object.defineProperty(process, name, {
      ...shared,
      get: () => {
        const own = set ?? EventEmitter.defaultMaxListeners;
        return isSet ? set : own && own + 3;
      },
      set: (value: number | undefined) => {
        set = value;
        isSet = true;
      },
    }),
  );
  return () => {
    Object.defineProperty(process, name, { ...shared, writable: true, value: set });
  };
}
