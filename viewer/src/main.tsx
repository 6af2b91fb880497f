import './style/page.css';
import { render } from 'preact';
import { App } from './app.js';
import { openReport } from './report/open.js';
import { startListening } from './state/live.js';
import { report } from './state/report.js';
import { loadServices } from './state/services.js';

await openReport();
loadServices();
if (!report.value) startListening();
render(<App />, document.getElementById('page') as HTMLElement);
