/**
 * Listens to `exit` behind every listener that the program adds, so that what those do is in the last profile too. One that
 * is added in the very turn in which the process exits comes behind. Returns the function that ends the listening.
 */
export function listenLastToExit(listener: () => void): () => void {
  let waiting = false;
  const moveBack = (): void => {
    waiting = false;
    if (!process.listeners('exit').includes(listener)) return;
    process.removeListener('exit', listener);
    process.on('exit', listener);
  };
  const onNewListener = (event: string | symbol, added: unknown): void => {
    if (event !== 'exit' || added === listener || waiting) return;
    waiting = true;
    // The new listener is not there yet.
    queueMicrotask(moveBack);
  };
  process.setMaxListeners(process.getMaxListeners() + 1);
  process.on('exit', listener);
  process.on('newListener', onNewListener);
  return () => {
    process.removeListener('newListener', onNewListener);
    process.removeListener('exit', listener);
    process.setMaxListeners(process.getMaxListeners() - 1);
  };
}
