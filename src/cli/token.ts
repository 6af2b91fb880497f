/** Holds the token of a page: a command line can be read by every user of the machine. */
export const TOKEN_VARIABLE = 'EVERFLAME_TOKEN';

/** The token that an option or the environment names; undefined where neither does. */
export function givenToken(option: string | undefined, environment: NodeJS.ProcessEnv): string | undefined {
  return option ?? (environment[TOKEN_VARIABLE] || undefined);
}
