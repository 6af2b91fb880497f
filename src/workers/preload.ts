import { attachWorker } from './attach';
import { restoreExecArgv } from './make';

restoreExecArgv();
attachWorker();
