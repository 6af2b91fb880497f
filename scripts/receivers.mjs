// Installs the receivers that uploads are tested against: `node scripts/receivers.mjs`. `npm test` does the same.
import { main } from './setup/commands.mjs';
import { step } from './setup/progress.mjs';
import { installReceivers } from './setup/receivers.mjs';

await main(() =>
  installReceivers({
    step,
    onWait: () => console.log('Another process is installing them; waiting for it …'),
  }),
);
