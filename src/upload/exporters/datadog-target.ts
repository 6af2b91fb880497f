import { existsSync } from 'node:fs';
import type { DeliveryConfiguration } from '../../config/delivery-settings';
import { hostOfUrl } from '../../config/parse';
import { publicAddress } from '../../config/plain-text';
import { EverflameError } from '../../engine';
import { AGENT_PORT, AGENT_SOCKET } from '../route';
import type { RequestAddress } from '../upload';

/** Of profiles, below the address of an Agent. */
export const AGENT_PATH = '/profiling/v1/input';
const AGENT_REMEDY = 'Check that the Agent runs, or name its address with DD_TRACE_AGENT_URL.';
/** Of the path of a socket (unix(7), sun_path). What is longer would be cut, and may be the name of another one. */
const MOST_SOCKET_BYTES = process.platform === 'linux' ? 107 : 103;
const INTAKE_PATH = '/api/v2/profile';
const HOST = /^[a-z0-9.-]+(:\d+)?$/i;

/** Where uploads to Datadog go. */
export interface DatadogTarget {
  /** In words for people, the same for as long as the settings are. */
  destination: string;
  /** What to do where it cannot be reached, in one sentence or more. */
  remedy: string;
  /** Set where there is no Agent. */
  apiKey?: string;
  /** Asked anew for each upload: an Agent that starts later may have a socket. */
  address(): RequestAddress;
}

/** What has to do with where Datadog is. */
export type DatadogSettings = Pick<
  DeliveryConfiguration,
  'url' | 'agentHost' | 'agentPort' | 'apiKey' | 'site' | 'agentless'
> & {
  /** Whether somebody has handed over a key in code, and no URL: uploads are to go without an Agent. */
  isKeyInCode: boolean;
  /** Whether the port was set by anybody. */
  namesPort: boolean;
};

/**
 * Settles where Datadog is: without an Agent where that is asked for and no URL is given; else by URL, by host or port, by the
 * socket that Agents make, or on port 8126 of this machine. Warnings are for settings that contradict each other.
 */
export function datadogTarget(settings: DatadogSettings): { target: DatadogTarget; warnings: string[] } {
  const { url, agentHost, agentPort, apiKey, site, agentless, isKeyInCode, namesPort } = settings;
  const warnings: string[] = [];
  if (agentless || isKeyInCode) {
    if (url === undefined && apiKey !== undefined) return { target: intake(site, apiKey), warnings };
    if (url !== undefined) {
      const asked = agentless ? 'DD_PROFILING_AGENTLESS' : 'the option "apiKey"';
      warnings.push(
        `${asked} is set beside the URL of an Agent (${publicAddress(url)}), which wins. Unset one of the two.`,
      );
    } else if (agentless) {
      warnings.push(
        'DD_PROFILING_AGENTLESS is set without a key that can be used, so profiles are sent to an Agent. Set DD_API_KEY.',
      );
    } else {
      warnings.push(
        'the option "apiKey" has no key that can be used, so profiles are sent to an Agent. Write the key without spaces or line breaks.',
      );
    }
  }
  if (url !== undefined) return { target: agentAt(url), warnings };
  if (agentHost !== undefined || namesPort) {
    const host = agentHost ?? '127.0.0.1';
    return { target: agentAt(`http://${hostOfUrl(host)}:${agentPort}`), warnings };
  }
  return { target: agentHere(), warnings };
}

/** Throws where the site is none: to send to another one instead could bring profiles to where they must not be. */
function intake(named: string, apiKey: string): DatadogTarget {
  const site = named.trim();
  const url = `https://intake.profile.${site}${INTAKE_PATH}`;
  if (!HOST.test(site) || !URL.canParse(url)) {
    throw new EverflameError(
      'BAD_SITE',
      `DD_SITE is "${publicAddress(site)}", which is no site of Datadog. Write it as datadoghq.com or datadoghq.eu`,
    );
  }
  const remedy = 'Check the network, DD_SITE, and HTTPS_PROXY where there is a proxy.';
  return { destination: `Datadog at ${site}`, remedy, apiKey, address: () => ({ url }) };
}

function agentAt(text: string): DatadogTarget {
  const socket = /^unix:(?:\/\/)?(.+)$/i.exec(text)?.[1];
  if (socket !== undefined && Buffer.byteLength(socket) > MOST_SOCKET_BYTES) {
    throw new EverflameError(
      'BAD_SOCKET',
      `DD_TRACE_AGENT_URL names a socket with a path of ${Buffer.byteLength(socket)} bytes, and the system takes ${MOST_SOCKET_BYTES}. Name a shorter path, such as a link to its folder`,
    );
  }
  const shown = socket === undefined ? publicAddress(text) : `unix://${socket}`;
  const destination = `the Datadog Agent at ${shown}`;
  if (socket !== undefined) return { destination, remedy: AGENT_REMEDY, address: () => overSocket(socket) };
  // The path of a gateway is kept; a query would be the gateway's too.
  const url = new URL(text);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}${AGENT_PATH}`;
  url.hash = '';
  return { destination, remedy: AGENT_REMEDY, address: () => directly(url.href) };
}

function agentHere(): DatadogTarget {
  return {
    destination: 'the Datadog Agent of this machine',
    remedy: AGENT_REMEDY,
    address: () =>
      existsSync(AGENT_SOCKET)
        ? overSocket(AGENT_SOCKET)
        : directly(`http://127.0.0.1:${AGENT_PORT}${AGENT_PATH}`),
  };
}

/** As tracers reach an Agent: a proxy is for what is outside of the own network. */
function directly(url: string): RequestAddress {
  return { url, noProxy: true };
}

function overSocket(socketPath: string): RequestAddress {
  return { ...directly(`http://localhost${AGENT_PATH}`), socketPath };
}
