import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { openFiles, refuseFile } from './files.js';

/** The whole page takes files that are dropped on it, and says so while some are held over it. */
export function DropTarget(): JSX.Element | null {
  const [isOver, setIsOver] = useState(false);
  useEffect(() => {
    const hold = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      if (event.dataTransfer) event.dataTransfer.dropEffect = 'copy';
      setIsOver(true);
    };
    const leave = ({ relatedTarget }: DragEvent) => {
      // From one part of the page to another is not out of it.
      if (relatedTarget === null) setIsOver(false);
    };
    const drop = (event: DragEvent) => {
      setIsOver(false);
      if (!hasFiles(event)) return;
      event.preventDefault();
      openFiles(filesOf(event.dataTransfer as DataTransfer));
    };
    const stopListening = new AbortController();
    const { signal } = stopListening;
    document.addEventListener('dragenter', hold, { signal });
    document.addEventListener('dragover', hold, { signal });
    document.addEventListener('dragleave', leave, { signal });
    document.addEventListener('drop', drop, { signal });
    return () => stopListening.abort();
  }, []);
  if (!isOver) return null;
  return (
    <section class="drop-target" aria-label="Drop files here">
      <p>
        <strong>Drop profiles to show them</strong>
        pprof, .cpuprofile, .heapprofile, speedscope JSON, collapsed stacks
      </p>
    </section>
  );
}

function hasFiles({ dataTransfer }: DragEvent): boolean {
  return dataTransfer?.types.includes('Files') ?? false;
}

/** A folder comes as a file that cannot be read. */
function filesOf({ items, files }: DataTransfer): File[] {
  const folders = new Set<string>();
  for (const item of items) {
    const entry = item.webkitGetAsEntry();
    if (entry?.isDirectory) folders.add(entry.name);
  }
  for (const name of folders)
    refuseFile(name, `${name} is a folder. Drop the files in it, or run "everflame view" with them.`);
  return [...files].filter(({ name }) => !folders.has(name));
}
