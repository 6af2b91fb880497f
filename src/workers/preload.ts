import { attachWorker } from './attach';
import { restoreExecArgv } from './watch';

restoreExecArgv();
attachWorker();
