import type { DeliveryConfiguration } from '../config/delivery-settings';
import { CodeProvenance } from '../provenance/code-provenance';
import { sampledFiles } from '../provenance/sampled-files';
import type { Seed } from './seed';
import type { Attachment } from './upload';

/** The attachment that tells which package each file in the profiles is of. */
export class Provenance {
  private readonly code: CodeProvenance | undefined;
  private readonly said = new Set<string>();
  private last: { text: string; data: Buffer } | undefined;

  /** `warn` gets each thing that is not told, once. */
  constructor(
    { codeProvenance, mainPackage }: DeliveryConfiguration,
    { nodeVersion }: Seed,
    private readonly warn: (line: string) => void,
  ) {
    const node = nodeVersion.replace(/^v/, '');
    this.code = codeProvenance
      ? new CodeProvenance({ nodeVersion: node, ...(mainPackage ? { mainPackage } : {}) })
      : undefined;
  }

  /** Takes note of what is in the profiles of an upload. */
  attachments(profiles: Attachment[]): Attachment[] {
    if (!this.code) return [];
    for (const { data } of profiles) this.code.add(sampledFiles(data));
    const { value, warnings } = this.code.json();
    for (const warning of warnings) {
      if (!this.said.has(warning)) this.warn(warning);
      this.said.add(warning);
    }
    // The same bytes for the same text: what waits in memory has them once.
    if (this.last?.text !== value) this.last = { text: value, data: Buffer.from(value) };
    return [{ name: 'code-provenance.json', data: this.last.data }];
  }
}
