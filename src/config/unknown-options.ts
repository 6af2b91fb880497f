import { deliverySettingNames, deliverySettings } from './delivery-settings';
import { nearest } from './nearest';
import { settingNames, settings } from './settings';

/** Options that are no setting of a table. */
const OBJECTS = ['logger'];

/** Names of all options. */
export function knownOptions(): string[] {
  return [
    ...settingNames.filter((name) => settings[name].option),
    ...deliverySettingNames.filter((name) => deliverySettings[name].option),
    ...OBJECTS,
  ];
}

/** Of some names of options, one sentence for each that there is not. */
export function unknownOptions(names: string[]): string[] {
  const known = knownOptions();
  return names
    .filter((name) => !known.includes(name))
    .map((name) => {
      const guess = nearest(name, known);
      const remedy = guess ? `Did you mean "${guess}"?` : `Known options are ${known.join(', ')}.`;
      return `The option "${name}" is not known and is ignored. ${remedy}`;
    });
}
