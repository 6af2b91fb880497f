import { signal } from '@preact/signals';
import { change } from '../state/page.js';
import { loadServices, services } from '../state/services.js';
import { DEFAULT_VIEW } from '../state/view.js';
import { type ShownFile, sendFile } from './send-file.js';

/** One file on its way. */
export interface FileState {
  name: string;
  step: 'waiting' | 'sending' | 'reading' | 'shown' | 'refused';
  /** How much of it is sent, 0 to 1. */
  share: number;
  /** Of one that is shown. */
  shown?: ShownFile;
  /** Of one that is refused: why. */
  reason?: string;
}

/** The files that were opened since the list was closed last, in their order. */
export const fileStates = signal<readonly FileState[]>([]);

let working = Promise.resolve();

/** Sends files one after the other and goes to the first that is shown. */
export function openFiles(files: readonly File[]): void {
  if (files.length === 0) return;
  const first = fileStates.value.length;
  fileStates.value = [
    ...fileStates.value,
    ...files.map(({ name }): FileState => ({ name, step: 'waiting', share: 0 })),
  ];
  working = working.then(() => sendAll(files, first));
}

/** Notes a file that cannot be sent at all. */
export function refuseFile(name: string, reason: string): void {
  fileStates.value = [...fileStates.value, { name, step: 'refused', share: 0, reason }];
}

/** Takes away what is done with. */
export function closeFiles(): void {
  if (!isWorking()) fileStates.value = [];
}

export function isWorking(): boolean {
  return fileStates.value.some(({ step }) => step !== 'shown' && step !== 'refused');
}

/** Shows the whole of a file, and nothing of what was chosen of another. */
export function showFile({ service, from, to }: ShownFile): void {
  // What is of one moment is shown in the middle of a second.
  const margin = to - from < 1000 ? 500 : 0;
  change({
    ...DEFAULT_VIEW,
    service,
    window: { from: Math.max(0, Math.floor(from - margin)), to: Math.ceil(to + margin) + 1 },
  });
}

async function sendAll(files: readonly File[], first: number): Promise<void> {
  let shown: ShownFile | undefined;
  for (const [index, file] of files.entries()) {
    const place = first + index;
    update(place, { step: 'sending' });
    try {
      const answer = await sendFile(file, (share) =>
        update(place, { step: share < 1 ? 'sending' : 'reading', share }),
      );
      addService(answer);
      update(place, { step: 'shown', shown: answer });
      shown ??= answer;
    } catch (error) {
      update(place, { step: 'refused', reason: (error as Error).message });
    }
  }
  if (shown) showFile(shown);
  loadServices();
  // Of one file that is shown the page itself says all that there is to say.
  if (fileStates.value.length === 1 && shown && !shown.again) fileStates.value = [];
}

function update(place: number, changes: Partial<FileState>): void {
  fileStates.value = fileStates.value.map((state, index) =>
    index === place ? { ...state, ...changes } : state,
  );
}

/** So that the page has it before it asks for it. */
function addService({ service, from, to, profiles, types }: ShownFile): void {
  const others = (services.value ?? []).filter(({ name }) => name !== service);
  services.value = [...others, { name: service, from, to, profiles, instances: 1, types }];
}
