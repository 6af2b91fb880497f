import { check } from './demo/check.mjs';
import { HELP, readOptions } from './demo/options.mjs';
import { findBrowser, prepare } from './demo/prepare.mjs';
import { stayUp } from './demo/stay.mjs';
import { main } from './setup/commands.mjs';

await main(async () => {
  const options = readOptions(process.argv.slice(2));
  if (options.help) {
    console.log(HELP);
    return;
  }
  await prepare();
  if (options.isCheck) await check(options, await findBrowser());
  else await stayUp(options);
}, HELP);
