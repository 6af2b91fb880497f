import type { DeliveryConfiguration } from '../../config/delivery-settings';

const TOKEN = 'PYROSCOPE_AUTH_TOKEN';
const USER = 'PYROSCOPE_BASIC_AUTH_USER';
const PASSWORD = 'PYROSCOPE_BASIC_AUTH_PASSWORD';

/** One sentence where the settings say two things about who sends to Pyroscope, or half of one. */
export function doubtfulCredentials(configuration: DeliveryConfiguration): string[] {
  const { pyroscopeUrl = '', pyroscopeToken, pyroscopeUser, pyroscopePassword } = configuration;
  const other = pyroscopeUser === undefined ? PASSWORD : USER;
  if (pyroscopeToken !== undefined && (pyroscopeUser ?? pyroscopePassword) !== undefined)
    return [`${TOKEN} is set beside ${other}, and wins. Unset one of the two.`];
  if (pyroscopeUser !== undefined && pyroscopePassword === undefined)
    return [`${USER} is set without ${PASSWORD}, so that the password is empty. Set it, or unset the user.`];
  if (pyroscopePassword !== undefined && pyroscopeUser === undefined && !/\/\/[^/]*@/.test(pyroscopeUrl))
    return [`${PASSWORD} is set without ${USER}, and has no effect. Set the user, or unset the password.`];
  return [];
}
