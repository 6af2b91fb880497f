import type { DeliveryConfiguration } from '../config/delivery-settings';
import { CodeProvenance } from '../provenance/code-provenance';
import { sampledFiles } from '../provenance/sampled-files';
import type { Seed } from './seed';
import type { Attachment } from './upload';

/** The attachment that tells which package each file in the profiles is of. */
export class Provenance {
  private readonly code: CodeProvenance | undefined;

  constructor({ codeProvenance, mainPackage }: DeliveryConfiguration, { nodeVersion }: Seed) {
    const node = nodeVersion.replace(/^v/, '');
    this.code = codeProvenance
      ? new CodeProvenance({ nodeVersion: node, ...(mainPackage ? { mainPackage } : {}) })
      : undefined;
  }

  /** Takes note of what is in the profiles of an upload. */
  attachments(profiles: Attachment[]): Attachment[] {
    if (!this.code) return [];
    for (const { data } of profiles) this.code.add(sampledFiles(data));
    return [{ name: 'code-provenance.json', data: Buffer.from(this.code.json().value) }];
  }
}
