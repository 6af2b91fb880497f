/** What to do where a receiver fails, by how it has failed. Undefined where that tells no more than that it cannot be reached. */

/** Codes of OpenSSL for a certificate whose issuer is not known. */
const UNTRUSTED = /SELF_SIGNED|UNABLE_TO_|CERT_UNTRUSTED|INVALID_CA/;

/** By the code of an error below HTTP. */
export function remedyForError(code: string): string | undefined {
  if (UNTRUSTED.test(code)) {
    return 'Name a file with the certificate of its authority by NODE_EXTRA_CA_CERTS=<file>.';
  }
  switch (code) {
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return 'Name the host as its certificate does.';
    case 'CERT_HAS_EXPIRED':
    case 'CERT_NOT_YET_VALID':
      return 'Renew its certificate, or set the clock of this machine.';
    case 'EPROTO':
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
      return 'If it does not speak TLS there, write http:// in place of https://.';
    default:
      return undefined;
  }
}

/** By the status of an answer that says to come again: whoever has answered runs, and is at the address that was named. */
export function remedyForStatus(status: number): string | undefined {
  if (status === 429) return 'It limits how much it takes: raise that limit, or send less.';
  if (status >= 500)
    return 'It answers and cannot take them: its log says why, or that of a gateway before it.';
  return undefined;
}
