import { writeFileSync } from 'node:fs';
import { configurationPage } from './page';

const target = process.argv[2];
if (target === undefined) throw new Error('Name the file to write, such as docs/configuration.md.');
writeFileSync(target, configurationPage());
