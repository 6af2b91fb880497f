import type { DeliveryConfiguration } from '../../config/delivery-settings';
import { deliverySettings } from '../../config/delivery-settings';
import { originOf } from '../../config/origin';
import { readContainer } from '../../provenance/container';
import { isAgentless } from '../../upload/exporters/make';
import { identityOf } from '../../upload/identity';
import type { Seed } from '../../upload/seed';
import type { Tag } from '../../upload/upload';
import { type Finding, finding, type Part } from './report';

/** Who uploads would say that they are from. */
export interface IdentityFact {
  service: string;
  /** The variable it is from, `tag service`, or `program`. */
  serviceOrigin: string;
  env?: string;
  version?: string;
  tags: Tag[];
  host?: string;
  gitRepositoryUrl?: string;
  gitCommitSha?: string;
  containerId?: string;
  entityId?: string;
  processTags?: string;
  /** Names of the parts of an upload. */
  attachments: string[];
}

/** What uploads would carry beside the profile. `isProgramNamed` says that the script is known. */
export function checkIdentity(
  seed: Seed,
  delivery: DeliveryConfiguration,
  isProgramNamed: boolean,
): Part<IdentityFact> {
  const { value, warnings } = identityOf(seed, delivery, isAgentless(seed, delivery));
  const container = readContainer(seed.environment).value;
  const { service, env, version, tags, host, gitRepositoryUrl, gitCommitSha, processTags } = value;
  const facts: IdentityFact = {
    service,
    serviceOrigin: serviceOrigin(seed, service, processTags),
    ...(env === undefined ? {} : { env }),
    ...(version === undefined ? {} : { version }),
    tags,
    ...(host === undefined ? {} : { host }),
    ...(gitRepositoryUrl === undefined ? {} : { gitRepositoryUrl }),
    ...(gitCommitSha === undefined ? {} : { gitCommitSha }),
    ...(container.containerId === undefined ? {} : { containerId: container.containerId }),
    ...(container.entityId === undefined ? {} : { entityId: container.entityId }),
    ...(processTags === undefined ? {} : { processTags }),
    attachments: ['wall.pprof', ...(delivery.codeProvenance ? ['code-provenance.json'] : [])],
  };
  return {
    facts,
    findings: [
      ...warnings.map((text) => finding('warning', 'identity', text)),
      ...findingsOf(facts, isProgramNamed),
    ],
  };
}

function findingsOf(facts: IdentityFact, isProgramNamed: boolean): Finding[] {
  const findings: Finding[] = [];
  const isFound = facts.serviceOrigin === 'program';
  if (isFound && !isProgramNamed) {
    const text = `The service is named after the program, which is not known here: ${facts.service} is what a program in this folder would be called.`;
    findings.push(
      finding(
        'note',
        'service',
        text,
        'Set DD_SERVICE, or name the program: everflame doctor -- node app.js',
      ),
    );
  } else {
    const from = isFound ? 'the program' : facts.serviceOrigin;
    findings.push(finding('ok', 'service', `The service is ${facts.service}, by ${from}.`));
  }
  const missing = [
    facts.env === undefined ? 'DD_ENV' : '',
    facts.version === undefined ? 'DD_VERSION' : '',
  ].filter(Boolean);
  if (missing.length > 0) {
    const text = `Profiles cannot be told apart by ${missing.map((name) => name.slice(3).toLowerCase()).join(' and ')}.`;
    findings.push(finding('note', 'unified', text, `Set ${missing.join(' and ')}.`));
  }
  if (facts.gitCommitSha === undefined) {
    const remedy = 'Set DD_GIT_COMMIT_SHA and DD_GIT_REPOSITORY_URL when the image is built.';
    findings.push(finding('note', 'git', 'No git commit is found, so profiles do not name one.', remedy));
  }
  return findings;
}

function serviceOrigin(seed: Seed, service: string, processTags: string | undefined): string {
  const variable = originOf(deliverySettings.service, seed.environment);
  if (variable !== undefined) return variable;
  const tagged = ['DD_PROFILING_TAGS', 'DD_TAGS'].find((name) =>
    /(^|[\s,])service:/.test(seed.environment[name] ?? ''),
  );
  if (tagged === undefined) return 'program';
  // A tag that gives no name is passed over.
  return processTags?.includes('svc.auto') || service === '' ? 'program' : `the tag service of ${tagged}`;
}
