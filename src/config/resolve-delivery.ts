import { type DeliveryConfiguration, deliverySettings } from './delivery-settings';
import { type ProfilerOptions, type Resolved, resolveTable } from './resolve';

/** As `resolveConfiguration`, for the settings of delivery. Tags of an object are read where the identity is made. */
export function resolveDelivery(
  options: ProfilerOptions,
  environment: NodeJS.ProcessEnv,
): Resolved<DeliveryConfiguration> {
  const warnings: string[] = [];
  const { tags, ...given } = options;
  const all = { ...given, tags: typeof tags === 'object' ? undefined : tags };
  return {
    configuration: resolveTable<DeliveryConfiguration>(deliverySettings, all, environment, warnings),
    warnings,
  };
}
