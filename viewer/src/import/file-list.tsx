import type { JSX } from 'preact';
import { typeName } from '../format/names.js';
import { formatShare, formatValue } from '../format/value.js';
import { Icon } from '../parts/icons.js';
import { closeFiles, type FileState, fileStates, isWorking, showFile } from './files.js';

/** What becomes of files that were opened: how far they are, where they are shown, why they are not. */
export function FileList(): JSX.Element | null {
  const states = fileStates.value;
  if (states.length === 0) return null;
  return (
    <section class="file-list" aria-label="Opened files">
      <header>
        <h2>{isWorking() ? 'Opening files' : 'Opened files'}</h2>
        <button
          type="button"
          class="tool"
          aria-label="Close the list"
          disabled={isWorking()}
          onClick={closeFiles}
        >
          <Icon name="close" />
        </button>
      </header>
      <ul aria-live="polite">
        {states.map((state, index) => (
          <li key={index} class={state.step}>
            <Line {...state} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Line({ name, step, share, shown, reason }: FileState): JSX.Element {
  if (step === 'refused')
    return (
      <p class="bad" role="alert">
        {reason}
      </p>
    );
  if (shown)
    return (
      <p>
        <button type="button" class="link" onClick={() => showFile(shown)}>
          {shown.service}
        </button>{' '}
        <span class="muted">
          {shown.again && `is the same as ${name}, and was shown already; `}
          {shown.types
            .map(({ name: type, unit, total }) => `${typeName(type)} ${formatValue(total, unit)}`)
            .join(', ')}
        </span>
      </p>
    );
  return (
    <>
      <p>
        {name}{' '}
        <span class="muted">
          {step === 'waiting'
            ? 'waits'
            : step === 'sending'
              ? `${formatShare(share, 1)} sent`
              : 'is being read …'}
        </span>
      </p>
      {step !== 'waiting' && (
        <progress
          aria-label={`Progress of ${name}`}
          max={1}
          {...(step === 'sending' ? { value: share } : {})}
        />
      )}
    </>
  );
}
